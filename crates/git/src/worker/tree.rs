//! Trees as git stores them, so that entries of others keep their exact bytes: names that are no text,
//! modes that nobody writes any more (faults F75, F76).

use std::cmp::Ordering;

use git2::Oid;

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    mode: Vec<u8>,
    pub(super) name: Vec<u8>,
    pub(super) id: Oid,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tree,
    File,
    Program,
    Link,
    /// A submodule.
    Commit,
}

impl Kind {
    /// The mode as new entries have it.
    pub(super) fn mode(self) -> &'static str {
        match self {
            Self::Tree => "40000",
            Self::File => "100644",
            Self::Program => "100755",
            Self::Link => "120000",
            Self::Commit => "160000",
        }
    }

    /// What a mode of a writer's file says; directories and submodules are none.
    pub(super) fn of_file(mode: &str) -> Option<Self> {
        match mode {
            "100644" => Some(Self::File),
            "100755" => Some(Self::Program),
            "120000" => Some(Self::Link),
            _ => None,
        }
    }

    /// The kind in a word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Tree => "directory",
            Self::File | Self::Program => "file",
            Self::Link => "symlink",
            Self::Commit => "submodule",
        }
    }
}

impl Entry {
    pub(super) fn new(name: &[u8], kind: Kind, id: Oid) -> Self {
        Self { mode: kind.mode().as_bytes().to_vec(), name: name.to_vec(), id }
    }

    /// The same name and mode, with another content.
    pub(super) fn with(&self, id: Oid) -> Self {
        Self { id, ..self.clone() }
    }

    pub(super) fn kind(&self) -> Kind {
        let mode = self.mode.iter().fold(0_u32, |mode, digit| (mode << 3) | u32::from(digit & 7));
        match mode & 0o170_000 {
            0o040_000 => Kind::Tree,
            0o120_000 => Kind::Link,
            0o160_000 => Kind::Commit,
            _ if mode & 0o111 != 0 => Kind::Program,
            _ => Kind::File,
        }
    }

    pub(super) fn is_tree(&self) -> bool {
        self.kind() == Kind::Tree
    }

    /// Whether both are the same, whatever their names.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.kind() == other.kind()
    }
}

/// Reads the bytes of a tree.
pub(super) fn parse(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    const ID: usize = 20;
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|byte| *byte == b' ')?;
        let (mode, rest) = (&bytes[..blank], &bytes[blank + 1..]);
        let end = rest.iter().position(|byte| *byte == 0)?;
        let id = rest.get(end + 1..end + 1 + ID)?;
        if mode.is_empty()
            || mode.len() > 7
            || !mode.iter().all(|digit| (b'0'..=b'7').contains(digit))
        {
            return None;
        }
        entries.push(Entry {
            mode: mode.to_vec(),
            name: rest[..end].to_vec(),
            id: Oid::from_bytes(id).ok()?,
        });
        bytes = &rest[end + 1 + ID..];
    }
    Some(entries)
}

/// The bytes of a tree with these entries, in git's order.
pub(super) fn bytes(entries: &[Entry]) -> Vec<u8> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|one, other| order(one, other));
    let mut bytes = Vec::new();
    for entry in sorted {
        bytes.extend_from_slice(&entry.mode);
        bytes.push(b' ');
        bytes.extend_from_slice(&entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.id.as_bytes());
    }
    bytes
}

/// git's order: a directory sorts as if its name ended in a slash.
pub(super) fn order(one: &Entry, other: &Entry) -> Ordering {
    let key = |entry: &Entry| {
        let slash = entry.is_tree().then_some(b'/');
        entry.name.iter().copied().chain(slash).collect::<Vec<u8>>()
    };
    key(one).cmp(&key(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: u8) -> Oid {
        Oid::from_bytes(&[digit; 20]).unwrap()
    }

    #[test]
    fn odd_entries_keep_their_bytes() {
        let mut wire = Vec::new();
        for (mode, name) in [
            ("100664", b"group".as_slice()),
            ("040000", b"padded"),
            ("100644", b"\xff\n"),
            ("160000", b"sub"),
        ] {
            wire.extend_from_slice(mode.as_bytes());
            wire.push(b' ');
            wire.extend_from_slice(name);
            wire.push(0);
            wire.extend_from_slice(&[7; 20]);
        }
        let entries = parse(&wire).unwrap();
        let kinds: Vec<Kind> = entries.iter().map(Entry::kind).collect();
        assert_eq!(kinds, [Kind::File, Kind::Tree, Kind::File, Kind::Commit]);
        let mut again = bytes(&entries);
        assert_eq!(again.len(), wire.len());
        again.sort_unstable();
        wire.sort_unstable();
        assert_eq!(again, wire);
    }

    #[test]
    fn directories_sort_with_a_slash() {
        let entries = [
            Entry::new(b"a0", Kind::File, id(1)),
            Entry::new(b"a", Kind::Tree, id(2)),
            Entry::new(b"a-b", Kind::File, id(3)),
        ];
        let names: Vec<Vec<u8>> =
            parse(&bytes(&entries)).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, [b"a-b".to_vec(), b"a".to_vec(), b"a0".to_vec()]);
    }

    #[test]
    fn what_is_no_tree_does_not_read() {
        assert_eq!(parse(b""), Some(Vec::new()));
        assert!(parse(b"100644 a\0short").is_none());
        assert!(parse(b"100644").is_none());
        assert!(parse(b"10x644 a\0aaaaaaaaaaaaaaaaaaaa").is_none());
    }
}
