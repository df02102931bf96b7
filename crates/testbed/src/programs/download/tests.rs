//! The download path against a server of our own: right checksum, wrong checksum, archive member.

use axum::Router;
use axum::routing::get;

use super::*;

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async fn serve(body: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    let app = Router::new().route("/file", get(move || async move { body }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn a_file_with_the_right_checksum_is_kept_and_another_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    for (body, kept) in [(b"hello" as &[u8], true), (b"evil", false)] {
        let url = serve(body).await;
        let _ = fs::remove_file(&path);
        let to = path.clone();
        let fetched =
            tokio::task::spawn_blocking(move || fetch(&url, Checksum::Sha256(HELLO), &to));
        assert_eq!(fetched.await.unwrap().is_ok(), kept);
        assert_eq!(path.exists(), kept);
    }
}

#[test]
fn a_member_is_taken_out_of_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, out) = (folder.path().join("a.tar.gz"), folder.path().join("etcd"));
    let gzip =
        flate2::write::GzEncoder::new(File::create(&archive).unwrap(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    tar.append_data(&mut header, "etcd-v3/etcd", b"elf" as &[u8]).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    extract(&archive, "etcd-v3/etcd", &out).unwrap();
    assert_eq!(fs::read(&out).unwrap(), b"elf");
    assert!(extract(&archive, "etcd-v3/etcdctl", &out).is_err());
}

#[test]
fn every_download_belongs_to_a_recipe_and_its_checksum_has_the_right_length() {
    for download in DOWNLOADS {
        let (text, length) = match download.checksum {
            Checksum::Sha256(text) => (text, 64),
            Checksum::Sha512(text) => (text, 128),
        };
        assert_eq!(text.len(), length, "{}", download.url);
        for (program, _) in download.members {
            recipe(program).unwrap();
        }
    }
}

#[test]
fn without_a_checksum_the_error_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let error = install(recipe("gitea").unwrap(), &folder.path().join("gitea")).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("Go 1.26.2") && error.contains("C compiler"), "{error}");
}
