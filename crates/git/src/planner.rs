//! What decides about a write, and is asked again whenever git has moved.

use portolan_plan::writer::{Edit, History, View};

/// Decides about one write. It is asked again after every lost race, so it decides from what it is
/// shown and from nothing it was shown before.
pub trait Planner: Send {
    /// What to do, seeing this.
    fn plan(&mut self, view: &View, history: Option<&History>) -> Step;

    /// Asked right before the push; `false` leaves the write undone.
    fn confirm(&mut self) -> bool {
        true
    }
}

/// What a planner wants.
// A step is made once and moved once.
#[allow(clippy::large_enum_variant)]
pub enum Step {
    /// To see the histories too.
    NeedHistory,
    /// Nothing, or nothing more.
    Stop,
    /// To write.
    Write {
        /// The commit.
        edit: Edit,
        /// Show the place as it is after this commit and plan once more, in the same push.
        again: bool,
    },
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The planner stopped without a commit, or did not confirm it.
    Stopped,
    /// The server has the commit.
    Pushed {
        /// The last commit that the planner wanted.
        commit: String,
    },
}
