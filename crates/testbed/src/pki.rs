//! The certificates and keys of one control plane.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

use crate::scratch::write_secret;

/// A certificate authority of our own, with a folder for what it signs.
pub struct Pki {
    folder: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub struct Credentials {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Pki {
    /// A new authority. Writes `ca.crt`, `server.crt`, `server.key`, the service accounts' `sa.key` and `sa.pub`, and
    /// `kubelet-client.crt` and `.key`, by which the server asks kubelets. The server's certificate is good on loopback,
    /// for Service `kubernetes`, and at another address if one is given.
    pub fn new(folder: &Path, address: Option<&str>) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "portolan-testbed");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let pki = Self { folder: folder.to_owned(), authority };
        fs::write(pki.path("ca.crt"), pki.ca_pem())?;
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc", "10.0.0.1"];
        let names: Vec<_> = names.into_iter().chain(address).map(str::to_owned).collect();
        let server = pki.sign(
            CertificateParams::new(names)?,
            "kube-apiserver",
            None,
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        fs::write(pki.path("server.crt"), &server.certificate)?;
        write_secret(&pki.path("server.key"), &server.key)?;
        let kubelet = pki.client("kube-apiserver", Some("system:masters"))?;
        fs::write(pki.path("kubelet-client.crt"), &kubelet.certificate)?;
        write_secret(&pki.path("kubelet-client.key"), &kubelet.key)?;
        let accounts = KeyPair::generate()?;
        write_secret(&pki.path("sa.key"), &accounts.serialize_pem())?;
        fs::write(pki.path("sa.pub"), accounts.public_key_pem())?;
        Ok(pki)
    }

    /// A file of this authority's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The authority's certificate.
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// A client certificate for a user (CN), perhaps in a group (O), as kube-apiserver reads it.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Credentials> {
        self.sign(CertificateParams::default(), user, group, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        name: &str,
        organisation: Option<&str>,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Credentials> {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        if let Some(organisation) = organisation {
            params.distinguished_name.push(DnType::OrganizationName, organisation);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?.pem();
        Ok(Credentials { certificate, key: key.serialize_pem() })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::server::WebPkiClientVerifier;

    use super::*;

    #[test]
    fn certificates_name_their_user_and_verify_against_the_authority() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::new(folder.path(), None).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pki.ca_pem().as_bytes()).unwrap()).unwrap();
        let (roots, now) = (Arc::new(roots), UnixTime::now());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());

        let client = pki.client("jane", Some("system:masters")).unwrap();
        let client = CertificateDer::from_pem_slice(client.certificate.as_bytes()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone()).build();
        verifier.unwrap().verify_client_cert(&client, &[], now).unwrap();
        for part in ["jane", "system:masters"] {
            assert!(client.windows(part.len()).any(|bytes| bytes == part.as_bytes()), "{part}");
        }

        let server = CertificateDer::from_pem_file(pki.path("server.crt")).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots, provider).build().unwrap();
        for name in ["127.0.0.1", "localhost", "kubernetes.default.svc", "10.0.0.1"] {
            let name = ServerName::try_from(name).unwrap();
            verifier.verify_server_cert(&server, &[], &name, &[], now).unwrap();
        }
    }

    #[test]
    fn keys_are_readable_by_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::new(folder.path(), None).unwrap();
        for name in ["server.key", "sa.key"] {
            let mode = fs::metadata(pki.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}
