//! `/readyz` tells the truth and `/healthz` does not fail for what a restart would not mend.

use anyhow::{Result, ensure};
use portolan_testbed::landscape::{Landscape, Plan, Program};
use portolan_testbed::wait;
use portolan_tests::metrics::{Metrics, get};
use portolan_tests::world::DEADLINE;

/// What a program that is well says.
const WELL: &str =
    "[+] running: ok\n[+] api-server: ok\n[+] start: ok\n[+] watches: ok\n[+] servers: ok\n";

#[tokio::test]
async fn health_tells_the_truth() {
    let landscape = Landscape::start(Plan::default(), &|_| {}).await.expect("it starts");
    api_server_goes_away(&landscape).await.expect("its absence is told, and its return");
    start_without_an_api_server(&landscape).await.expect("a start that waits says so");
    for member in landscape.members() {
        stop(&member.program).await.expect("a program that stops is not ready");
    }
}

async fn api_server_goes_away(landscape: &Landscape) -> Result<()> {
    let members = [&landscape.build, &landscape.staging];
    for member in members {
        let health = member.program.health_port();
        ensure!(get(health, "/readyz").await? == (200, WELL.into()), "{} is well", member.name());
        member.plane.stop_api_server().await;
    }
    for member in members {
        let program = &member.program;
        let told = until_ready(program, 503).await?;
        ensure!(told.contains("\n[-] api-server: it has answered no request for "), "{told}");
        ensure!(told.contains("\n[+] watches: ok\n"), "what was seen stays true: {told}");
        let metrics = Metrics::of(program.metrics_port()).await?;
        let unreachable = metrics.sum("portolan_api_unreachable_seconds", &[]);
        ensure!(unreachable > 20.0, "{unreachable}");
        ensure!(metrics.sum("portolan_leader", &[]) == 0.0, "nobody leads without a lease");
        ensure!(metrics.sum("portolan_api_requests_total", &[("code", "none")]) > 0.0);
        member.plane.start_api_server().await?;
    }
    for member in members {
        let told = until_ready(&member.program, 200).await?;
        ensure!(told == WELL, "{told}");
    }
    Ok(())
}

/// Waits for a program to be ready or not; it is alive all the while.
async fn until_ready(program: &Program, code: u16) -> Result<String> {
    let health = program.health_port();
    let mut alive = Ok(());
    let told = wait::until(&format!("/readyz to answer {code}"), DEADLINE, async || {
        match get(health, "/healthz").await {
            Ok((200, text)) if text == "[+] loops: ok\n" => {}
            other => {
                alive = Err(anyhow::anyhow!("/healthz answered {other:?}"));
                return Some(String::new());
            }
        }
        let (answered, text) = get(health, "/readyz").await.ok()?;
        (answered == code).then_some(text)
    })
    .await?;
    alive.map(|()| told)
}

async fn start_without_an_api_server(landscape: &Landscape) -> Result<()> {
    let member = &landscape.staging;
    let (program, health) = (&member.program, member.program.health_port());
    member.plane.stop_api_server().await;
    program.kill()?;
    let waits = async {
        let told = wait::until("the start to say what it waits for", DEADLINE, async || {
            let (code, text) = get(health, "/readyz").await.ok()?;
            (code == 503 && text.contains("\n[-] start: waits for the API server: "))
                .then_some(text)
        })
        .await?;
        ensure!(told.contains("\n[-] watches: none is open yet\n"), "{told}");
        ensure!(get(health, "/healthz").await?.0 == 200, "it is alive");
        member.plane.start_api_server().await
    };
    tokio::try_join!(program.restart(None), waits)?;
    let told = until_ready(program, 200).await?;
    ensure!(told == WELL, "{told}");
    Ok(())
}

/// From SIGTERM on a program is not ready, or gone.
async fn stop(program: &Program) -> Result<()> {
    let health = program.health_port();
    program.terminate()?;
    wait::until("/readyz to say that the program stops", DEADLINE, async || {
        match get(health, "/readyz").await {
            Ok((503, text)) => {
                text.contains("[-] running: the program was asked to stop").then_some(())
            }
            Ok(_) => None,
            Err(_) => Some(()),
        }
    })
    .await?;
    program.stop().await
}
