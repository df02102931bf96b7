//! What is not written: over what others have there, out of the directory, to names nobody means.

use portolan_git::{Class, Error};
use portolan_testbed::git_server::Change;

use crate::how::Raw;
use crate::lab::{ANN, Lab, REPO, Writer};

/// T-02, F77: nothing is followed, nothing of others is written over.
#[tokio::test]
async fn what_is_in_the_way_of_a_file() {
    let lab = Lab::new().await;
    let change = |path, mode, content: &'static str| Change {
        path,
        mode,
        content: Some(content.as_bytes()),
    };
    let changes = [
        change("app/file", "100644", "x"),
        change("app/link", "120000", "/etc/passwd"),
        change("app/sub", "160000", "0123456789012345678901234567890123456789"),
        change("app/dir/theirs", "100644", "x"),
    ];
    lab.server.commit_changes(REPO, "main", &changes, "Theirs", ANN).await.unwrap();
    for (path, named) in [
        ("link", "symlink app/link"),
        ("link/x", "symlink app/link"),
        ("sub", "submodule app/sub"),
        ("sub/x", "submodule app/sub"),
        ("dir", "directory app/dir"),
        ("file/x", "file app/file"),
    ] {
        let error = Raw::put(path, "100644", b"x").write(&lab, "app").await.unwrap_err();
        assert_eq!(error, Error::Obstructed { obstacle: named.into() });
        assert_eq!((error.class(), error.reason()), (Class::Stalled, "PathObstructed"));
    }
    assert!(Raw::put("file", "100644", b"y").write(&lab, "app").await.is_ok());
}

/// T-01: whoever makes an edit, no way leads out of the directory.
#[tokio::test]
async fn paths_that_lead_out_are_refused() {
    let lab = Lab::new().await;
    lab.commit("main", &[("a", Some("1"))], "first").await;
    let before = lab.git(&["for-each-ref"]).await;
    for path in [
        "../x",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        ".",
        "",
        "a\\..\\b",
        ".git/config",
        ".GIT/x",
        "a\nb",
    ] {
        let error = Raw::put(path, "100644", b"x").write(&lab, "app").await.unwrap_err();
        assert_eq!(error.reason(), "InvalidSpec", "{path:?}: {error}");
        let remove = Raw { put: Vec::new(), remove: vec![path.into()] };
        assert!(remove.write(&lab, "app").await.is_err(), "{path:?}");
        let whole = Raw::put("x", "100644", b"x").write(&lab, path).await;
        assert_eq!(whole.is_ok(), path == ".", "{path:?}");
        lab.git(&["update-ref", "refs/heads/main", before.split(' ').next().unwrap()]).await;
    }
    for mode in ["160000", "40000", "100666", ""] {
        assert_eq!(
            Raw::put("x", mode, b"x").write(&lab, "app").await.unwrap_err().reason(),
            "InvalidSpec"
        );
    }
    assert_eq!(lab.git(&["for-each-ref"]).await, before);
}

/// T-18, T-22.
#[tokio::test]
async fn names_that_nobody_means_are_refused_and_texts_stay_texts() {
    let lab = Lab::new().await;
    for branch in
        ["-oProxyCommand=x", "refs/../../x", "a..b", "@{", "x.lock", "$(id)", "a.", "a\r\n"]
    {
        let error = lab.write(&Writer::new(branch, None, "A")).await.unwrap_err();
        assert_eq!(error.reason(), "InvalidSpec", "{branch}: {error}");
    }
    let error = lab.write(&Writer::new("staging/app", Some("staging"), "A")).await.unwrap_err();
    assert!(error.to_string().contains("staging-app"), "{error}");
    let text = "$(touch canary) `id` --upload-pack=x";
    let writer =
        Writer::new("main", None, text).with(|writer| writer.style.message = Some(text.into()));
    lab.write(&writer).await.unwrap();
    assert_eq!(lab.git(&["show", "-s", "--format=%s", "main"]).await, text);
}
