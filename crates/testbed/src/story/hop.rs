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
    /// Its configuration is on a branch: `staging`, or the one that is offered to it.
    Config,
    /// A request offers it to branch `staging`.
    Offered,
    /// A maintainer merged it into branch `staging`.
    Merged,
    /// The staging cluster has seen the configuration.
    Fetched,
    /// It is live and healthy in staging.
    Deployed,
    /// Its verification in staging passed.
    Verified,
    /// It is on a branch: `production`, or the one that is offered to it.
    Promoted,
    /// A request offers it to branch `production`.
    ProductionOffered,
    /// A maintainer merged it into branch `production`.
    ProductionMerged,
    /// It is live and healthy in production.
    ProductionDeployed,
    /// Its verification in production passed.
    ProductionVerified,
    /// The writer that brought what was taken back says so, and leaves it so.
    Reverted,
}

impl Place {
    /// The way of a change where nobody reviews: `examples/basic`.
    pub const DIRECT: [Self; 8] = [
        Self::Pushed,
        Self::Source,
        Self::Image,
        Self::Config,
        Self::Fetched,
        Self::Deployed,
        Self::Verified,
        Self::Promoted,
    ];

    /// The way of a change through requests: `examples/pull-requests`.
    pub const REVIEWED: [Self; 14] = [
        Self::Pushed,
        Self::Source,
        Self::Image,
        Self::Config,
        Self::Offered,
        Self::Merged,
        Self::Fetched,
        Self::Deployed,
        Self::Verified,
        Self::Promoted,
        Self::ProductionOffered,
        Self::ProductionMerged,
        Self::ProductionDeployed,
        Self::ProductionVerified,
    ];

    /// The way of a revert of production's last merge.
    pub const REVERTED: [Self; 4] =
        [Self::ProductionOffered, Self::ProductionMerged, Self::ProductionDeployed, Self::Reverted];

    /// What happened, in a few words.
    pub fn told(self) -> &'static str {
        match self {
            Self::Pushed => "the developer pushed the source",
            Self::Source => "build saw the commit",
            Self::Image => "build pushed the image",
            Self::Config => "build wrote the configuration",
            Self::Offered => "a request offers it to staging",
            Self::Merged => "staging's maintainer approved and merged it",
            Self::Fetched => "staging saw the configuration",
            Self::Deployed => "staging deployed it and it is healthy",
            Self::Verified => "staging verified it",
            Self::Promoted => "staging wrote it for production",
            Self::ProductionOffered => "a request offers it to production",
            Self::ProductionMerged => "production's maintainer approved and merged it",
            Self::ProductionDeployed => "production deployed it and it is healthy",
            Self::ProductionVerified => "production verified it",
            Self::Reverted => "staging's writer says Reverted, and leaves it so",
        }
    }
}

/// A hop that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub place: Place,
    /// The commit, image, revision or number of a request that shows it.
    pub what: String,
    /// Time since the source was pushed.
    pub after: std::time::Duration,
}
