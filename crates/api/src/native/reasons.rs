//! Condition types and reasons of the native kinds.

/// Whether the object has reached what its spec asks for.
pub const READY: &str = "Ready";
/// Present and True only while work is under way.
pub const RECONCILING: &str = "Reconciling";
/// Present and True only when a person must change something.
pub const STALLED: &str = "Stalled";
/// GitWriter: whether the goal branch holds the content.
pub const MERGED: &str = "Merged";
/// GitWriter: a person changed what was written and it is left so.
pub const EDITED: &str = "Edited";
/// GitDeployment: kinds whose drift is not seen because the controller may not watch them.
pub const DRIFT_NOT_WATCHED: &str = "DriftNotWatched";
/// GitDeployment: another writer keeps changing what we put right.
pub const CONTESTED: &str = "Contested";

/// Reasons with status True.
pub mod succeeded {
    /// The spec is reached.
    pub const SUCCEEDED: &str = "Succeeded";
    /// GitWriter: the branch holds the content, its goal not yet.
    pub const WRITTEN: &str = "Written";
}

/// Reasons of objects that wait for an input.
pub mod waiting {
    /// A Secret that the spec names is not there.
    pub const CREDENTIALS_MISSING: &str = "CredentialsMissing";
    /// The branch, tag or commit is not in the repository.
    pub const REF_NOT_FOUND: &str = "RefNotFound";
    /// The directory is not in the tree.
    pub const PATH_NOT_FOUND: &str = "PathNotFound";
    /// The base branch of a GitWriter is not in the repository.
    pub const BASE_NOT_FOUND: &str = "BaseNotFound";
    /// Neither the store nor git has the artifact any more.
    pub const ARTIFACT_GONE: &str = "ArtifactGone";
    /// The Verification does not vouch for the content at the moment of the push.
    pub const NOT_VERIFIED: &str = "NotVerified";
    /// Objects are applied and not healthy yet.
    pub const PROGRESSING: &str = "Progressing";
    /// The deployment has not reached the subject's revision yet.
    pub const DEPLOYMENT_NOT_READY: &str = "DeploymentNotReady";
    /// The deployment moved on while checks ran; no verdict.
    pub const SUPERSEDED: &str = "Superseded";
    /// Checks are running.
    pub const CHECKING: &str = "Checking";
    /// `spec.suspend` is set.
    pub const SUSPENDED: &str = "Suspended";
    /// The object is new and has not been looked at.
    pub const PENDING: &str = "Pending";
    /// The held revision waits for the verdict on the one before.
    pub const HELD: &str = "Held";
}

/// Reasons of failures that are tried again by themselves.
pub mod transient {
    /// The git server does not answer.
    pub const GIT_UNREACHABLE: &str = "GitUnreachable";
    /// The git server answers with a failure of its own.
    pub const GIT_SERVER_ERROR: &str = "GitServerError";
    /// The process that talks to git ended in the middle.
    pub const GIT_WORKER_FAILED: &str = "GitWorkerFailed";
    /// The artifact cannot be fetched.
    pub const ARTIFACT_UNREACHABLE: &str = "ArtifactUnreachable";
    /// The API server does not answer or is overloaded.
    pub const API_UNAVAILABLE: &str = "APIUnavailable";
    /// An apply failed after the first object was written.
    pub const PARTIALLY_APPLIED: &str = "PartiallyApplied";
    /// The local disk is full or broken.
    pub const LOCAL_STORAGE: &str = "LocalStorage";
}

/// Reasons that a person must act on.
pub mod stalled {
    /// The spec asks for something that cannot be.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// The git server refuses the credentials.
    pub const AUTH_FAILED: &str = "AuthFailed";
    /// The keys of a Secret do not make credentials.
    pub const CREDENTIALS_INVALID: &str = "CredentialsInvalid";
    /// The git server's certificate or host key is not trusted.
    pub const GIT_UNTRUSTED: &str = "GitUntrusted";
    /// The Secret may not be sent to this host.
    pub const HOST_NOT_ALLOWED: &str = "HostNotAllowed";
    /// The url has a scheme or a host that is refused.
    pub const URL_NOT_ALLOWED: &str = "UrlNotAllowed";
    /// The repository does not exist for these credentials.
    pub const REPOSITORY_NOT_FOUND: &str = "RepositoryNotFound";
    /// The artifact url is not one this object may read.
    pub const ARTIFACT_NOT_ALLOWED: &str = "ArtifactNotAllowed";
    /// The artifact is not what its digest says, or is no readable archive.
    pub const ARTIFACT_INVALID: &str = "ArtifactInvalid";
    /// A cap on bytes or entries is exceeded.
    pub const TOO_LARGE: &str = "TooLarge";
    /// The push was refused by a hook, a rule of the server or branch protection.
    pub const PUSH_REFUSED: &str = "PushRefused";
    /// The forge refuses what was asked of a request.
    pub const REQUEST_REFUSED: &str = "RequestRefused";
    /// The server is no forge that is known.
    pub const FORGE_UNKNOWN: &str = "ForgeUnknown";
    /// Someone took the content back from the goal.
    pub const REVERTED: &str = "Reverted";
    /// Someone changed the content in the goal.
    pub const EDITED: &str = "Edited";
    /// Someone closed the content's request without merging it.
    pub const DECLINED: &str = "Declined";
    /// Neither forge nor spec demands anything of a merge that no person makes.
    pub const NOTHING_GUARDS_THIS_MERGE: &str = "NothingGuardsThisMerge";
    /// Another writer's record stands at an overlapping path.
    pub const PATH_OWNED_BY_ANOTHER: &str = "PathOwnedByAnother";
    /// A symlink, file or submodule is in the way of the path.
    pub const PATH_OBSTRUCTED: &str = "PathObstructed";
    /// The base branch is not one the controller may write to.
    pub const BASE_NOT_ALLOWED: &str = "BaseNotAllowed";
    /// The spec uses what this version does not do yet.
    pub const NOT_SUPPORTED: &str = "NotSupported";
    /// Manifests were refused before anything was applied.
    pub const MANIFESTS_REFUSED: &str = "ManifestsRefused";
    /// Objects are not healthy within the timeout.
    pub const UNHEALTHY: &str = "Unhealthy";
    /// An object belongs to another live GitDeployment.
    pub const OBJECT_OWNED_BY_ANOTHER: &str = "ObjectOwnedByAnother";
    /// An object exists that nobody of ours made, and `adopt` is Never.
    pub const OBJECT_EXISTS: &str = "ObjectExists";
    /// The new revision would prune more than half of the objects.
    pub const SHRINKS_TOO_MUCH: &str = "ShrinksTooMuch";
    /// The account may not do what the spec asks.
    pub const FORBIDDEN: &str = "Forbidden";
    /// The account cannot be used: empty, malformed, or of a protected namespace.
    pub const ACCOUNT_NOT_ALLOWED: &str = "AccountNotAllowed";
    /// A check failed for good.
    pub const VERIFICATION_FAILED: &str = "VerificationFailed";
    /// The registry refuses the image.
    pub const IMAGE_REFUSED: &str = "ImageRefused";
}
