//! Golden files: what a test found, as a text that was reviewed and committed.

use std::path::Path;

use anyhow::{Context, bail};
use similar::TextDiff;

/// Set to `1`, it writes golden files instead of comparing with them.
const UPDATE: &str = "UPDATE_GOLDEN";

/// Compares a text with its golden file, or writes the file where the user asks for it.
pub fn compare(path: &Path, found: &str) -> anyhow::Result<()> {
    if std::env::var(UPDATE).is_ok_and(|value| value == "1") {
        return std::fs::write(path, found).with_context(|| format!("writing {}", path.display()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let expected = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    if expected == found {
        return Ok(());
    }
    let diff = TextDiff::from_lines(expected.as_str(), found);
    let diff = diff.unified_diff().context_radius(4).header(&name, "found").to_string();
    bail!(
        "{name} says something else (run with {UPDATE}=1 to accept what was found, then read the \
         change):\n{diff}"
    )
}
