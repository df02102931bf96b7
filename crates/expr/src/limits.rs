//! How much a tenant's expression may cost, in one place.
//!
//! Controllers evaluate expressions of every tenant in one process, so no expression may use up
//! the time or the memory of the others. Exceeding a limit is an error that says which one.

/// Longest text of one path, in bytes.
pub const PATH_BYTES: usize = 4 * 1024;

/// Deepest nesting of `[` and `(` in one path.
pub const PATH_DEPTH: usize = 32;

/// Most values that a path, or one step of it, may yield.
pub const PATH_RESULTS: usize = 10_000;

/// Most values that the evaluation of one path may look at.
pub const PATH_VISITS: usize = 200_000;

/// Longest text of one handlebars template, in bytes.
pub const TEXT_BYTES: usize = 64 * 1024;

/// Deepest nesting of blocks, and of parentheses in one tag. Deeper texts would overflow the
/// stack of the parser, which kills the process and not only the template.
pub const TEXT_DEPTH: usize = 32;

/// Most `{{…}}` of one handlebars template: its parser takes quadratic time.
pub const TEXT_EXPRESSIONS: usize = 512;

/// Work that the loops of one handlebars rendering may do; an element of a loop body costs about
/// the length of the path it names.
pub const TEXT_WORK: usize = 2_000_000;

/// Most bytes that one rendering may produce.
pub const OUTPUT_BYTES: usize = 1024 * 1024;
