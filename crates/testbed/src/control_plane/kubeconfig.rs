//! Kubeconfig files: whom a program is when it talks to the API server.

use std::path::Path;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::pki::Credentials;
use crate::scratch::write_secret;

/// What proves who the user is.
pub(super) enum Identity {
    Certificate(Credentials),
    Token(String),
}

/// The text of a kubeconfig. JSON, which every reader of YAML reads.
pub(super) fn kubeconfig(name: &str, server: &str, ca_pem: &str, identity: &Identity) -> Value {
    let user = match identity {
        Identity::Certificate(Credentials { certificate, key }) => json!({
            "client-certificate-data": STANDARD.encode(certificate),
            "client-key-data": STANDARD.encode(key),
        }),
        Identity::Token(token) => json!({ "token": token }),
    };
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": name,
            "cluster": {
                "server": server,
                "certificate-authority-data": STANDARD.encode(ca_pem),
            },
        }],
        "users": [{ "name": "user", "user": user }],
        "contexts": [{ "name": name, "context": { "cluster": name, "user": "user" } }],
        "current-context": name,
    })
}

/// Writes it for its owner only.
pub(super) fn write(path: &Path, kubeconfig: &Value) -> Result<()> {
    write_secret(path, &format!("{}\n", serde_json::to_string_pretty(kubeconfig)?))
}
