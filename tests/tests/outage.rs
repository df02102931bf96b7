//! What others run goes away and comes back: the forge, then an API server. What can go on goes on, and
//! the rest goes on by itself afterwards.

use anyhow::{Result, ensure};
use portolan_testbed::landscape::{APP, Landscape, Plan};
use portolan_tests::by_hand::apply;
use portolan_tests::history::no_commit_twice;
use portolan_tests::world::{ready, travel};

#[tokio::test]
async fn servers_go_away_and_come_back() {
    let landscape = Landscape::start(Plan::default(), &|_| {}).await.expect("it starts");
    travel(&landscape, 1).await.expect("the first change travels");
    the_forge_is_away(&landscape).await.expect("the forge's absence is told");
    travel(&landscape, 2).await.expect("and over by itself");
    api_servers_are_away(&landscape).await.expect("API servers may restart");
    travel(&landscape, 3).await.expect("and work goes on");
    no_commit_twice(&landscape, APP).await.expect("nothing is written twice");
}

async fn the_forge_is_away(landscape: &Landscape) -> Result<()> {
    landscape.forge.stop_server().await;
    let host = landscape.forge.base_url();
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    for member in [&landscape.build, &landscape.staging] {
        let message = ready(member, "GitSource", APP, "Unknown", "GitUnreachable").await?;
        ensure!(message.contains(host), "the server is named: {message}");
        // What was fetched stays on offer, and who depends on it stays ready.
        let source = member.own("GitSource", APP).await?;
        ensure!(source["status"]["artifact"]["url"].is_string(), "{source}");
    }
    // Who needs no git is not held up.
    let chain = "{apiVersion: carto.run/v1alpha1, kind: ClusterSupplyChain, metadata: {name: offline}, \
        spec: {selector: {type: offline}, resources: [{name: only, templateRef: {kind: ClusterTemplate, \
        name: offline}}]}}\n---\n{apiVersion: carto.run/v1alpha1, kind: ClusterTemplate, metadata: \
        {name: offline}, spec: {template: {apiVersion: v1, kind: ConfigMap, metadata: {name: \
        $(workload.metadata.name)$}}}}\n---\n{apiVersion: carto.run/v1alpha1, kind: Workload, metadata: \
        {name: offline, labels: {type: offline}}, spec: {serviceAccountName: offline}}";
    let build = &landscape.build;
    build.apply(&build.example_for("team/service-account.yaml", "offline")?).await?;
    apply(build, chain).await?;
    ready(build, "Workload", "offline", "True", "Ready").await?;
    landscape.forge.start_server().await?;
    for member in [&landscape.build, &landscape.staging] {
        ready(member, "GitSource", APP, "True", "Succeeded").await?;
    }
    Ok(())
}

async fn api_servers_are_away(landscape: &Landscape) -> Result<()> {
    let programs = [landscape.build.program.pid(), landscape.staging.program.pid()];
    for member in [&landscape.build, &landscape.staging] {
        member.plane.stop_api_server().await;
        member.plane.start_api_server().await?;
    }
    ensure!(programs == [landscape.build.program.pid(), landscape.staging.program.pid()]);
    Ok(())
}
