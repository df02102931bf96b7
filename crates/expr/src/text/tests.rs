mod hostile;

use rstest::rstest;
use serde_json::{Value, json};

use super::{Position, Text, TextError, TextFault};
use crate::Context;

fn data() -> Value {
    json!({
        "workload": {
            "metadata": {"name": "shop", "labels": {"app.kubernetes.io/name": "web"}},
            "spec": {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        },
        "params": {
            "n": 3, "f": 1.0, "t": true, "no": false, "nil": null, "empty": [], "zero": 0,
            "html": "<b> & \"q\"", "lines": "a\nb", "map": {"k": [1, "<x>\u{85}"]},
            "tag": "{{workload}} $(x)$",
        },
        "json": "shadowed",
    })
}

fn render(text: &str) -> Result<String, TextError> {
    let data = data();
    let Value::Object(roots) = &data else { panic!("a map") };
    Text::compile(text)?.render(&Context::from(roots))
}

#[rstest]
#[case("plain: text\n", "plain: text\n")]
#[case("{{workload.metadata.name}}", "shop")]
#[case("{{ workload/metadata/name }}", "shop")]
#[case("{{workload.metadata.labels.[app.kubernetes.io/name]}}", "web")]
#[case("{{workload.spec.env.1.name}}", "B")]
#[case("{{params.n}} {{params.f}} {{params.t}}", "3 1 true")]
// No HTML escaping, and data is not scanned again.
#[case("{{params.html}}", "<b> & \"q\"")]
#[case("{{{params.html}}}", "<b> & \"q\"")]
#[case("{{&params.html}}", "<b> & \"q\"")]
#[case("{{params.tag}}", "{{workload}} $(x)$")]
#[case("{{{params.lines}}}", "a\nb")]
// JSON is YAML.
#[case("{{json params.map}}", "{\"k\":[1,\"<x>\\u0085\"]}")]
#[case("{{json params.lines}}", "\"a\\nb\"")]
#[case("{{json params.nil}}", "null")]
#[case("{{{json params.n}}}", "3")]
#[case("{{json (json params.n)}}", "\"3\"")]
#[case("{{json \"lit\"}}", "\"lit\"")]
// Blocks.
#[case("{{#if params.t}}yes{{else}}no{{/if}}", "yes")]
#[case("{{#if params.missing.x}}yes{{else}}no{{/if}}", "no")]
#[case("{{#if params.no}}1{{else if params.t}}2{{else}}3{{/if}}", "2")]
#[case("{{#if params.zero}}1{{/if}}{{#if params.zero includeZero=true}}2{{/if}}", "2")]
#[case("{{#unless params.no}}yes{{/unless}}", "yes")]
#[case("{{#each workload.spec.env}}{{@index}}{{name}}={{value}} {{/each}}", "0A=1 1B=2 ")]
#[case("{{#each workload.spec.env as |e i|}}{{i}}{{e.name}} {{/each}}", "0A 1B ")]
#[case(
    "{{#each workload.metadata.labels}}{{@key}}={{this}}{{/each}}",
    "app.kubernetes.io/name=web"
)]
#[case("{{#each workload.spec.env}}{{../params.n}}{{@root.params.n}}{{/each}}", "3333")]
#[case("{{#each workload.spec.env}}{{@root.params.n}}{{/each}}", "33")]
#[case("{{#each params.empty}}x{{else}}none{{/each}}", "none")]
#[case("{{#each params.empty}}x{{/each}}", "")]
#[case("{{#with workload.metadata}}{{name}}{{/with}}", "shop")]
#[case("{{#with params.missing}}x{{else}}none{{/with}}", "none")]
#[case("a:\n{{#each workload.spec.env}}\n- {{name}}\n{{/each}}\nb: 1\n", "a:\n- A\n- B\nb: 1\n")]
#[case("a {{~#if params.t~}} b {{~/if~}} c", "abc")]
// Escapes and comments.
#[case("\\{{workload}}", "{{workload}}")]
#[case("\\\\{{params.n}}", "\\3")]
#[case("{{! workload }}x{{!-- {{ }} --}}y", "xy")]
fn renders(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(render(text).unwrap(), expected);
}

