//! What a GitWriter does, decided from git alone (native-kinds, section 4).
//!
//! The worker that holds the repository shows a [`View`] of the writer's place; [`decide`] says what
//! to do; [`compose`] makes the commit to write. The same view gives the same decision after a
//! restart, by another replica, in another cluster with the same name.

mod compose;
mod content;
mod decide;
mod desired;
mod message;
mod offer;
mod passage;
mod request;
mod retire;
mod view;

pub use compose::{CommitStyle, compose};
pub use decide::{Decision, Facts, decide};
pub use desired::{Carried, Desired, DesiredError, DesiredFile, Origin, from_files, from_tree};
pub use message::{replaced, trailer_text};
pub use offer::{
    Offer, OfferSpec, OfferText, Standing, is_guarded, missing, offer, text as offer_text,
    told_replaced,
};
pub use request::{CheckState, PullRequest, Readiness, RequestState};
pub use retire::retire;
pub use view::{
    Committed, Edit, FoundRecord, History, Place, PutFile, RequestHead, Signature, Start, Tip, View,
};
