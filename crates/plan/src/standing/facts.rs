//! What a stamped object has reached: revisions, images, branches, requests.

use serde_json::Value;

use super::owner::{Entry, is_native};
use super::report::{Request, Step};
use crate::object::text;
use crate::trace::clean;

/// Longest name that is told.
const NAME: usize = 500;

/// Puts into a step what its object has reached, and what its outputs show where the object does not.
pub(super) fn note(step: &mut Step, entry: &Entry<'_>, object: Option<&Value>) {
    if let Some(object) = object.filter(|object| is_native(object)) {
        match text(object, "/kind") {
            "GitSource" => source(step, object),
            "SourceImage" => step.image = told(object, "/status/latestImage"),
            "GitWriter" => writer(step, object),
            "GitDeployment" => {
                let attempted = told(object, "/status/attemptedRevision");
                reached(step, told(object, "/status/observedRevision"), attempted);
            }
            _ => {
                let checked = told(object, "/status/run/revision");
                reached(step, told(object, "/status/verified/revision"), checked);
            }
        }
        return;
    }
    step.revision = entry.output("revision");
    step.image = entry.output("image");
}

fn source(step: &mut Step, object: &Value) {
    step.revision = told(object, "/status/artifact/revision");
    step.subject = told(object, "/status/artifact/commit/subject");
    let followed = told(object, "/status/artifact/ref").or_else(|| {
        ["branch", "tag", "semver"].iter().find_map(|key| told(object, &format!("/spec/ref/{key}")))
    });
    step.branch = followed.map(|name| {
        let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
        short.unwrap_or(&name).to_owned()
    });
}

fn writer(step: &mut Step, object: &Value) {
    step.revision = told(object, "/status/revision");
    step.branch = told(object, "/status/branch").or_else(|| told(object, "/spec/branch"));
    let number = object.pointer("/status/pullRequest/number").and_then(Value::as_i64);
    step.request = number.map(|number| Request {
        number,
        state: told(object, "/status/pullRequest/state").unwrap_or_default(),
        url: told(object, "/status/pullRequest/url").unwrap_or_default(),
    });
}

fn reached(step: &mut Step, revision: Option<String>, attempted: Option<String>) {
    step.attempted = attempted.filter(|attempted| revision.as_ref() != Some(attempted));
    step.revision = revision;
}

fn told(object: &Value, pointer: &str) -> Option<String> {
    let text = clean(text(object, pointer), NAME);
    (!text.is_empty()).then_some(text)
}
