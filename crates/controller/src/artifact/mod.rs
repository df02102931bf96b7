//! Source trees as tarballs: made, kept, served and read.

mod fetch;
mod foreign;
mod metered;
mod remake;
mod serve;
mod store;
mod tree;
mod turns;
mod url;

pub(crate) use fetch::fetch;
pub(crate) use remake::remake;
pub(crate) use serve::{Refusal, serve};
pub(crate) use store::Artifacts;
pub(crate) use tree::read_tree;
pub(crate) use url::ArtifactUrl;
