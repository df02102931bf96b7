//! The canonical text of a path: parsing it again gives an equal path.

use std::fmt::{self, Write};

use super::filter::{Filter, Operand, Test};
use super::parse::is_terminator;
use super::quote;
use super::step::{Deep, Slice, Step};

/// Prints a whole path: it starts with a dot.
pub(super) fn path(out: &mut impl Write, steps: &[Step]) -> fmt::Result {
    steps.iter().try_for_each(|step| one(out, step, Place::Path))
}

/// Where a step is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    /// In a filter, quotes and parentheses in names would end it too early. Names that contain
    /// them came out of quotes there, and go back into quotes.
    Filter,
}

impl Place {
    fn quotes(self, name: &str) -> bool {
        self == Self::Filter && name.contains(['"', '(', ')'])
    }
}

fn one(out: &mut impl Write, step: &Step, place: Place) -> fmt::Result {
    match step {
        Step::Key(name) => key(out, name, place),
        Step::Index(index) => write!(out, "[{index}]"),
        Step::Slice(bounds) => {
            out.write_char('[')?;
            slice(out, bounds)?;
            out.write_char(']')
        }
        Step::Wildcard => out.write_str(".*"),
        Step::Union(parts) => {
            for (nth, part) in parts.iter().enumerate() {
                out.write_char(if nth == 0 { '[' } else { ',' })?;
                selection(out, part)?;
            }
            out.write_char(']')
        }
        Step::Filter(filter) => self::filter(out, filter),
        Step::Descend => out.write_str(".."),
        Step::Deep(deep) => descendants(out, deep, place),
        Step::Identifier(name) => write!(out, " {name}"),
    }
}

fn key(out: &mut impl Write, name: &str, place: Place) -> fmt::Result {
    if place.quotes(name) {
        out.write_str("['")?;
        escaped(out, name)?;
        return out.write_str("']");
    }
    out.write_char('.')?;
    escaped(out, name)
}

fn escaped(out: &mut impl Write, name: &str) -> fmt::Result {
    match name {
        // `@` does nothing, but keeps the dot from joining the next one.
        "" => out.write_char('@'),
        "*" => out.write_str("\\*"),
        _ => name.chars().try_for_each(|c| {
            if is_terminator(c) || c == '\\' {
                out.write_char('\\')?;
            }
            out.write_char(c)
        }),
    }
}

fn descendants(out: &mut impl Write, deep: &Deep, place: Place) -> fmt::Result {
    let bare = |name: &str| name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    out.write_str("..")?;
    match &deep.key {
        None => out.write_str(".*"),
        Some(name) if bare(name) && !place.quotes(name) => escaped(out, name),
        Some(name) => key(out, name, place),
    }
}

fn slice(out: &mut impl Write, bounds: &Slice) -> fmt::Result {
    if *bounds == Slice::default() {
        return out.write_char('*');
    }
    let bound = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    write!(out, "{}:{}", bound(bounds.start), bound(bounds.end))?;
    bounds.step.map_or(Ok(()), |step| write!(out, ":{step}"))
}

/// One part of a union, which stands between commas.
fn selection(out: &mut impl Write, part: &[Step]) -> fmt::Result {
    match part {
        [Step::Index(index)] => write!(out, "{index}"),
        [Step::Slice(bounds)] => slice(out, bounds),
        names => {
            let mut text = String::new();
            path(&mut text, names)?;
            write!(out, "'{}'", text.strip_prefix('.').unwrap_or(&text))
        }
    }
}

fn filter(out: &mut impl Write, filter: &Filter) -> fmt::Result {
    out.write_str("[?(")?;
    match filter.test() {
        Test::Exists(path) => relative(out, path)?,
        Test::Compare { left, operator, right } => {
            operand(out, left)?;
            out.write_str(operator)?;
            operand(out, right)?;
        }
    }
    out.write_str(")]")
}

fn operand(out: &mut impl Write, operand: &Operand) -> fmt::Result {
    match operand {
        Operand::Literal(value) => quote::print(out, value),
        Operand::Path(path) => relative(out, path),
    }
}

fn relative(out: &mut impl Write, steps: &[Step]) -> fmt::Result {
    out.write_char('@')?;
    steps.iter().try_for_each(|step| one(out, step, Place::Filter))
}
