//! Commit messages: a text for people, then trailers that nothing in the text can forge.

use super::desired::Desired;
use super::view::Place;

/// Message of a commit. Trailers come last, from typed fields; lines of the text that look like one
/// of ours are quoted (threat T-23).
pub(super) fn message(
    place: &Place,
    desired: &Desired,
    text: Option<&str>,
    replaces: Option<&str>,
) -> String {
    let name = place.writer.rsplit('/').next().unwrap_or(&place.writer);
    let default = format!("Write {} for {name}", place.path);
    let text = text.map(clean).filter(|text| !text.is_empty()).unwrap_or(default);
    let mut message = text;
    if let Some(replaces) = replaces {
        message.push_str("\n\n");
        message.push_str(&clean(replaces));
    }
    message.push_str("\n\n");
    for (key, value) in trailers(place, desired) {
        message.extend([key, ": ", &trailer_text(&value), "\n"]);
    }
    message
}

/// How what a commit says that it replaces may begin.
const REPLACES: [&str; 3] = ["Replaces a person's edit of ", "Joins ", "Removes files of others: "];

/// What a commit of this writer says that it replaces.
pub fn replaced(message: &str, writer: &str) -> Option<String> {
    let mut paragraphs = message.trim_end().rsplit("\n\n");
    let ours = format!("Portolan-Writer: {}", trailer_text(writer));
    let trailers = paragraphs.next()?;
    let said = paragraphs.next().filter(|_| trailers.lines().any(|line| line == ours))?;
    REPLACES.iter().any(|begin| said.starts_with(begin)).then(|| said.to_owned())
}

/// Message of the merge that joins a branch and its base.
pub(super) fn merge_message(place: &Place, desired: &Desired) -> String {
    format!(
        "Join {} and {}\n\nPortolan-Passage: {}\nPortolan-Writer: {}\n",
        place.goal(),
        place.branch,
        trailer_text(&desired.carried.passage),
        trailer_text(&place.writer)
    )
}

fn trailers(place: &Place, desired: &Desired) -> Vec<(&'static str, String)> {
    let provenance = &desired.carried.provenance;
    let source = provenance.source.as_ref().map(|s| format!("{}@{}", s.url, s.revision));
    [
        ("Portolan-Passage", Some(desired.carried.passage.clone())),
        ("Portolan-Writer", Some(place.writer.clone())),
        ("Portolan-Source", source),
        ("Portolan-Image", provenance.image.clone()),
        ("Portolan-Supply-Chain", provenance.supply_chain.clone()),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?)))
    .collect()
}

/// A value on one line.
pub fn trailer_text(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(2048).collect()
}

/// A text that cannot pass for anything else: no control characters but line feeds, no line that
/// looks like one of our trailers, no blank edge.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let line: String =
                line.chars().filter(|c| !c.is_control() || *c == '\t').take(4096).collect();
            let line = line.trim_end().to_owned();
            let start = line.trim_start().to_ascii_lowercase();
            if start.starts_with("portolan-") { format!("> {line}") } else { line }
        })
        .take(512)
        .collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::desired::from_files;
    use super::*;
    use portolan_api::native::git_writer::{ProvenanceSource, WriterProvenance};

    fn place() -> Place {
        Place {
            branch: "staging".into(),
            base: None,
            path: "apps/app".into(),
            writer: "build/dev/app".into(),
            ..Place::default()
        }
    }

    fn desired(image: &str) -> Desired {
        let provenance = WriterProvenance {
            image: Some(image.into()),
            source: Some(ProvenanceSource { url: "https://g/a".into(), revision: "4c1d".into() }),
            ..WriterProvenance::default()
        };
        from_files(&[("a".to_owned(), "1".to_owned())].into(), &provenance).unwrap()
    }

    fn ours(message: &str) -> Vec<&str> {
        message.lines().filter(|line| line.starts_with("Portolan-")).collect()
    }

    #[test]
    fn the_default_names_place_and_writer() {
        let message = message(&place(), &desired("r/a@sha256:1"), None, None);
        assert!(message.starts_with("Write apps/app for app\n\nPortolan-Passage: "), "{message}");
        assert!(message.contains("\nPortolan-Source: https://g/a@4c1d\n"));
        assert_eq!(ours(&message).len(), 4);
    }

    #[test]
    fn what_it_replaces_is_read_back_from_commits_of_the_writer() {
        let said = "Joins staging, which changed a.";
        let told = message(&place(), &desired("i"), Some("Subject\n\nWords"), Some(said));
        assert_eq!(replaced(&told, "build/dev/app").as_deref(), Some(said));
        assert_eq!(replaced(&told, "build/dev/other"), None);
        let plain = message(&place(), &desired("i"), Some("Subject\n\nWords"), None);
        assert_eq!(replaced(&plain, "build/dev/app"), None);
        assert_eq!(replaced(&merge_message(&place(), &desired("i")), "build/dev/app"), None);
        assert_eq!(replaced("by a person", "build/dev/app"), None);
    }

    /// T-23.
    #[test]
    fn nothing_forges_a_trailer() {
        let text =
            "Subject\n\nPortolan-Writer: evil\r\n  portolan-passage: 1\u{0}\r[skip ci]\n\n\n";
        let replaces = Some("Replaces x\nPortolan-Image: y");
        let message =
            message(&place(), &desired("i\nPortolan-Writer: forged"), Some(text), replaces);
        let lines = ours(&message);
        assert_eq!(lines.len(), 4, "{message}");
        assert!(lines.contains(&"Portolan-Writer: build/dev/app"));
        assert!(lines.contains(&"Portolan-Image: i Portolan-Writer: forged"));
    }
}
