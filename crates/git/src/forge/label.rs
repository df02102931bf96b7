//! Labels and reviewers of a request: nice to have, and never a reason to fail.

use reqwest::Method;
use serde_json::json;

use super::Forge;
use super::answer::Label;
use super::page::{Listed, list};
use super::server::Call;
use crate::error::Error;

/// How many labels are looked through.
const LABELS: usize = 1000;
/// Colour of labels that are made here.
const COLOUR: &str = "#5f7c8a";

impl Forge {
    /// The ids of labels by name. Those that the repository does not have are made, as far as the forge
    /// lets us.
    pub(super) async fn label_ids(&self, names: &[String]) -> Result<Vec<i64>, Error> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut known = Vec::new();
        let owner = self.site().owner();
        // Those of an organisation; a person has none.
        for url in
            [self.site().repository(&["labels"]), self.site().api(&["orgs", owner, "labels"])]
        {
            if let Listed::All(labels) = self.list(&url, LABELS, list::<Label>).await? {
                known.extend(labels);
            }
        }
        for name in names {
            if known.iter().all(|label| label.name != *name) {
                known.extend(self.make_label(name).await?);
            }
        }
        let found = names.iter().filter_map(|name| known.iter().find(|label| label.name == *name));
        Ok(found.map(|label| label.id).collect())
    }

    async fn make_label(&self, name: &str) -> Result<Option<Label>, Error> {
        let url = self.site().repository(&["labels"]);
        let label = json!({ "name": name, "color": COLOUR });
        let answer = self.server().ask(Call::new(Method::POST, url).with(label)).await?;
        if !answer.is_success() {
            let words = answer.words(self.server());
            tracing::debug!(label = name, status = answer.status, words, "label is refused");
            return Ok(None);
        }
        Ok(Some(answer.read(self.server())?))
    }

    /// Asks people for a review, one by one: one who may not review keeps out nobody else.
    pub(super) async fn ask_reviewers(&self, number: i64, names: &[String]) {
        for name in names {
            let url =
                self.site().repository(&["pulls", &number.to_string(), "requested_reviewers"]);
            let action = format!("to ask {name} for a review of request #{number}");
            let asked = self.send(Method::POST, url, json!({ "reviewers": [name] }), &action).await;
            if let Err(error) = asked {
                tracing::warn!(%error, "reviewer is not asked");
            }
        }
    }
}
