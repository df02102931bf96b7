//! The commit that removes what a writer wrote, when the writer is deleted with `prune`.

use std::collections::BTreeMap;

use portolan_api::record;

use super::compose::start;
use super::message::trailer_text;
use super::view::{Edit, Place, Signature, View};

/// The commit, where there is anything of this writer to remove.
pub fn retire(place: &Place, view: &View, author: &Signature) -> Option<Edit> {
    let tips = view.branch.iter().filter(|_| !view.branch_in_goal).chain(&view.goal);
    let mut remove: Vec<String> = tips
        .filter_map(|tip| Some((tip, tip.record.as_ref()?)))
        .filter(|(_, record)| record.writer == place.writer)
        .flat_map(|(_, record)| record.files.keys().cloned())
        .collect();
    if remove.is_empty() {
        return None;
    }
    remove.push(record::FILE.to_owned());
    remove.sort();
    remove.dedup();
    let trailer = format!("Portolan-Writer: {}", trailer_text(&place.writer));
    Some(Edit {
        branch: place.branch.clone(),
        path: place.path.clone(),
        start: start(place, view),
        put: BTreeMap::new(),
        remove,
        message: format!("Remove {}\n\nIts writer was deleted.\n\n{trailer}\n", place.path),
        merge_message: format!("Join {} and {}\n\n{trailer}\n", place.goal(), place.branch),
        author: author.clone(),
    })
}

#[cfg(test)]
mod tests {
    use portolan_api::record::{Record, RecordedFile};

    use super::super::view::Tip;
    use super::*;

    #[test]
    fn exactly_what_the_record_lists_goes() {
        let place = Place {
            branch: "staging".into(),
            base: None,
            path: "apps/app".into(),
            writer: "build/dev/app".into(),
            ..Place::default()
        };
        let author = Signature { name: "P".into(), email: "p@x".into(), seconds: 0 };
        let file = RecordedFile { mode: "100644".into(), blob: "b".into() };
        let view = |writer: &str| View {
            goal: Some(Tip {
                commit: "g".into(),
                record: Some(Record {
                    writer: writer.into(),
                    files: [("a.yaml".to_owned(), file.clone())].into(),
                    ..Record::default()
                }),
                ..Tip::default()
            }),
            ..View::default()
        };
        let edit = retire(&place, &view("build/dev/app"), &author).unwrap();
        assert_eq!(edit.remove, [".portolan/passage", "a.yaml"]);
        assert_eq!(retire(&place, &view("other/dev/app"), &author), None);
        assert_eq!(retire(&place, &View::default(), &author), None);
    }
}
