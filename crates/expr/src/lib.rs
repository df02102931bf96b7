//! What a template or a blueprint may say about data: paths, `$(…)$` tags and handlebars text.
//!
//! Everything is parsed once and evaluated often. A [`Path`] picks values out of JSON, a
//! [`Template`] is a JSON document with `$(…)$` tags, a [`Text`] is handlebars that renders to
//! YAML; the last two read a [`Context`], which borrows what it names.
//!
//! **Invariant:** no expression can read a file, the environment, the network, a clock or a random
//! number. Everything it sees is in the value or the context it is given.
//!
//! **Invariant:** every parse and every evaluation ends soon, whatever the tenant wrote: see
//! [`limits`].
//!
//! **Invariant:** equal inputs give equal bytes. Maps are visited in sorted order, and of several
//! mistakes the first in document order is reported.
//!
//! **Invariant:** results are never scanned again for tags; data stays data.

mod context;
mod hint;
mod json;
pub mod limits;
mod number;
mod path;
mod template;
mod text;

pub use context::Context;
pub use path::{FindFault, Path, PathError};
pub use template::{BadTag, RenderError, TagError, Template};
pub use text::{Position, Text, TextError, TextFault};
