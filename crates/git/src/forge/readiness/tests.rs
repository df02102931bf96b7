use rstest::rstest;

use super::super::answer::User;
use super::*;

/// `<who> <state> <commit> <flags>`, the oldest first; flags: `o`fficial, `s`tale, `d`ismissed.
fn reviews(lines: &[&str]) -> Vec<Review> {
    let read = |(id, line): (i64, &&str)| {
        let words: Vec<&str> = line.split(' ').collect();
        let flags = words.get(3).copied().unwrap_or_default();
        Review {
            id,
            user: User { login: words[0].into() },
            state: words[1].into(),
            commit_id: words[2].into(),
            official: flags.contains('o'),
            stale: flags.contains('s'),
            dismissed: flags.contains('d'),
        }
    };
    (1..).zip(lines).map(read).collect()
}

#[rstest]
#[case::approved(&["ann APPROVED h o"], 1, &[])]
#[case::by_two(&["ann APPROVED h o", "ben APPROVED h o"], 2, &[])]
#[case::one_person_twice(&["ann APPROVED h o", "Ann APPROVED h o"], 1, &[])]
#[case::of_another_head(&["ann APPROVED g o"], 0, &[])]
#[case::stale(&["ann APPROVED h os"], 0, &[])]
#[case::dismissed(&["ann APPROVED h od"], 0, &[])]
#[case::by_a_stranger(&["ann APPROVED h"], 0, &[])]
#[case::by_the_author(&["Me APPROVED h o"], 0, &[])]
#[case::changes_after_approval(&["ann APPROVED h o", "ann REQUEST_CHANGES h o"], 0, &["ann"])]
#[case::approval_after_changes(&["ann REQUEST_CHANGES g o", "ann APPROVED h o"], 1, &[])]
#[case::a_comment_is_no_verdict(&["ann APPROVED h o", "ann COMMENT h"], 1, &[])]
#[case::asked_again(&["ann REQUEST_CHANGES g", "ann REQUEST_REVIEW h o"], 0, &["ann"])]
#[case::changes_dismissed(&["ann REQUEST_CHANGES h od"], 0, &[])]
#[case::changes_for_an_older_head(&["ann REQUEST_CHANGES g os"], 0, &["ann"])]
fn last_words(#[case] lines: &[&str], #[case] approvals: i64, #[case] rejected_by: &[&str]) {
    let rejected_by: Vec<String> = rejected_by.iter().map(|name| (*name).into()).collect();
    assert_eq!(verdicts(reviews(lines), "h", "me"), (approvals, rejected_by.clone()));
    let mut mixed = reviews(lines);
    mixed.reverse();
    assert_eq!(verdicts(mixed, "h", "me"), (approvals, rejected_by), "the order is ours");
}

#[rstest]
#[case("success", CheckState::Success)]
#[case("skipped", CheckState::Success)]
#[case("failure", CheckState::Failure)]
#[case("error", CheckState::Failure)]
#[case("warning", CheckState::Failure)]
#[case("pending", CheckState::Pending)]
#[case("", CheckState::Pending)]
fn states(#[case] status: &str, #[case] state: CheckState) {
    let statuses = vec![Status { context: "ci".into(), status: status.into() }];
    assert_eq!(checks(statuses), [("ci".to_owned(), state)].into());
}

#[rstest]
#[case(false, &["a"], &[])]
#[case(true, &["a", "b/*"], &["a", "b/*"])]
#[case(true, &[], &["*"])]
#[case(true, &[""], &["*"])]
fn rules(#[case] enabled: bool, #[case] contexts: &[&str], #[case] checks: &[&str]) {
    let branch = Branch {
        required_approvals: 0,
        enable_status_check: enabled,
        status_check_contexts: contexts.iter().map(|name| (*name).into()).collect(),
    };
    assert_eq!(demanded(&branch), checks);
}
