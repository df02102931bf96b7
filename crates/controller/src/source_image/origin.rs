//! Where the source of an image comes from, as its annotations tell, and the credentials to push.

use portolan_api::native::GitSource;
use portolan_api::native::common::{ArtifactRef, commit_of};
use portolan_api::native::reasons::stalled;
use portolan_cluster::{Key, Secret};
use portolan_git::Look;
use portolan_oci::{Credential, Repository};
use secrecy::SecretString;

use crate::context::Context;
use crate::polls::Remote;
use crate::trouble::Trouble;

/// The time of images whose source does not tell one.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Where a source comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Commit time, as the image's time of creation.
    pub(super) created: String,
    /// Url of the repository.
    pub(super) repository: Option<String>,
}

/// Origin of an artifact. The same artifact has the same origin whenever it is asked for: the commit
/// time is that of the commit, from the GitSource while it stands there, else from git.
pub(super) async fn of(cx: &Context, source: &ArtifactRef) -> Result<Origin, Trouble> {
    let Some(url) = cx.artifacts.own(&source.url) else {
        return Ok(Origin { created: EPOCH.into(), repository: None });
    };
    let key = Key::new(&url.namespace, &url.name);
    let stored = cx.own("GitSource", &key).map(|stored| stored.value());
    let Some(git): Option<GitSource> = stored.and_then(|value| serde_json::from_value(value).ok())
    else {
        let message = format!("GitSource {key}, which made the source, does not exist");
        return Err(Trouble::waiting(
            portolan_api::native::reasons::waiting::ARTIFACT_GONE,
            message,
        ));
    };
    let repository = Some(git.spec.url.clone());
    let artifact = git.status.as_ref().and_then(|status| status.artifact.as_ref());
    if let Some(artifact) = artifact.filter(|artifact| artifact.revision == source.revision) {
        return Ok(Origin { created: artifact.commit.time.clone(), repository });
    }
    let remote = Remote::new(&git.spec.url, &url.namespace, git.spec.secret_ref.as_ref());
    let connection = cx.polls.repository(&remote, cx.settings.credential_max_age).await?;
    let look = Look {
        reference: artifact.map(|artifact| artifact.ref_.clone()).unwrap_or_default(),
        commit: commit_of(&source.revision).into(),
        path: ".".into(),
        ignore: Vec::new(),
        last: None,
    };
    let looked = cx.git.look(&connection, look).await?;
    let created = looked.commit.map_or_else(|| EPOCH.into(), |commit| commit.time);
    Ok(Origin { created, repository })
}

/// The credential that a Secret holds for a registry, for no other host than its annotation lists: a
/// registry names its token service itself, and what it names is asked with the password.
pub(super) fn credential(
    key: &Key,
    secret: &Secret,
    repository: &Repository,
) -> Result<Credential, Trouble> {
    let text =
        |name: &str| secret.data.get(name).and_then(|bytes| String::from_utf8(bytes.clone()).ok());
    let hosts = secret.hosts.as_deref().unwrap_or_default();
    if let Some(config) = secret.data.get(".dockerconfigjson") {
        let credential = Credential::from_docker_config(config, repository)?;
        return credential.map(|credential| credential.only_for(hosts)).ok_or_else(|| {
            let registry = repository.host();
            let message = format!("Secret {key} has no entry for registry {registry}");
            Trouble::stalled(stalled::AUTH_FAILED, message).unseen()
        });
    }
    if let (Some(user), Some(password)) = (text("username"), text("password")) {
        return Ok(Credential::basic(user, SecretString::from(password)).only_for(hosts));
    }
    if let Some(token) = text("bearerToken") {
        return Ok(Credential::Bearer(SecretString::from(token)));
    }
    let message = format!(
        "Secret {key} holds no credentials for a registry: it needs .dockerconfigjson, or username \
         and password, or bearerToken"
    );
    Err(Trouble::invalid(message).unseen())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotation_binds_the_password_however_it_is_kept() {
        let repository: Repository = "registry.example/team/app".parse().unwrap();
        let config = r#"{"auths": {"registry.example": {"auth": "bWU6d29yZA=="}}}"#;
        let docker = [(".dockerconfigjson", config)];
        let basic = [("username", "me"), ("password", "word")];
        let of = |data: &[(&str, &str)], hosts: Option<&[&str]>| {
            let data = data.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec()));
            let hosts = hosts.map(|hosts| hosts.iter().map(ToString::to_string).collect());
            let secret = Secret { type_: String::new(), data: data.collect(), hosts };
            match credential(&Key::new("dev", "registry"), &secret, &repository) {
                Ok(Credential::Basic { hosts, .. }) => hosts,
                other => unreachable!("{other:?}"),
            }
        };
        for data in [&docker[..], &basic] {
            let listed = ["registry.example", "auth.example"];
            assert_eq!(of(data, Some(&listed)), listed);
            assert!(of(data, None).is_empty());
        }
    }
}
