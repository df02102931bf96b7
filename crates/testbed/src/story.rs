//! The demo: changes travel from source to production, maintainers merge, and three clusters follow.
//!
//! [`run`] tells the story with a person watching; its parts are what the end-to-end tests use.

mod breakage;
mod clone;
mod hop;
mod journey;
mod look;
mod people;
mod picture;
mod play;
mod quiet;
mod ready;
mod revert;
mod teller;
mod told;
mod writes;

pub use breakage::Breakage;
pub use hop::{Hop, Place};
pub use journey::{Follower, Journey, Merged, Tell, follow};
pub use look::{promoter, record};
pub use people::{Environment, Style, maintainer, merge, push};
pub use picture::picture;
pub use play::{OTHER, Play, Round, image};
pub use quiet::quiet;
pub use ready::{all_ready, condition, ready};
pub use revert::revert;
pub use teller::{Moment, Progress, Teller};
pub use told::{Show, Story, run};
pub use writes::Counter;

/// The first twelve characters of an id.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// The digest of an image by digest, else the id as it is.
fn digest_or_id(what: &str) -> &str {
    what.rsplit_once("@sha256:").map_or(what, |(_, digest)| digest)
}
