//! What a request to a forge is about, as far as it may be counted by: never a name.

/// What a path of the API is about, in one word of a short list.
pub(super) fn topic(path: &str) -> &'static str {
    let Some((_, path)) = path.split_once("/api/v1/") else { return "other" };
    let mut parts = path.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("version"), None, ..) => "version",
        (Some("repos"), Some(_), Some(_), None) => "repository",
        (Some("repos"), Some(_), Some(_), Some("labels"))
        | (Some("orgs"), Some(_), Some("labels"), _) => "labels",
        (Some("repos"), Some(_), Some(_), Some("branches")) => "branch",
        (Some("repos"), Some(_), Some(_), Some("commits")) => "status",
        (Some("repos"), Some(_), Some(_), Some("issues")) => "comments",
        (Some("repos"), Some(_), Some(_), Some("pulls")) => match (parts.next(), parts.next()) {
            (None, _) => "requests",
            (Some(_), None) => "request",
            (Some(_), Some("merge")) => "merge",
            (Some(_), Some("reviews")) => "reviews",
            (Some(_), Some("requested_reviewers")) => "reviewers",
            _ => "other",
        },
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::topic;

    #[rstest]
    #[case("/api/v1/version", "version")]
    #[case("/api/v1/orgs/team/labels", "labels")]
    #[case("/sub/api/v1/repos/o/r", "repository")]
    #[case("/api/v1/repos/o/r/labels", "labels")]
    #[case("/api/v1/repos/o/r/branches/merge/pulls", "branch")]
    #[case("/api/v1/repos/o/r/commits/abc/status", "status")]
    #[case("/api/v1/repos/o/r/issues/5/comments", "comments")]
    #[case("/api/v1/repos/o/r/pulls", "requests")]
    #[case("/api/v1/repos/o/r/pulls/5", "request")]
    #[case("/api/v1/repos/o/r/pulls/5/merge", "merge")]
    #[case("/api/v1/repos/o/r/pulls/5/reviews", "reviews")]
    #[case("/api/v1/repos/o/r/pulls/5/requested_reviewers", "reviewers")]
    #[case("/api/v1/repos/o/r/pulls/5/tenant", "other")]
    #[case("/api/v1/repos/o/r/tenant", "other")]
    #[case("/tenant", "other")]
    fn paths(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(topic(path), expected);
    }
}
