use portolan_api::choreography::selector::FieldOperator;
use serde_json::json;

use super::*;

fn selector(labels: &[(&str, &str)], fields: Vec<FieldSelectorRequirement>) -> Selector {
    let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Selector::new(Some(labels), None, Some(fields))
}

fn best(labels: &[(&str, &str)], selectors: &[Selector]) -> (Vec<usize>, usize) {
    let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let object = json!({"spec": {"image": "i"}});
    let subject = Selectable { labels: &labels, object: &object };
    let (best, errors) = most_specific(&subject, selectors.iter().zip(0..));
    (best, errors.len())
}

fn image(operator: FieldOperator) -> FieldSelectorRequirement {
    FieldSelectorRequirement { key: "spec.image".into(), operator, values: None }
}

#[test]
fn the_most_specific_selector_wins_and_ties_stay() {
    let one = selector(&[("a", "1")], vec![]);
    let two = selector(&[("a", "1"), ("b", "2")], vec![]);
    let field = selector(&[("a", "1")], vec![image(FieldOperator::Exists)]);
    let all = selector(&[], vec![]);
    let labels = [("a", "1"), ("b", "2")];
    assert_eq!(best(&labels, &[one.clone(), two.clone()]), (vec![1], 0));
    assert_eq!(best(&labels, &[one.clone(), two.clone(), field]), (vec![1, 2], 0));
    assert_eq!(best(&[("a", "1")], &[one, two]), (vec![0], 0));
    assert_eq!(best(&labels, &[all]), (vec![], 0), "a selector without requirements never matches");
}

#[test]
fn an_error_stays_dormant_until_labels_match_and_hides_no_other_selector() {
    let bad = FieldSelectorRequirement { key: "spec[".into(), ..image(FieldOperator::Exists) };
    let broken = selector(&[("a", "1")], vec![bad]);
    let good = selector(&[("b", "2")], vec![]);
    assert_eq!(best(&[("b", "2")], &[broken.clone(), good.clone()]), (vec![1], 0));
    assert_eq!(best(&[("a", "1"), ("b", "2")], &[broken, good]), (vec![1], 1));
}

#[test]
fn label_expressions() {
    let labels: BTreeMap<String, String> = [("tier".to_owned(), "web".to_owned())].into();
    for (operator, values, expected) in [
        ("In", vec!["web", "db"], Ok(true)),
        ("In", vec!["db"], Ok(false)),
        ("NotIn", vec!["db"], Ok(true)),
        ("Exists", vec![], Ok(true)),
        ("DoesNotExist", vec![], Ok(false)),
        ("In", vec![], Err(())),
        ("Exists", vec!["x"], Err(())),
        ("Near", vec![], Err(())),
    ] {
        let values = values.into_iter().map(String::from).collect();
        let requirement = LabelSelectorRequirement {
            key: "tier".into(),
            operator: operator.into(),
            values: Some(values),
        };
        let selector = Selector::new(None, Some(vec![requirement]), None);
        let subject = Selectable { labels: &labels, object: &Value::Null };
        assert_eq!(selector.matches(&subject).map_err(|_| ()), expected, "{operator}");
    }
    let absent = LabelSelectorRequirement {
        key: "absent".into(),
        operator: "NotIn".into(),
        values: Some(vec!["x".into()]),
    };
    assert!(label_matches(&absent, &labels), "NotIn holds where the label is absent");
}
