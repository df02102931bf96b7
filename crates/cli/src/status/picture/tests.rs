use portolan_api::condition::ConditionStatus;
use portolan_plan::standing::{Object, Request};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn step(name: &str, kind: &str, state: StepState, revision: &str) -> Step {
    let object = Object {
        api_version: "carto.run/v1alpha1".into(),
        kind: kind.into(),
        resource: String::new(),
        namespace: Some("dev".into()),
        name: "shop".into(),
    };
    Step {
        name: name.into(),
        state,
        object: (state != StepState::Unreached).then_some(object),
        revision: (!revision.is_empty()).then(|| revision.repeat(40)),
        attempted: None,
        image: None,
        branch: None,
        request: None,
        subject: None,
        since: None,
    }
}

fn cause(resource: Option<&str>, reason: &str, message: &str, hint: &str) -> Cause {
    Cause {
        resource: resource.map(Into::into),
        object: None,
        condition: "Ready".into(),
        status: ConditionStatus::False,
        reason: reason.into(),
        message: message.into(),
        since: None,
        hint: Some(hint.into()),
    }
}

fn owner(name: &str, state: State, steps: Vec<Step>, cause: Option<Cause>) -> Standing {
    Standing {
        kind: "Workload",
        namespace: "dev".into(),
        name: name.into(),
        state,
        since: Some(at(1_700_000_000)),
        blueprint_kind: "ClusterSupplyChain",
        blueprint: Some("web".into()),
        steps,
        cause,
        notes: Vec::new(),
    }
}

fn landscape() -> Vec<Standing> {
    let image = format!("registry.example/dev/shop@sha256:{}", "d".repeat(64));
    let source = Step {
        branch: Some("main".into()),
        subject: Some("Bigger buttons".into()),
        ..step("source", "GitSource", StepState::Ready, "9")
    };
    let image = Step { image: Some(image), ..step("image", "SourceImage", StepState::Ready, "") };
    let request = Request { number: 7, state: "open".into(), url: "https://git.example/7".into() };
    let write = Step {
        branch: Some("staging-shop".into()),
        request: Some(request),
        ..step("write", "GitWriter", StepState::Unmerged, "8")
    };
    let waits = cause(Some("write"), "AwaitingMerge", "request #7 waits for people", "merge it");
    let failed = Step {
        attempted: Some("c".repeat(40)),
        ..step("image", "SourceImage", StepState::Failed, "")
    };
    let long = format!("Secret {} is not right, {}", "x".repeat(30), "and so on ".repeat(8));
    let failure = cause(Some("image"), "AuthFailed", &long, "put the right credentials there");
    let unserved = Standing {
        blueprint: None,
        notes: vec!["GitWriter shop: Edited: by Ann".into()],
        ..owner(
            "tool",
            State::Held,
            Vec::new(),
            Some(cause(None, "SupplyChainNotFound", "no supply chain", "set the labels")),
        )
    };
    vec![
        owner("cart", State::Ready, vec![source.clone(), image.clone()], None),
        owner("desk", State::Ready, vec![source.clone()], None),
        owner("shop", State::Unmerged, vec![source.clone(), image, write], Some(waits)),
        owner(
            "shed",
            State::Held,
            vec![source, failed, step("write", "GitWriter", StepState::Unreached, "")],
            Some(failure),
        ),
        unserved,
    ]
}

#[test]
fn the_ready_are_short_and_the_others_show_where_they_stand() {
    let notes = ["Deliverables are not shown".to_owned()];
    let now = at(1_700_000_303);
    let text = picture(&landscape(), &notes, "namespace dev", false, now, Paint::none());
    let expected = "\
● Workload dev/cart   supply chain web   ready since 2023-11-14 22:13:20 (5 min 3 s)
  source 999999999999 → image dddddddddddd
● Workload dev/desk   supply chain web   ready since 2023-11-14 22:13:20 (5 min 3 s)
  source 999999999999

◐ Workload dev/shop   supply chain web   ready, waits to be merged since 2023-11-14 22:13:20 (5 min 3 s)

   source ● 999999999999  GitSource shop, branch main, Bigger buttons
          │
    image ● dddddddddddd  SourceImage shop, registry.example/dev/shop
          │
    write ◐ 888888888888  GitWriter shop, branch staging-shop, request #7 open
                          AwaitingMerge: request #7 waits for people
                          → merge it

✗ Workload dev/shed   supply chain web   held since 2023-11-14 22:13:20 (5 min 3 s)

   source ● 999999999999  GitSource shop, branch main, Bigger buttons
          │
    image ✗               SourceImage shop, tries cccccccccccc
          │               AuthFailed: Secret xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx is not right, and so on and so on and so
          │               on and so on and so on and so on and so on and so on
          │               → put the right credentials there
          │
    write ○

✗ Workload dev/tool   held since 2023-11-14 22:13:20 (5 min 3 s)
  SupplyChainNotFound: no supply chain
  → set the labels
! GitWriter shop: Edited: by Ann

! Deliverables are not shown

2 ready, 1 to be merged, 2 held; times in UTC
";
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn who_is_asked_for_by_name_is_drawn_in_full_and_nobody_is_said_to_be_nobody() {
    let owners = landscape();
    let now = at(0);
    let text = picture(&owners[..1], &[], "namespace dev", true, now, Paint::none());
    assert!(text.contains(" source ● 999999999999"), "{text}");
    assert!(text.contains("(0 s)"), "a clock that goes back does no harm: {text}");
    let text = picture(&[], &[], "namespace dev of https://a", false, now, Paint::none());
    assert_eq!(text, "there is no Workload and no Deliverable in namespace dev of https://a\n");
    let notes = ["Deliverables are not shown".to_owned()];
    let text = picture(&[], &notes, "namespace dev", false, now, Paint::none());
    let expected =
        "there is nothing that you may see in namespace dev\n\n! Deliverables are not shown\n";
    assert_eq!(text, expected);
}
