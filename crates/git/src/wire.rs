//! What we ask a worker, and what it answers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use portolan_plan::trace::{Evidence, Seek};
use portolan_plan::writer::{Edit, History, Place, View};
use serde::{Deserialize, Serialize};

use crate::credentials::WireLogin;
use crate::error::Error;
use crate::options::Limits;
use crate::reads::{Archive, Archived, CommitInfo, Log, Look, Looked};
use crate::refs::Refs;

/// The first message to a worker: the one repository it works on.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) url: String,
    pub(crate) login: WireLogin,
    pub(crate) ca_pem: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) refused: Vec<IpAddr>,
    /// Folder of this repository and credential; the worker takes a free slot in it.
    pub(crate) folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Request {
    Hello(Box<Hello>),
    /// The references of the remote repository.
    Refs,
    Look(Look),
    Log(Log),
    /// What the branches show of records.
    Trace(Seek),
    /// The archive, and where to write it before it has its name.
    Archive(Archive, PathBuf),
    /// Brings these branches with their whole history, and these references as far as they exist.
    Fetch {
        branches: Vec<String>,
        references: Vec<String>,
    },
    View(Observe),
    History(Observe),
    /// Builds the commit of an edit in memory.
    Commit(Box<Edit>),
    Push {
        updates: Vec<Update>,
    },
    /// Where these branches are now, without fetching them.
    Tips {
        branches: Vec<String>,
    },
}

impl Request {
    /// What is asked for, in one word.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Hello(_) => "start",
            Self::Refs => "ls_refs",
            Self::Look(_) => "look",
            Self::Log(_) => "log",
            Self::Trace(_) => "trace",
            Self::Archive(..) => "archive",
            Self::Fetch { .. } => "fetch",
            Self::View(_) => "view",
            Self::History(_) => "history",
            Self::Commit(_) => "commit",
            Self::Push { .. } => "push",
            Self::Tips { .. } => "tips",
        }
    }

    /// Whether it needs nothing of what the worker was asked before.
    pub(crate) fn begins_anew(&self) -> bool {
        matches!(
            self,
            Self::Refs
                | Self::Look(_)
                | Self::Log(_)
                | Self::Trace(_)
                | Self::Archive(..)
                | Self::Fetch { .. }
                | Self::Tips { .. }
        )
    }
}

/// A writer's place at these tips.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Observe {
    pub(crate) place: Place,
    pub(crate) empty: bool,
    pub(crate) goal: Option<String>,
    pub(crate) branch: Option<String>,
}

/// Moves a branch from one commit to another, makes it, or deletes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Update {
    pub(crate) branch: String,
    pub(crate) old: Option<String>,
    /// None: the branch goes.
    pub(crate) new: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Response {
    Ready,
    Refs(Refs),
    Looked(Looked),
    /// Id and description of each, newest first.
    Log(Vec<(String, CommitInfo)>),
    Traced(Box<Evidence>),
    Archived(Archived),
    Tips(Tips),
    View(Box<View>),
    History(Box<History>),
    Committed(String),
    /// One for each update, in order.
    Pushed(Vec<Outcome>),
    /// The request failed. The worker can be asked on.
    Failed(Failure),
}

/// Where branches are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tips {
    /// Whether the repository has no branch at all.
    pub(crate) empty: bool,
    /// The branches that were asked for and exist.
    pub(crate) commits: BTreeMap<String, String>,
}

/// What became of one update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Accepted,
    /// Somebody else moved the branch: observe and plan again.
    Lost(String),
    /// The server does not want it.
    Refused(String),
    /// It did not come to that, as far as can be seen.
    Failed(Error),
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Failure {
    Error(Error),
    /// The cached repository was broken and is gone: ask again from the beginning.
    CacheDropped(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
