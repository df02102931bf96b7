//! The hops of a change, in the order they happen.

/// Where a change has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The source commit is on the forge.
    Pushed,
    /// The build cluster has seen it.
    Source,
    /// Its image is in the registry.
    Image,
    /// Its configuration is on branch `staging`.
    Config,
    /// The staging cluster has seen the configuration.
    Fetched,
    /// It is live and healthy in staging.
    Deployed,
    /// Its verification passed.
    Verified,
    /// It is on branch `production`.
    Promoted,
}

impl Place {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Pushed,
        Self::Source,
        Self::Image,
        Self::Config,
        Self::Fetched,
        Self::Deployed,
        Self::Verified,
        Self::Promoted,
    ];

    /// What happened, in a few words.
    pub fn told(self) -> &'static str {
        match self {
            Self::Pushed => "the developer pushed the source",
            Self::Source => "build saw the commit",
            Self::Image => "build pushed the image",
            Self::Config => "build wrote the configuration to branch staging",
            Self::Fetched => "staging saw the configuration",
            Self::Deployed => "staging deployed it and it is healthy",
            Self::Verified => "staging verified it",
            Self::Promoted => "staging wrote it to branch production",
        }
    }
}

/// A hop that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub place: Place,
    /// The commit, image or revision that shows it.
    pub what: String,
    /// Time since the source was pushed.
    pub after: std::time::Duration,
}
