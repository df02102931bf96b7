//! Sentences that help with a name that is not there.
//!
//! **Invariant:** a hint shows names of keys, never values, since values may be secret.

/// Names further away than this are other names, not misspellings.
const NEAR: usize = 2;
/// Most names that a hint lists.
const LISTED: usize = 8;
/// Longer names are not compared; nobody types them.
const COMPARED_BYTES: usize = 128;
/// More names than these are not compared.
const COMPARED_NAMES: usize = 1000;

/// What to try instead of `wanted`, given the names that exist beside it.
pub(crate) fn for_missing<'n>(wanted: &str, existing: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = existing.take(COMPARED_NAMES).collect();
    match nearest(wanted, &names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => list(&names),
    }
}

fn nearest<'n>(wanted: &str, names: &[&'n str]) -> Option<&'n str> {
    if wanted.len() > COMPARED_BYTES {
        return None;
    }
    let near = |name: &str| {
        let edits = distance(wanted, name);
        (edits <= NEAR && edits < wanted.chars().count()).then_some(edits)
    };
    let comparable = names.iter().filter(|name| name.len() <= COMPARED_BYTES);
    comparable.filter_map(|name| Some((near(name)?, *name))).min().map(|(_, name)| name)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "there are no keys here".to_owned();
    }
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > LISTED { " and others" } else { "" };
    format!("the keys here are {}{more}", shown.join(", "))
}

/// How many characters to insert, remove, replace, or swap with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut edits = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                edits = edits.min(rows[i - 2][j - 2] + 1);
            }
            row.push(edits);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("urll", &["branch", "url"], "did you mean `url`?")]
    #[case("lru", &["url"], "did you mean `url`?")]
    #[case("nmae", &["image", "name"], "did you mean `name`?")]
    #[case("ab", &["cd"], "the keys here are `cd`")]
    #[case("x", &[], "there are no keys here")]
    #[case("other", &["a", "b"], "the keys here are `a`, `b`")]
    #[case(
        "zzzz",
        &["1", "2", "3", "4", "5", "6", "7", "8", "9"],
        "the keys here are `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8` and others"
    )]
    fn helps(#[case] wanted: &str, #[case] existing: &[&str], #[case] expected: &str) {
        assert_eq!(for_missing(wanted, existing.iter().copied()), expected);
    }
}
