//! Servers and repositories that mean harm, or are larger than anybody meant.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use portolan_git::{Class, RemoteRepository};

use crate::faults::{assert_is, writer};
use crate::lab::Lab;

/// A server that sends one answer, and then these bytes for ever.
fn endless(head: &'static [u8], rest: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(head);
            while client.write_all(rest).is_ok() {}
        }
    });
    url
}

/// T-21: a hostile server cannot fill memory or disk.
#[tokio::test]
async fn a_list_of_references_without_end() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nContent-Length: 99999999999\r\n\r\n001e# service=git-upload-pack\n0000";
    let line = b"003d0123456789012345678901234567890123456789 refs/heads/main\n";
    let lab = Lab::with(|options| options.limits.advertised = 1 << 20).await;
    let error = lab.service.refs(&RemoteRepository::public(endless(head, line))).await.unwrap_err();
    assert_is(&error, Class::Stalled, "TooLarge");
    assert!(error.to_string().contains("1 MiB"), "{error}");

    // Without the cap on bytes, that on memory holds.
    let lab = Lab::with(|options| {
        options.limits.advertised = u64::MAX;
        options.limits.memory = 96 << 20;
    })
    .await;
    let started = Instant::now();
    assert!(lab.service.refs(&RemoteRepository::public(endless(head, line))).await.is_err());
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(lab.service.refs(&lab.repo()).await.is_ok());
}

#[tokio::test]
async fn answers_that_are_no_answers() {
    for (head, rest) in [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99999999999\r\n\r\n<html>".as_slice(), b"portal ".as_slice()),
        (b"SSH-2.0-OpenSSH\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nContent-Length: 99999999999\r\n\r\nffffzzzz", b"z"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nContent-Length: 99999999999\r\n\r\n0000", b"0000"),
    ] {
        let lab = Lab::with(|options| {
            options.limits.advertised = 1 << 20;
            options.deadline = Duration::from_secs(10);
        })
        .await;
        let error = lab.service.refs(&RemoteRepository::public(endless(head, rest))).await;
        // Who sends flushes only has no references.
        if let Err(error) = error {
            assert!(["GitServerError", "GitUnreachable", "TooLarge"].contains(&error.reason()), "{error}");
        }
        assert!(lab.service.refs(&lab.repo()).await.is_ok());
    }
}

#[tokio::test]
async fn a_repository_that_is_too_large() {
    let lab = Lab::with(|options| options.limits.fetched = 100 << 10).await;
    let noise: String =
        (0..200_000_u64).map(|n| char::from(b'!' + (n * n * 7919 % 93) as u8)).collect();
    let noise: String = noise
        .chars()
        .zip((0_u32..).map(|n| n.wrapping_mul(2_654_435_761)))
        .map(|(c, n)| format!("{c}{n:x}"))
        .collect();
    lab.commit("main", &[("noise", Some(&noise))], "Begin").await;
    let error = lab.look("main", ".", |_| {}).await.unwrap_err();
    assert_is(&error, Class::Stalled, "TooLarge");
    assert_is(&lab.write(&writer()).await.unwrap_err(), Class::Stalled, "TooLarge");
}

#[tokio::test]
async fn a_list_with_too_many_references() {
    let lab = Lab::with(|options| options.limits.references = 10).await;
    let commit = lab.commit("main", &[("a", Some("1"))], "Begin").await;
    for n in 0..20 {
        lab.git(&["update-ref", &format!("refs/tags/{n}"), &commit]).await;
    }
    assert_is(&lab.service.refs(&lab.repo()).await.unwrap_err(), Class::Stalled, "TooLarge");
}

/// F71.
#[tokio::test]
async fn a_repository_with_longer_ids_is_refused() {
    let lab = Lab::new().await;
    let path = lab.server.repo_path("team/long");
    let init = ["init", "--quiet", "--bare", "--object-format=sha256", path.to_str().unwrap()];
    lab.git(&init).await;
    let files: &[(&str, Option<&[u8]>)] = &[("a", Some(b"1"))];
    lab.server.commit("team/long", "main", files, "Begin", crate::lab::ANN).await.unwrap();
    let error =
        lab.service.refs(&RemoteRepository::public(lab.server.url("team/long"))).await.unwrap_err();
    assert_eq!(error.class(), Class::Stalled, "{error}");
    assert_eq!(error.reason(), "NotSupported", "{error}");
}

/// T-04: little on the wire, much when it is unpacked.
#[tokio::test]
async fn a_bomb() {
    let lab = Lab::with(|options| {
        options.limits.archive_bytes = 10 << 20;
        options.limits.memory = 200 << 20;
    })
    .await;
    let zeros = "0".repeat(300 << 20);
    let commit =
        lab.commit("main", &[("zeros", Some(&zeros)), ("app/a", Some("1"))], "Begin").await;
    drop(zeros);
    assert!(lab.look("main", "app", |_| {}).await.is_ok());
    let archive = portolan_git::Archive {
        reference: "refs/heads/main".into(),
        commit,
        path: ".".into(),
        ignore: Vec::new(),
        to: lab.cache().join("out"),
    };
    let error = lab.service.archive(&lab.repo(), archive).await.unwrap_err();
    assert_is(&error, Class::Stalled, "TooLarge");
}
