//! What holds for all templates and all data.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::Template;
use crate::Context;

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[^)]{0,8}".prop_map(Value::from),
        "[^$]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_template_without_tags_is_itself(document in document()) {
        let document = json!({"root": document});
        let template = Template::compile(&document);
        prop_assert_eq!(template.inputs().count(), 0);
        prop_assert_eq!(template.render(&Context::new()), Ok(document));
    }

    #[test]
    fn data_is_never_interpreted(text in ".{0,20}") {
        let context = Context::new().owning("x", json!(text));
        let template = Template::compile(&json!({"typed": "$(x)$", "text": "<$(x)$>"}));
        let expected = json!({"typed": text, "text": format!("<{text}>")});
        prop_assert_eq!(template.render(&context), Ok(expected));
    }

    #[test]
    fn any_text_is_harmless(text in "[$()a.\\[\\]{}' ]{0,30}") {
        let context = Context::new().owning("a", json!({"a": [1]}));
        let template = Template::compile(&json!({ "k": text }));
        if template.diagnostics().next().is_some() {
            prop_assert!(template.render(&context).is_err());
        }
    }
}
