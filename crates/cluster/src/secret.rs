//! Secrets: read one by one, never listed or watched, kept for as long as the reader allows.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret as ApiSecret;
use kube::Api;
use portolan_api::{digest, labels};

use crate::cluster::{Cluster, within};
use crate::error::WriteErrorKind;
use crate::stored::Key;

/// A Secret as it was read. It does not print its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its type, such as `kubernetes.io/basic-auth`.
    pub type_: String,
    /// Its content.
    pub data: BTreeMap<String, Vec<u8>>,
    /// Hosts its content may be sent to; absent: any.
    pub hosts: Option<Vec<String>>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret of type {} with {} keys", self.type_, self.data.len())
    }
}

impl Secret {
    /// Digest over type and content: tells two versions apart without showing either.
    pub fn digest(&self) -> String {
        let mut bytes = self.type_.clone().into_bytes();
        for (key, value) in &self.data {
            for part in [key.as_bytes(), value] {
                bytes.push(0);
                bytes.extend_from_slice(part);
            }
        }
        digest::of_bytes(&bytes)
    }
}

/// Why a Secret cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It does not exist.
    #[error("Secret {key} does not exist: create it; credentials are never done without")]
    Missing {
        /// Which.
        key: String,
    },
    /// The controller may not read it.
    #[error("Secret {key} cannot be read: {message}")]
    Forbidden {
        /// Which.
        key: String,
        /// What the API server said.
        message: String,
    },
    /// The API server did not answer.
    #[error("Secret {key} cannot be read now: {message}")]
    Unavailable {
        /// Which.
        key: String,
        /// What happened.
        message: String,
    },
}

/// Reads Secrets.
#[derive(Clone)]
pub struct Secrets {
    cluster: Cluster,
    read: Arc<Mutex<HashMap<Key, (Instant, Secret)>>>,
}

impl Secrets {
    /// A reader.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, read: Arc::default() }
    }

    /// A Secret that was read at most `max_age` ago; zero reads it now.
    pub async fn get(&self, key: &Key, max_age: Duration) -> Result<Secret, SecretError> {
        if let Some((at, secret)) = self.lock().get(key)
            && at.elapsed() < max_age
        {
            return Ok(secret.clone());
        }
        match self.fetch(key).await {
            Ok(secret) => {
                self.lock().insert(key.clone(), (Instant::now(), secret.clone()));
                Ok(secret)
            }
            Err(error) => {
                if !matches!(error, SecretError::Unavailable { .. }) {
                    self.lock().remove(key);
                }
                Err(error)
            }
        }
    }

    /// Forgets a Secret, so that the next reader reads it anew: what it held was refused.
    pub fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    async fn fetch(&self, key: &Key) -> Result<Secret, SecretError> {
        let api: Api<ApiSecret> = Api::namespaced(self.cluster.client().clone(), &key.namespace);
        let name = key.to_string();
        let secret = match within(api.get(&key.name)).await {
            Ok(secret) => secret,
            Err(error) => {
                return Err(match error.kind {
                    WriteErrorKind::NotFound => SecretError::Missing { key: name },
                    WriteErrorKind::Forbidden => {
                        SecretError::Forbidden { key: name, message: error.message }
                    }
                    _ => SecretError::Unavailable { key: name, message: error.message },
                });
            }
        };
        let annotations = secret.metadata.annotations.unwrap_or_default();
        let hosts = annotations.get(labels::HOSTS).map(|hosts| {
            hosts.split(',').map(|host| host.trim().to_owned()).filter(|h| !h.is_empty()).collect()
        });
        Ok(Secret {
            type_: secret.type_.unwrap_or_default(),
            data: secret.data.unwrap_or_default().into_iter().map(|(k, v)| (k, v.0)).collect(),
            hosts,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, (Instant, Secret)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_nothing_of_its_content() {
        let data = [("password".to_owned(), b"canary".to_vec())].into();
        let secret = Secret { type_: "kubernetes.io/basic-auth".into(), data, hosts: None };
        assert!(!format!("{secret:?}").contains("canary"));
        assert!(!secret.digest().contains("canary"));
        assert_ne!(secret.digest(), Secret { data: BTreeMap::new(), ..secret.clone() }.digest());
    }
}
