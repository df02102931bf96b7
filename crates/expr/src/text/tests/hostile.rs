//! Texts that want to overflow the stack, or to use up time or memory (T-15).
//!
//! Tests run on threads with the 2 MiB stack that the workers of the controllers have, too.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::{Text, TextError, TextFault};
use crate::Context;
use crate::limits::{OUTPUT_BYTES, TEXT_BYTES, TEXT_DEPTH, TEXT_EXPRESSIONS};

fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("{}x{}", open.repeat(levels), close.repeat(levels))
}

fn fault(text: &str) -> Option<TextFault> {
    Text::compile(text).err().map(|error| error.fault)
}

fn render(text: &str, x: &Value) -> Result<String, TextError> {
    Text::compile(text)?.render(&Context::new().borrowing("x", x))
}

#[rstest]
#[case("{{#if x}}", "{{/if}}")]
#[case("{{#each @root.x}}", "{{/each}}")]
#[case("{{ ~ # with x}}", "{{ / with}}")]
fn blocks_nest_to_a_limit(#[case] open: &str, #[case] close: &str) {
    let deepest = nested(open, close, TEXT_DEPTH);
    if !open.contains('~') {
        assert!(render(&deepest, &json!(["a"])).is_ok());
    }
    assert_eq!(fault(&nested(open, close, TEXT_DEPTH + 1)), Some(TextFault::TooDeep));
    let text = format!("\n {}", nested(open, close, TEXT_DEPTH + 1));
    let position = Text::compile(&text).unwrap_err().position.unwrap();
    assert_eq!((position.line, position.column), (2, 2 + TEXT_DEPTH * open.len()));
}

#[rstest]
#[case("{{#if x}}", "")]
#[case("{{#if x}}{{!}}", "")]
#[case("{{#if x}}\\{{'", "")]
#[case("{{#if x}}{{'}}'}}", "")]
#[case("{{#if x}}{{!--}}{{'--}}", "")]
#[case("{{#if x}}1{{else if x}}2", "{{/if}}")]
#[case("{{^if x}}", "{{/if}}")]
#[case("{{json (", ")}}")]
#[case("{{#if (json ", ")}}{{/if}}")]
#[case("{{json [", "]}}")]
#[case("{{json {\"a\":", "}}}")]
#[case("{{{{raw}}}}", "{{{{/raw}}}}")]
#[case("{{#>x}}", "{{/x}}")]
fn nothing_nests_deeper(#[case] open: &str, #[case] close: &str) {
    for levels in [100, 400, 4_000] {
        let text = nested(open, close, levels);
        assert!(Text::compile(&text).is_err(), "{open}");
    }
}

#[rstest]
#[case("(", ")")]
#[case("(json ", ")")]
#[case("['] ((((", ")))) [']")]
#[case("\"}}\" (", ")")]
#[case("[", "]")]
#[case("{\"a\":", "}")]
#[case("'\\'' (", ")")]
fn expressions_nest_to_a_limit(#[case] open: &str, #[case] close: &str) {
    for levels in [TEXT_DEPTH + 1, 400, 6_000] {
        let text = format!("{{{{json {}}}}}", nested(open, close, levels));
        assert!(Text::compile(&text).is_err(), "{open}");
    }
}

#[test]
fn chains_count_as_nesting() {
    let chain = |links: usize| format!("{{{{#if x}}}}{}{{{{/if}}}}", "{{else if x}}".repeat(links));
    assert_eq!(fault(&chain(TEXT_DEPTH - 1)), None);
    assert_eq!(fault(&chain(TEXT_DEPTH)), Some(TextFault::TooDeep));
    // A closed chain no longer counts, and plain else never does.
    assert_eq!(fault(&chain(TEXT_DEPTH - 1).repeat(3)), None);
    let text = "{{#if x}}{{else}}".repeat(TEXT_DEPTH) + &"{{/if}}".repeat(TEXT_DEPTH);
    assert_eq!(fault(&text), None);
}

