//! What is told of an owner.

use jiff::Timestamp;
use portolan_api::condition::ConditionStatus;
use serde::Serialize;

/// Where an owner stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// `Workload` or `Deliverable`.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// Since when it stands so.
    pub since: Option<Timestamp>,
    /// `ClusterSupplyChain` or `ClusterDelivery`.
    pub blueprint_kind: &'static str,
    /// The blueprint that serves it, or did before it stood as it does.
    pub blueprint: Option<String>,
    /// The resources of the blueprint, in its order.
    pub steps: Vec<Step>,
    /// What holds it; absent where it is ready.
    pub cause: Option<Cause>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// How an owner stands, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Everything is as its blueprint asks for.
    Ready,
    /// It has done its part: the newest change waits to be merged.
    Unmerged,
    /// It waits for an input or for work that is under way.
    Waiting,
    /// A person must change something.
    Held,
}

/// A resource of the blueprint, as it stands for this owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its name in the blueprint.
    pub name: String,
    /// How it stands.
    pub state: StepState,
    /// The object that was stamped for it.
    pub object: Option<Object>,
    /// The revision that it has reached.
    pub revision: Option<String>,
    /// The revision that it tries to reach, where that is another one.
    pub attempted: Option<String>,
    /// The image that it offers.
    pub image: Option<String>,
    /// The branch or tag that it follows or writes.
    pub branch: Option<String>,
    /// The request that takes what it wrote into the goal.
    pub request: Option<Request>,
    /// First line of the message of the commit that it offers.
    pub subject: Option<String>,
    /// Since when it stands so.
    pub since: Option<Timestamp>,
}

/// How a resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// As the blueprint asks for.
    Ready,
    /// What it wrote waits to be merged.
    Unmerged,
    /// It waits for an input or for work that is under way.
    Waiting,
    /// A person must change something.
    Failed,
    /// It waits for a resource before it; what it shows is from before.
    Unreached,
}

/// A stamped object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// `apiVersion`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Plural and group: `gitwriters.carto.run`.
    pub resource: String,
    /// Namespace; absent where the kind has none.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

/// A request on a forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Its number.
    pub number: i64,
    /// `open`, `merged` or `closed`.
    pub state: String,
    /// Its page.
    pub url: String,
}

/// What holds an owner: one condition, of the object nearest to where it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The resource of the blueprint; absent where it is the owner itself.
    pub resource: Option<String>,
    /// The object that says it; absent where the owner's status does.
    pub object: Option<Object>,
    /// Type of the condition; empty where none says it.
    pub condition: String,
    /// Status of the condition.
    pub status: ConditionStatus,
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What a person can do, where the message does not say it.
    pub hint: Option<String>,
}