#[rstest]
#[case("{{nope}}", (1, 1), "`nope` does not exist")]
#[case("x\ny: {{workload.metadata.nmae}}", (2, 4), "`workload.metadata.nmae` does not exist")]
#[case("é {{json params.x}}", (1, 3), "`params.x` does not exist")]
#[case("{{#if params.t}}\n  {{nope}}\n{{/if}}", (2, 3), "`nope` does not exist")]
#[case(
    "{{#if params.no}}1{{else if params.t}}\n{{nope}}{{/if}}",
    (2, 1),
    "`nope` does not exist"
)]
#[case("{{#each nope}}x{{/each}}", (1, 1), "`nope` does not exist or is empty")]
#[case("{{#with params.nil}}x{{/with}}", (1, 1), "`params.nil` does not exist or is empty")]
#[case("{{params.map}}", (1, 1), "`params.map` is a map and cannot be printed as it is")]
#[case("{{{params.map}}}", (1, 1), "`params.map` is a map and cannot be printed as it is")]
#[case("{{params.empty}}", (1, 1), "`params.empty` is a list and cannot be printed as it is")]
#[case("{{params.nil}}", (1, 1), "`params.nil` is a null and cannot be printed as it is")]
#[case("{{params.lines}}", (1, 1), "`params.lines` contains line breaks or control characters")]
#[case(
    "{{#each workload.spec.env}}\n{{this}}{{/each}}",
    (2, 1),
    "`this` is a map and cannot be printed as it is"
)]
// Nothing else can be called.
#[case("a\n{{env \"HOME\"}}", (2, 1), "there is no helper `env`")]
#[case("{{lookup params \"n\"}}", (1, 1), "there is no helper `lookup`")]
#[case("{{log \"x\"}}", (1, 1), "there is no helper `log`")]
#[case("{{eq 1 1}}", (1, 1), "there is no helper `eq`")]
#[case("{{read_file \"/etc/passwd\"}}", (1, 1), "there is no helper `read_file`")]
#[case("{{json (env \"HOME\")}}", (1, 1), "there is no helper `env`")]
#[case("{{#if (or a b)}}x{{/if}}", (1, 1), "there is no helper `or`")]
#[case("{{(env)}}", (1, 1), "there is no helper `env`")]
#[case("{{#params}}x{{/params}}", (1, 1), "there is no helper `params`")]
#[case("{{json}}", (1, 1), "`json` takes one value")]
#[case("{{json params.n params.n}}", (1, 1), "`json` takes one value")]
#[case("{{json params.n x=1}}", (1, 1), "`json` takes one value")]
#[case("{{if params.t}}", (1, 1), "`if` takes one value")]
#[case("{{#if}}x{{/if}}", (1, 1), "`if` takes one value")]
#[case(" {{> part}}", (1, 2), "partials cannot be used here")]
#[case("{{~> part}}", (1, 1), "partials cannot be used here")]
#[case("{{#> part}}{{/part}}", (1, 1), "partials cannot be used here")]
#[case("{{* inline}}", (1, 1), "decorators cannot be used here")]
#[case("{{#*inline \"x\"}}{{/inline}}", (1, 1), "decorators cannot be used here")]
#[case("{{{{raw}}}}x{{{{/raw}}}}", (1, 1), "raw blocks cannot be used here")]
#[case("{{json {\"a\": 1} }}", (1, 8), "braces inside a tag cannot be used here")]
#[case("{{#each [\"a\"]}}x{{/each}}", (1, 9), "quotes and brackets between [ and ] cannot be used here")]
fn refuses(#[case] text: &str, #[case] at: (usize, usize), #[case] fault: &str) {
    let error = render(text).unwrap_err();
    assert_eq!(error.fault.to_string(), fault);
    assert_eq!(error.position, Some(Position { line: at.0, column: at.1 }), "{error}");
    assert_eq!(error.to_string(), format!("line {}, column {}: {fault}", at.0, at.1));
}

#[rstest]
#[case("{{#if a}}x")]
#[case("a\n{{#if a}}x{{/each}}")]
#[case("{{")]
#[case("{{}}")]
#[case("{{a")]
#[case("{{a b c")]
#[case("{{/if}}")]
#[case("{{else}}")]
#[case("{{'a}}")]
#[case("{{[a}}")]
#[case("{{a)}}")]
fn is_not_handlebars(#[case] text: &str) {
    let error = Text::compile(text).unwrap_err();
    assert!(matches!(error.fault, TextFault::Syntax { .. }), "{error:?}");
    assert!(error.position.is_some(), "{error:?}");
}

#[rstest]
#[case("{{workload.metadata.nmae}}", "did you mean `name`?")]
#[case("{{workload.spec.x}}", "the keys here are `env`")]
#[case("{{wokload.x}}", "did you mean `workload`?")]
#[case("{{source.url}}", "the keys here are `json`, `params`, `workload`")]
#[case("{{params.map}}", "write `{{json params.map}}`")]
#[case("{{params.nil}}", "set it, or ask for it with `{{#if params.nil}}`")]
#[case("{{params.lines}}", "write `{{json params.lines}}`, which quotes it")]
#[case("{{#params}}x{{/params}}", "write `{{#each params}}` or `{{#with params}}` if it is data")]
#[case("{{#if}}{{/if}}", "write `{{#if value}} … {{/if}}`")]
fn helps(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(render(text).unwrap_err().hint().unwrap(), expected);
}

#[test]
fn the_same_text_renders_many_contexts() {
    let text = Text::compile("{{#each xs}}{{this}},{{/each}}").unwrap();
    for (xs, expected) in [(json!([1, 2]), "1,2,"), (json!([]), ""), (json!(["é"]), "é,")] {
        assert_eq!(text.render(&Context::new().borrowing("xs", &xs)).unwrap(), expected);
    }
}