#[test]
fn long_texts_are_refused() {
    assert_eq!(fault(&"x".repeat(TEXT_BYTES)), None);
    assert_eq!(
        fault(&"x".repeat(TEXT_BYTES + 1)),
        Some(TextFault::TooLong { length: TEXT_BYTES + 1 })
    );
    assert_eq!(fault(&"{{x}}".repeat(TEXT_EXPRESSIONS)), None);
    assert_eq!(fault(&"{{x}}".repeat(TEXT_EXPRESSIONS + 1)), Some(TextFault::TooManyExpressions));
    assert_eq!(fault(&"\\".repeat(64)), None);
    assert!(matches!(fault(&"\\".repeat(TEXT_BYTES)), Some(TextFault::Unsupported { .. })));
    assert!(fault(&"{{!--".repeat(TEXT_EXPRESSIONS)).is_some());
}

#[rstest]
#[case("{{json x}}{{json x}}{{json x}}")]
#[case("{{#each x}}{{this}}{{/each}}{{#each x}}{{this}}{{/each}}{{#each x}}{{this}}{{/each}}")]
fn large_results_are_refused(#[case] text: &str) {
    let value = json!(vec!["y".repeat(1000); OUTPUT_BYTES / 2_500]);
    assert_eq!(render(text, &value).unwrap_err().fault, TextFault::TooLarge);
}

#[test]
fn quoting_quotes_does_not_explode() {
    let text = format!("{{{{json {}}}}}", nested("(json ", ")", TEXT_DEPTH));
    let error = render(&text, &json!("\"\"\"\"")).unwrap_err();
    assert_eq!(error.fault, TextFault::TooLarge);
}

#[rstest]
#[case("{{#each @root.x}}", "{{/each}}", "")]
#[case("{{#each @root.x}}", "{{/each}}", "{{json @root.x}}")]
#[case("{{#each @root.x}}{{#if @root.x}}", "{{/if}}{{/each}}", "")]
fn loops_end(#[case] open: &str, #[case] close: &str, #[case] body: &str) {
    let value = json!(vec![1; 300]);
    let text = format!("{}{body}{}", open.repeat(8), close.repeat(8));
    let fault = render(&text, &value).unwrap_err().fault;
    assert!(matches!(fault, TextFault::TooMuchWork | TextFault::TooLarge), "{fault:?}");
}

#[test]
fn long_paths_in_loops_end() {
    let path = "x.".repeat(10_000) + "x";
    let text = format!("{{{{#each x}}}}{{{{#if {path}}}}}{{{{/if}}}}{{{{/each}}}}");
    let fault = render(&text, &json!(vec![json!({}); 10_000])).unwrap_err().fault;
    assert_eq!(fault, TextFault::TooMuchWork);
}

/// Text made of what the lexers look at.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "{{",
        "}}",
        "{",
        "}",
        "#if x",
        "/if",
        "else",
        "else if x",
        "^",
        "~",
        " ",
        "x",
        "json x",
        "json",
        "'",
        "\"",
        "\\",
        "[",
        "]",
        "(",
        ")",
        "!",
        "!--",
        "--",
        ">",
        "*",
        "&",
        "#each x",
        "/each",
        "as |y|",
        "|",
        "=",
        "this",
        "@root",
        "..",
        "/",
        ".",
        "é",
        "\n",
        "{{x}}",
        "{{#if x}}",
        "{{/if}}",
        "{{#each x}}",
        "{{/each}}",
        "{{else}}",
        "{{json x}}",
    ]);
    prop::collection::vec(fragment, 0..40).prop_map(|fragments| fragments.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_harmless(text in fragments()) {
        if let Ok(text) = Text::compile(&text) {
            let _ = text.render(&Context::new().owning("x", json!([1, {"x": "a"}])));
        }
    }

    #[test]
    fn text_without_tags_is_itself(text in "[^{\\\\]{0,40}") {
        let rendered = Text::compile(&text).unwrap().render(&Context::new());
        prop_assert_eq!(rendered.unwrap(), text);
    }
}
