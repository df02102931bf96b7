//! The same over TLS: who is trusted, and that nothing else is on the way.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use portolan_git::{Class, Credentials, Error, RemoteRepository};
use portolan_testbed::Fault;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::lab::{Lab, REPO, Writer, pushed};

/// A TLS front of a plain server, for these names; its port, and the authority to trust.
fn front(backend: &str, names: &[&str], expired: bool) -> (u16, Vec<u8>) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    if expired {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certificate.der().clone()], key)
    .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let backend = backend.strip_prefix("http://").unwrap().to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (config, backend) = (config.clone(), backend.clone());
            std::thread::spawn(move || {
                let server = TcpStream::connect(backend).unwrap();
                client.set_nonblocking(true).unwrap();
                server.set_nonblocking(true).unwrap();
                let session = ServerConnection::new(config).unwrap();
                let _ = exchange(StreamOwned::new(session, client), server);
            });
        }
    });
    (port, authority.pem().into_bytes())
}

/// Copies both ways until one side ends.
fn exchange(mut client: impl Read + Write, mut server: impl Read + Write) -> std::io::Result<()> {
    loop {
        let up = copy(&mut client, &mut server)?;
        let down = copy(&mut server, &mut client)?;
        if !up && !down {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

/// Copies what is there; whether there was something.
fn copy(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<bool> {
    let mut buffer = [0; 16 << 10];
    let mut bytes = match from.read(&mut buffer) {
        Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
        Ok(count) => &buffer[..count],
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
        Err(error) => return Err(error),
    };
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }
    }
    let _ = to.flush();
    Ok(true)
}

async fn ready() -> Lab {
    let lab = Lab::new().await;
    lab.commit("main", &[("README", Some("x"))], "Begin").await;
    lab
}

fn trusting(port: u16, credentials: Credentials, ca: &[u8]) -> RemoteRepository {
    let credentials = Credentials { ca_pem: Some(ca.to_vec()), ..credentials };
    RemoteRepository::new(format!("https://127.0.0.1:{port}/{REPO}.git"), credentials)
}

#[tokio::test]
async fn reads_and_writes_with_an_authority_of_ones_own() {
    let lab = ready().await;
    lab.server.set_credentials(Some(("me", "right")));
    let (port, ca) = front(&lab.server.base_url(), &["127.0.0.1"], false);
    let repo = trusting(port, Credentials::basic("me", "right"), &ca);
    assert!(lab.service.refs(&repo).await.unwrap().get("refs/heads/main").is_some());
    let writer = Writer::new("main", None, "A");
    let written = lab.service.write(&repo, writer.place.clone(), Box::new(writer)).await;
    assert_eq!(lab.tip("main").await.unwrap(), pushed(written.unwrap()));
    let wrong = trusting(port, Credentials::basic("me", "wrong"), &ca);
    assert_eq!(lab.service.refs(&wrong).await.unwrap_err().reason(), "AuthFailed");
}

/// T-20, F65.
#[tokio::test]
async fn certificates_that_are_not_trusted() {
    let lab = ready().await;
    let backend = lab.server.base_url();
    let (port, ca) = front(&backend, &["127.0.0.1"], false);
    let (_, other) = front(&backend, &["127.0.0.1"], false);
    let (elsewhere, elsewhere_ca) = front(&backend, &["127.0.0.2", "git.example"], false);
    let (expired, expired_ca) = front(&backend, &["127.0.0.1"], true);
    lab.server.clear_seen();
    let public = RemoteRepository::new(
        format!("https://127.0.0.1:{port}/{REPO}.git"),
        Credentials::basic("me", "canary"),
    );
    for repo in [
        public,
        trusting(port, Credentials::basic("me", "canary"), &other),
        trusting(elsewhere, Credentials::basic("me", "canary"), &elsewhere_ca),
        trusting(expired, Credentials::bearer("canary"), &expired_ca),
    ] {
        let error = lab.service.refs(&repo).await.unwrap_err();
        assert!(matches!(error, Error::Untrusted { .. }), "{error}");
        assert_eq!((error.class(), error.reason()), (Class::Stalled, "GitUntrusted"));
    }
    assert_eq!(lab.server.seen(), []);
    assert!(lab.service.refs(&trusting(port, Credentials::none(), &ca)).await.is_ok());
}

/// T-20: not to another port, not to plain http.
#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let lab = ready().await;
    let other = portolan_testbed::GitServer::start().await.unwrap();
    other.create_repo(REPO).await.unwrap();
    let (port, ca) = front(&lab.server.base_url(), &["127.0.0.1", "localhost"], false);
    let (elsewhere, _) = front(&other.base_url(), &["127.0.0.1", "localhost"], false);
    for to in [
        format!("https://127.0.0.1:{elsewhere}"),
        format!("https://localhost:{elsewhere}"),
        other.base_url(),
    ] {
        for credentials in [Credentials::basic("me", "right"), Credentials::bearer("right")] {
            lab.server.inject(Fault::Redirect(to.clone()), "info/refs", None);
            let repo = trusting(port, credentials, &ca);
            let error = lab.service.refs(&repo).await.unwrap_err();
            assert_eq!(
                (error.class(), error.reason()),
                (Class::Stalled, "UrlNotAllowed"),
                "{error}"
            );
            lab.server.clear_faults();
        }
    }
    assert_eq!(other.seen(), []);
}
