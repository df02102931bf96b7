//! The examples of `examples/`: which they are, and what each keeps on the forge.

use super::{APP, CONFIG};
use crate::forge::ADMIN;

/// Staging's configuration repository, where each environment has its own.
pub const CONFIG_STAGING: &str = "config-staging";
/// Production's configuration repository, where each environment has its own.
pub const CONFIG_PRODUCTION: &str = "config-production";

/// An example of `examples/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Example {
    /// `basic`: build and staging, no requests.
    #[default]
    Basic,
    /// `pull-requests`: build, staging and production, a request into each environment.
    PullRequests,
    /// `directories`: one branch, a directory an environment, a request into production's.
    Directories,
    /// `repositories`: a configuration repository an environment, no requests.
    Repositories,
}

impl Example {
    /// Name of its folder.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::PullRequests => "pull-requests",
            Self::Directories => "directories",
            Self::Repositories => "repositories",
        }
    }

    /// Its configuration repositories.
    pub(super) fn configurations(self) -> &'static [&'static str] {
        match self {
            Self::Basic | Self::PullRequests | Self::Directories => &[CONFIG],
            Self::Repositories => &[CONFIG_STAGING, CONFIG_PRODUCTION],
        }
    }

    /// What a cluster's account may do: repositories and `read` or `write`. The build cluster reads the
    /// source, whoever writes configuration may, and the last environment only follows.
    pub(super) fn grants(self, cluster: &str) -> &'static [(&'static str, &'static str)] {
        match (self, cluster) {
            (Self::Repositories, "build") => &[(APP, "read"), (CONFIG_STAGING, "write")],
            (Self::Repositories, "staging") => {
                &[(CONFIG_STAGING, "read"), (CONFIG_PRODUCTION, "write")]
            }
            (Self::Repositories, _) => &[(CONFIG_PRODUCTION, "read")],
            (_, "build") => &[(APP, "read"), (CONFIG, "write")],
            (_, "staging") => &[(CONFIG, "write")],
            (..) => &[(CONFIG, "read")],
        }
    }

    /// Environments whose branches have a maintainer with an account of its own.
    pub(super) fn maintained(self) -> &'static [&'static str] {
        match self {
            Self::PullRequests => &["staging", "production"],
            Self::Basic | Self::Directories | Self::Repositories => &[],
        }
    }

    /// Branches that are there from the beginning, with the rule that protects each.
    pub(super) fn branches(self) -> Vec<(&'static str, serde_json::Value)> {
        let closed = |branch: &str| serde_json::json!({"rule_name": branch, "enable_push": false});
        match self {
            Self::Basic | Self::Repositories => Vec::new(),
            // One approval, and only the environment's maintainer merges.
            Self::PullRequests => {
                let guarded = |branch: &'static str| {
                    let mut rule = closed(branch);
                    rule["required_approvals"] = 1.into();
                    rule["dismiss_stale_approvals"] = true.into();
                    rule["enable_merge_whitelist"] = true.into();
                    rule["merge_whitelist_usernames"] = [super::maintainer(branch)].into();
                    (branch, rule)
                };
                self.maintained().iter().copied().map(guarded).collect()
            }
            // Whoever may write pushes staging's directory; the rest comes by requests, which a
            // maintainer merges.
            Self::Directories => {
                let mut rule = closed("main");
                rule["unprotected_file_patterns"] = "environments/staging/**".into();
                rule["enable_merge_whitelist"] = true.into();
                rule["merge_whitelist_usernames"] = [ADMIN].into();
                vec![("main", rule)]
            }
        }
    }
}
