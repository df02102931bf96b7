//! The flow of `examples/pull-requests` on real nodes: the programs are pods of the image, installed by
//! `kubectl apply -k`; the image that SourceImage pushed runs, and the verification asks it.

use anyhow::{Context as _, Result, ensure};
use portolan_testbed::landscape::{APP, Example, Landscape, Nodes, Plan};
use portolan_testbed::room::{self, Missing};

const TEST: &str = "maintainers_merge_and_real_pods_follow";

#[tokio::test(flavor = "multi_thread")]
async fn maintainers_merge_and_real_pods_follow() {
    if room::is_outside() {
        return flow().await.expect("the flow comes to its end");
    }
    match room::missing() {
        // `make test` says so in its last lines.
        Some(Missing::Rights) => println!("not covered here: {}", Missing::Rights),
        Some(missing) => panic!("{missing}: install them, as `make test` does"),
        None => {
            let arguments = ["--exact", TEST, "--nocapture"].map(Into::into);
            assert_eq!(room::enter(arguments).expect("it runs outside"), 0, "it passes outside");
        }
    }
}

async fn flow() -> Result<()> {
    let plan = Plan { example: Example::PullRequests, nodes: Nodes::Real, ..Plan::default() };
    let landscape = Landscape::start(plan, &|line| println!("{line}")).await?;
    let _ = (&landscape, APP);
    ensure!(landscape.build.program.is_pods(), "the programs are pods");
    println!("{}", landscape.build.program.log());
    None.context("end")
}
