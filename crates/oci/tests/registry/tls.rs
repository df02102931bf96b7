//! Certificates: trusted, of nobody's authority, for another name, run out (T-20).

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use portolan_oci::{Class, Credential, Error, Options, Registry};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rstest::rstest;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server with a certificate of its own making that has nothing; its host and its certificate.
fn serve(name: &str, expired: bool) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let certificate = params.self_signed(&key).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        Arc::new(config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut tls =
                StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let answer =
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            if tls.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                let _ = tls.write_all(answer).and_then(|()| tls.flush());
            }
        }
    });
    (host, certificate.pem())
}

async fn pull(host: &str, ca: Option<String>) -> Error {
    let options = Options { ca_pem: ca.map(String::into_bytes), ..Options::default() };
    let reference = format!("{host}/team/app:1").parse().unwrap();
    let credential = Credential::basic("me", crate::support::PASSWORD);
    let client = Registry::new(options).unwrap();
    client.pull_base(&reference, &"linux/amd64".parse().unwrap(), &credential).await.unwrap_err()
}

#[tokio::test]
async fn a_certificate_of_the_given_authority_is_trusted() {
    let (host, ca) = serve("127.0.0.1", false);
    assert_eq!(pull(&host, Some(ca)).await.reason(), "BaseNotFound");
}

#[rstest]
#[case::nobodys("127.0.0.1", false, false)]
#[case::another_name("10.0.0.1", false, true)]
#[case::run_out("127.0.0.1", true, true)]
#[tokio::test]
async fn t_20_other_certificates_are_not(
    #[case] name: &str,
    #[case] expired: bool,
    #[case] given: bool,
) {
    let (host, ca) = serve(name, expired);
    let error = pull(&host, given.then_some(ca)).await;
    assert_eq!((error.reason(), error.class()), ("RegistryUntrusted", Class::Stalled), "{error:?}");
}

#[rstest]
#[case("")]
#[case("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")]
fn a_ca_that_is_none_is_refused(#[case] pem: &str) {
    let options = Options { ca_pem: Some(pem.into()), ..Options::default() };
    assert_eq!(Registry::new(options).unwrap_err().reason(), "InvalidSpec");
}
