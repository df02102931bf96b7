//! Rounds of blueprints: tell whether all their templates exist.

use std::sync::Arc;

use jiff::Timestamp;
use portolan_cluster::{Key, Selection};
use portolan_plan::choreography::{OwnerKind, report_blueprint};
use portolan_plan::outcome::{Again, Event};

use crate::context::Context;
use crate::dependencies::{Item, Thing};
use crate::kinds::ours;
use crate::metrics::{held_up, held_up_as_told};
use crate::owner::Library;
use crate::queue::Reconciler;
use crate::trouble::Class;

/// Rounds of the blueprints of one kind of owner.
pub(crate) struct Blueprints {
    cx: Context,
    serves: OwnerKind,
    library: Arc<Library>,
}

impl Blueprints {
    pub(crate) fn new(cx: Context, serves: OwnerKind, library: Arc<Library>) -> Self {
        Self { cx, serves, library }
    }
}

impl Reconciler for Blueprints {
    fn kind(&self) -> &'static str {
        self.serves.blueprint_kind()
    }

    async fn reconcile(&self, key: Key) -> Again {
        let kind = self.kind();
        let item = Item::new(kind, key.clone());
        let Some(stored) = self.cx.caches.get(&ours(kind), &Selection::default(), &key) else {
            self.cx.dependencies.track(&item, []);
            return Again::OnChange;
        };
        let value = stored.value();
        let blueprint = match self.library.blueprint(&stored) {
            Ok(blueprint) => blueprint,
            Err(error) => {
                let message = format!("the object does not decode: {error}. It serves nobody");
                tracing::warn!(kind, %key, message);
                held_up(Some(Class::Stalled));
                self.cx.events.record(&value, vec![Event::warning("InvalidSpec", message)]);
                return Again::OnChange;
            }
        };
        let templates = blueprint.templates().map(|(_, template)| {
            let key = Key::new("", &template.name);
            Thing::object(portolan_api::GROUP, template.kind.name(), key)
        });
        self.cx.dependencies.track(&item, templates);
        let exists = |template: &portolan_plan::choreography::TemplateKey| {
            self.library.template(template).is_some()
        };
        let report = report_blueprint(&blueprint, exists, Timestamp::now());
        let status = serde_json::to_value(&report.status).unwrap_or_default();
        held_up_as_told(&status);
        let status = report.changed.then_some(&status);
        self.cx.report(kind, &value, status, Vec::new(), Again::OnChange).await
    }
}
