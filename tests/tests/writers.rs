//! GitWriter alone, against a real API server and forge: its commit, its neighbours, its end.

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::landscape::{CONFIG, Landscape, TEAM};
use portolan_testbed::wait::until;
use portolan_tests::by_hand::apply;
use portolan_tests::world::{DEADLINE, landscape, ready, run};

/// A writer of one file below `path` of branch `branch`.
fn writer(landscape: &Landscape, name: &str, branch: &str, path: &str, more: &str) -> String {
    let url = landscape.forge.http_url(TEAM, CONFIG);
    format!(
        "{{apiVersion: carto.run/v1alpha1, kind: GitWriter, metadata: {{name: {name}}}, spec: \
         {{repository: {{url: '{url}', secretRef: {{name: git}}}}, branch: {branch}, path: {path}, \
         content: {{files: {{{name}.yaml: {name}}}}}{more}}}}}"
    )
}

async fn file(landscape: &Landscape, branch: &str, path: &str) -> Result<Option<Vec<u8>>> {
    landscape.forge.read_file(TEAM, CONFIG, branch, path).await
}

#[test]
fn a_deleted_writer_takes_its_files_along_where_it_is_asked_to() {
    run(async {
        let landscape = landscape().await;
        let build = &landscape.build;
        for (name, more) in [("pruned", ", prune: true"), ("kept", "")] {
            apply(build, &writer(landscape, name, "ends", name, more)).await?;
            ready(build, "GitWriter", name, "True", "Succeeded").await?;
        }
        let people: &[(&str, Option<&[u8]>)] = &[("pruned/people.txt", Some(b"ours"))];
        landscape.forge.commit_files(TEAM, CONFIG, "ends", people, "by hand").await?;
        let before = landscape.forge.commits(TEAM, CONFIG, "ends").await?.len();
        build.delete_own("GitWriter", "pruned").await?;
        build.delete_own("GitWriter", "kept").await?;
        until("the files to be gone", DEADLINE, async || {
            let gone = file(landscape, "ends", "pruned/pruned.yaml").await.ok()?.is_none();
            let object = build.own("GitWriter", "pruned").await.ok()?;
            (gone && object.is_null()).then_some(())
        })
        .await?;
        ensure!(
            file(landscape, "ends", "pruned/people.txt").await?.is_some(),
            "people's file stays"
        );
        ensure!(file(landscape, "ends", "kept/kept.yaml").await?.is_some(), "what is kept stays");
        let commits = landscape.forge.commits(TEAM, CONFIG, "ends").await?;
        ensure!(commits.len() == before + 1, "one commit removes it");
        let record = file(landscape, "ends", "pruned/.portolan/passage").await?;
        ensure!(record.is_none(), "the record goes with the files");
        Ok(())
    });
}

#[test]
fn a_path_belongs_to_one_writer() {
    run(async {
        let landscape = landscape().await;
        let build = &landscape.build;
        apply(build, &writer(landscape, "first", "paths", "apps/one", "")).await?;
        ready(build, "GitWriter", "first", "True", "Succeeded").await?;
        for (name, path) in [("same", "apps/one"), ("above", "apps"), ("below", "apps/one/sub")] {
            apply(build, &writer(landscape, name, "paths", path, "")).await?;
            let message = ready(build, "GitWriter", name, "False", "PathOwnedByAnother").await?;
            ensure!(
                message.contains("build/dev/first") && message.contains("takeOver"),
                "{message}"
            );
        }
        apply(build, &writer(landscape, "beside", "paths", "apps/two", "")).await?;
        ready(build, "GitWriter", "beside", "True", "Succeeded").await?;
        let taken = ", takeOver: build/dev/first";
        apply(build, &writer(landscape, "same", "paths", "apps/one", taken)).await?;
        ready(build, "GitWriter", "same", "True", "Succeeded").await?;
        let mine = file(landscape, "paths", "apps/one/same.yaml").await?;
        ensure!(mine.as_deref() == Some(b"same"), "its content is written: {mine:?}");
        ensure!(file(landscape, "paths", "apps/one/first.yaml").await?.is_none());
        Ok(())
    });
}

#[test]
fn what_the_server_does_not_let_in_is_told_in_its_words() {
    run(async {
        let landscape = landscape().await;
        let build = &landscape.build;
        let seed: &[(&str, Option<&[u8]>)] = &[("a.txt", Some(b"a"))];
        landscape.forge.commit_files(TEAM, CONFIG, "guarded", seed, "by hand").await?;
        let rule = serde_json::json!({"rule_name": "guarded", "enable_push": false});
        landscape.forge.protect_branch(TEAM, CONFIG, rule).await?;
        apply(build, &writer(landscape, "guarded", "guarded", "guarded", "")).await?;
        let message = ready(build, "GitWriter", "guarded", "False", "PushRefused").await?;
        ensure!(message.contains("guarded"), "{message}");
        let writer = build.own("GitWriter", "guarded").await?;
        writer["status"]["conditions"].as_array().context("it has conditions")?;
        ensure!(file(landscape, "guarded", "guarded/guarded.yaml").await?.is_none());
        Ok(())
    });
}
