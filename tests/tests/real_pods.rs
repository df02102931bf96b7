//! The flow of `examples/pull-requests` on real nodes: the programs are pods of the image, installed by
//! `kubectl apply -k`; the image that SourceImage pushed runs, and the verification asks it.

use std::io::Write as _;

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::kubectl;
use portolan_testbed::landscape::{APP, Example, Landscape, Member, Nodes, Plan};
use portolan_testbed::room::{self, Missing};
use portolan_testbed::story::{OTHER, Play, Teller};
use serde_json::Value;

const TEST: &str = "maintainers_merge_and_real_pods_follow";

#[tokio::test(flavor = "multi_thread")]
async fn maintainers_merge_and_real_pods_follow() {
    if room::is_outside() {
        return flow().await.expect("the flow comes to its end");
    }
    match room::missing() {
        // `make test` says so in its last lines.
        Some(Missing::Root | Missing::Refused(_)) => {}
        Some(missing) => panic!("{missing}"),
        None => {
            let arguments = ["--exact", TEST, "--nocapture"].map(Into::into);
            assert_eq!(room::enter(arguments).expect("it runs outside"), 0, "it passes outside");
        }
    }
}

async fn flow() -> Result<()> {
    let teller = Teller::new(&|line| {
        let _ = writeln!(std::io::stderr(), "{line}");
    });
    let real = Plan { example: Example::PullRequests, nodes: Nodes::Real, ..Plan::default() };
    let landscape = Landscape::start(real, &|line| teller.say(line)).await?;
    landscape.add_app(OTHER).await?;
    let play = Play { landscape: &landscape, teller: &teller };
    let versions = [Some(1), Some(2), Some(2), Some(1), Some(5)];
    for (round, live) in (1..).zip(versions) {
        play.round(round).await?;
        let production = landscape.production.as_ref().context("there is production")?;
        if let Some(version) = live {
            answers(production, version).await.with_context(|| format!("after round {round}"))?;
        }
    }
    installed(&landscape).await?;
    asked(&landscape.staging).await
}

/// What the running application says, asked over its Service.
async fn answers(member: &Member, version: u32) -> Result<()> {
    let namespace = &member.namespace;
    let path = format!("/api/v1/namespaces/{namespace}/services/{APP}:http/proxy/");
    let page = kubectl(&member.plane, &["get", "--raw", &path]).await?;
    let expected = format!("{APP}, version {version}");
    ensure!(page.contains(&expected), "{} says {page:?}, expected {expected:?}", member.name());
    Ok(())
}

/// Two replicas of each program run, by digest, under restricted pod security.
async fn installed(landscape: &Landscape) -> Result<()> {
    for member in landscape.members() {
        ensure!(member.program.is_pods(), "the programs are pods");
        let pods = kubectl(&member.plane, &["get", "pods", "-n", "portolan-system", "-o", "json"]);
        let pods: Value = serde_json::from_str(&pods.await?)?;
        let pods = pods["items"].as_array().cloned().unwrap_or_default();
        ensure!(pods.len() == 2, "{} pods in {}", pods.len(), member.name());
        for pod in pods {
            let status = &pod["status"]["containerStatuses"][0];
            let image = status["imageID"].as_str().unwrap_or_default();
            ensure!(image.contains("/portolan@sha256:"), "{image}");
            ensure!(status["restartCount"] == 0, "nothing was started twice: {status}");
        }
    }
    Ok(())
}

/// The verification's check was answered by the application.
async fn asked(staging: &Member) -> Result<()> {
    let verification = staging.own("Verification", APP).await?;
    let checks = verification.pointer("/status/run/checks").and_then(Value::as_array);
    let version = checks.into_iter().flatten().find(|check| check["name"] == "version");
    let message = version.and_then(|check| check["message"].as_str()).unwrap_or_default();
    ensure!(message.contains("answered 200 with \"shop, version\""), "{verification}");
    Ok(())
}
