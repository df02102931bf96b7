//! Plans of Workloads and Deliverables, the owners: choose the blueprint, stamp its templates, read
//! outputs, judge health, tell it all in status.
//!
//! [`select`] finds the blueprint that serves an owner. [`plan`] takes a [`World`] in which that
//! choice stands and says what to write; the executor writes, puts what came back into the world
//! and plans again until nothing is left to write. Section numbers are those of the API reference.

mod blueprint;
mod conditions;
mod context;
mod entry;
mod events;
mod inputs;
mod labels;
mod orphans;
mod outputs;
mod owner;
mod params;
mod preview;
mod readiness;
mod realize;
mod resource;
mod resource_error;
mod rollup;
mod selection;
mod selector;
mod stamp;
mod template;
mod typed_view;
mod whole;
mod world;

pub use blueprint::{Blueprint, BlueprintKind, BlueprintResource, TemplateChoice};
pub(crate) use conditions::advice;
pub use owner::{Owner, OwnerKind};
pub use readiness::{BlueprintReport, report_blueprint};
pub use realize::{Outcome, account, plan};
pub(crate) use resource::refusal_advice;
pub use resource::rule_to_add;
pub(crate) use resource_error::option_advice;
pub use selection::{Selection, select, serves};
pub use template::{Template, TemplateKey, TemplateKind};
pub use world::{KindState, Kinds, Receipt, Refusal, RefusalKind, Subject, WatchState, World};
