use super::super::template::TemplateKind;
use super::*;

fn template(kind: TemplateKind, mut spec: Value) -> Template {
    spec["template"] = json!({"apiVersion": "v1", "kind": "K"});
    Template::read(kind, &json!({"metadata": {"name": "t"}, "spec": spec})).unwrap()
}

fn read_from(
    kind: TemplateKind,
    spec: Value,
    object: &Value,
) -> Result<Option<Offer>, ResourceError> {
    read(&template(kind, spec), object, &json!({"url": "u", "revision": "r", "name": ""}))
}

#[test]
fn sources_images_and_configs() {
    let object = json!({"status": {"url": "u", "rev": 7, "null": null}});
    let source = json!({"urlPath": ".status.url", "revisionPath": "status.rev"});
    assert_eq!(
        read_from(TemplateKind::Source, source, &object),
        Ok(Some(Offer::Source { url: json!("u"), revision: json!(7) }))
    );
    let source = json!({"urlPath": "status.url", "revisionPath": "status.none"});
    assert_eq!(
        read_from(TemplateKind::Source, source, &object),
        Err(ResourceError::MissingValue { path: "status.none".into() })
    );
    let null = json!({"imagePath": "status.null"});
    assert_eq!(read_from(TemplateKind::Image, null, &object), Ok(None));
    let config = json!({"configPath": "status"});
    assert_eq!(
        read_from(TemplateKind::Config, config, &object),
        Ok(Some(Offer::Config(object["status"].clone())))
    );
    assert_eq!(read_from(TemplateKind::Plain, json!({}), &object), Ok(None));
    let empty = json!({"imagePath": ""});
    let error = read_from(TemplateKind::Image, empty, &object).unwrap_err();
    assert_eq!(error, ResourceError::MissingValue { path: String::new() });
}

fn matched(observed: Value) -> Result<Option<Offer>, ResourceError> {
    let pair = json!({"input": "spec.rev", "output": "status.rev"});
    let mut object = json!({"spec": {"rev": "a"}, "status": {}});
    if !observed.is_null() {
        object["status"]["rev"] = observed;
    }
    read_from(TemplateKind::Deployment, json!({"observedMatches": [pair]}), &object)
}

/// Section 7.2, `observedMatches`.
#[test]
fn observed_matches() {
    let released = Offer::Source { url: json!("u"), revision: json!("r") };
    assert_eq!(matched(json!("a")), Ok(Some(released)));
    let text = |result: Result<Option<Offer>, ResourceError>| match result.unwrap_err() {
        ResourceError::ConditionNotMet(text) => text,
        other => format!("{other:?}"),
    };
    assert_eq!(
        text(matched(json!("b"))),
        "input [spec.rev] and output [status.rev] do not match: a != b"
    );
    assert_eq!(
        text(matched(json!({"x": [1]}))),
        "input [spec.rev] and output [status.rev] do not match: a != {\"x\":[1]}"
    );
    assert_eq!(
        text(matched(Value::Null)),
        "could not find value on output [status.rev]: jsonpath returned empty list: status.rev"
    );
}

fn completed(object: &Value) -> Result<Option<Offer>, ResourceError> {
    let completion = json!({
        "succeeded": {"key": "status.ok", "value": "yes"},
        "failed": {"key": "status.bad", "value": "yes"},
    });
    read_from(TemplateKind::Deployment, json!({"observedCompletion": completion}), object)
}

/// Section 7.2, `observedCompletion`, step by step.
#[test]
fn observed_completion() {
    let object = |observed: i64, status: Value| {
        let mut status = status;
        status["observedGeneration"] = json!(observed);
        json!({"metadata": {"generation": 2}, "status": status})
    };
    let text = |result: Result<Option<Offer>, ResourceError>| format!("{:?}", result.unwrap_err());
    assert!(text(completed(&json!({}))).contains("metadata.generation"));
    let unobserved = json!({"metadata": {"generation": 2}});
    assert_eq!(completed(&unobserved), Err(ResourceError::NoObservedGeneration));
    assert!(
        text(completed(&object(1, json!({}))))
            .contains("does not equal metadata.generation: 1 != 2")
    );
    let failed = object(2, json!({"bad": "yes", "ok": "yes"}));
    assert!(
        text(completed(&failed)).contains("deployment failure condition [status.bad] was: yes")
    );
    assert!(
        text(completed(&object(2, json!({}))))
            .contains("failed to evaluate succeededCondition.Key [status.ok]")
    );
    let no = object(2, json!({"ok": "no"}));
    assert!(text(completed(&no)).contains("was: no, expected: yes"));
    let number = object(2, json!({"ok": 1}));
    assert!(text(completed(&number)).contains("was: 1, expected: yes"));
    assert!(completed(&object(2, json!({"ok": "yes"}))).is_ok());
}

#[test]
fn a_deployment_without_its_input_is_an_error() {
    let spec = json!({"observedMatches": []});
    let error = read(&template(TemplateKind::Deployment, spec), &json!({}), &Value::Null);
    assert_eq!(error, Err(ResourceError::DeploymentMissing));
}

#[test]
fn an_unchanged_output_keeps_its_time() {
    let offer = Offer::Image(json!("i"));
    let first = offer.status(&[], "t1");
    assert_eq!(offer.status(&first, "t2"), first);
    assert_eq!(Offer::Image(json!("j")).status(&first, "t2")[0].last_transition_time, "t2");
}
