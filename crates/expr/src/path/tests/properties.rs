//! What holds for all paths and all data.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::super::Path;
use crate::Context;

fn key() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("b".to_owned()), "[a-z.\\- '\"\\[\\](),*\\\\@${}é]{0,4}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c\"'<&é\n]{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Names as a user writes them.
fn escaped() -> impl Strategy<Value = String> {
    key().prop_map(|key| {
        key.chars()
            .flat_map(|c| [if c.is_alphanumeric() { "" } else { "\\" }.to_owned(), c.into()])
            .collect()
    })
}

fn index() -> impl Strategy<Value = String> {
    prop_oneof![
        (-4_i8..4).prop_map(|index| index.to_string()),
        "-?[0-3]?:-?[0-3]?",
        "-?[0-3]?:-?[0-3]?:[0-2]?",
        Just("*".to_owned()),
        Just(String::new()),
    ]
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        "\"[a-c)=]{0,2}\"",
        "'[a-c)=\"]{0,2}'",
        "-?[0-9]{1,3}(\\.[0-9]{1,2})?",
        Just("true".to_owned()),
        Just(r#""\u0022\n\\""#.to_owned()),
        Just("99999999999999999999".to_owned()),
    ]
}

fn relative() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("@".to_owned()),
        "[a-c]{1,2}".prop_map(|key| format!("@.{key}")),
        "[a-c()\"é]{1,2}".prop_map(|key| format!("@['{key}']")),
        "[a-c]".prop_map(|key| format!(" $..{key}[0]")),
        index().prop_map(|index| format!("@[{index}]")),
        Just("word".to_owned()),
        literal(),
    ]
}

fn step() -> impl Strategy<Value = String> {
    let operator = prop_oneof![Just("=="), Just("!="), Just("<"), Just(">="), Just("<>")];
    prop_oneof![
        escaped().prop_map(|name| format!(".{name}")),
        escaped().prop_map(|name| format!("..{name}")),
        escaped().prop_map(|name| format!("...{name}")),
        "[a-c\"()]{0,2}".prop_map(|name| format!("['{name}']")),
        index().prop_map(|index| format!("[{index}]")),
        prop::collection::vec(
            prop_oneof![index(), Just("'a.b'".to_owned()), Just("'..a'".to_owned())],
            2..4
        )
        .prop_map(|parts| format!("[{}]", parts.join(" ,"))),
        relative().prop_map(|path| format!("[?({path})]")),
        (relative(), operator, relative()).prop_map(|(l, o, r)| format!("[?({l} {o} {r})]")),
        Just(".*".to_owned()),
        Just("..".to_owned()),
        Just(" word".to_owned()),
        Just("@".to_owned()),
    ]
}

fn likely_path() -> impl Strategy<Value = String> {
    prop::collection::vec(step(), 1..6).prop_map(|steps| steps.concat())
}

/// Text made of what the parser looks at.
fn path_like() -> impl Strategy<Value = String> {
    "[abé .,*:?!<=>()\\[\\]{}'\"@$\\\\~\n0-9-]{0,24}"
}

fn check_print(text: &str) {
    let Ok(path) = Path::parse(text) else { return };
    let printed = path.to_string();
    match Path::parse(&printed) {
        Ok(again) => {
            assert_eq!(again, path, "{text:?} printed as {printed:?}");
            assert_eq!(again.to_string(), printed);
        }
        Err(error) => panic!("{text:?} printed as {printed:?}: {error}"),
    }
}

fn check_evaluation(text: &str, value: &Value) {
    let Ok(path) = Path::parse(text) else { return };
    let found = path.find(value);
    match (&found, path.one(value)) {
        (Ok(found), Ok(one)) => assert_eq!(*found, [one]),
        (Ok(found), Err(error)) => {
            assert_ne!(found.len(), 1, "{error}");
            assert_eq!(found.is_empty(), error.is_not_found());
            assert!(error.hint().is_none_or(|hint| !hint.is_empty()));
        }
        (Err(error), one) => assert_eq!(Err(error.clone()), one.cloned()),
    }
    if let Value::Object(map) = value {
        let context = Context::from(map);
        let found_in = path.find_in(&context);
        let found_in = found_in.map(|found| found.iter().map(|v| v.as_ref().clone()).collect());
        let found: Result<Vec<Value>, _> = found.map(|found| found.into_iter().cloned().collect());
        assert_eq!(found_in, found, "{text:?} in a context");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printed_paths_parse_to_the_same(text in likely_path()) {
        check_print(&text);
    }

    #[test]
    fn printed_oddities_parse_to_the_same(text in path_like()) {
        check_print(&text);
        // The dialect finds a filter's operator inside of quotes too, so a name with a parenthesis and an
        // operator reads only where nothing follows it: there is no other way to write it.
        let is_unprintable =
            text.contains(['(', ')', '"']) && text.contains(['!', '<', '=', '>']);
        if !is_unprintable {
            check_print(&format!("a[?({text})]"));
        }
        check_print(&format!("a['{text}']"));
    }

    #[test]
    fn any_text_is_harmless(text in any::<String>(), value in value()) {
        check_print(&text);
        check_evaluation(&text, &value);
    }

    #[test]
    fn any_path_is_harmless(text in likely_path(), value in value()) {
        check_evaluation(&text, &value);
    }

    #[test]
    fn any_oddity_is_harmless(text in path_like(), value in value()) {
        check_evaluation(&text, &value);
    }
}
