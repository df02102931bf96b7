//! What a person may do with a demo that was kept.

use anyhow::Result;
use portolan_testbed::landscape::{APP, CONFIG, Landscape, Nodes, TEAM};
use portolan_testbed::programs::program;
use portolan_testbed::story::{Environment, OTHER};

/// Tells how to look around and how to push a change, and waits until the person is done.
pub(super) async fn look_around(landscape: &Landscape, line: &(dyn Fn(&str) + Sync)) -> Result<()> {
    // Real nodes have a network of their own, and what speaks with them must be in it.
    let enter = match landscape.nodes {
        Nodes::Fake => String::new(),
        Nodes::Real => format!("nsenter --net --target {} ", std::process::id()),
    };
    line("\nEverything stays up until you press Ctrl-C. To look around:\n");
    clusters(landscape, &enter, line).await?;
    repositories(landscape, &enter, line)?;
    requests(landscape, &enter, line);
    line(&format!("\nTo send a change: edit site/index.html in the clone of {APP}, commit, push."));
    line("A few seconds later a request offers it to staging. Approve and merge it as staging's");
    line("maintainer, and then the one into production.");
    tokio::signal::ctrl_c().await?;
    line("\nended: everything it started ends with it; the folder with its logs stays");
    Ok(())
}

async fn clusters(landscape: &Landscape, enter: &str, line: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let kubectl = program("kubectl").await?;
    let kubectl = kubectl.display();
    for member in landscape.members() {
        let (config, namespace) = (member.plane.kubeconfig(), &member.namespace);
        let config = config.display();
        let cluster = format!("{enter}{kubectl} --kubeconfig {config} -n {namespace}");
        line(&format!("  # the {} cluster", member.name()));
        line(&format!(
            "  {enter}target/debug/portolan status --kubeconfig {config} -n {namespace}"
        ));
        line(&format!("  {cluster} get portolan,workloads,deliverables"));
        line(&format!("  {cluster} get events --sort-by=.lastTimestamp"));
        if member.program.is_pods() {
            let of = "-l app.kubernetes.io/part-of=portolan --prefix";
            let kubectl = format!("{enter}{kubectl} --kubeconfig {config}");
            line(&format!("  {kubectl} -n portolan-system logs {of}"));
        } else {
            line(&format!("  less {}", member.program.dir().join("log").display()));
        }
    }
    Ok(())
}

/// The command line, where this program was built.
fn portolan() -> Result<String> {
    Ok(std::env::current_exe()?.with_file_name("portolan").display().to_string())
}

fn repositories(landscape: &Landscape, enter: &str, line: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let (user, password) = landscape.developer();
    let host = landscape.forge.base_url();
    let host = host.trim_start_matches("http://");
    line("  # git: what the programs wrote, and the applications (logins of this demo alone)");
    for repository in [CONFIG, APP, OTHER] {
        let url = format!("http://{user}:{password}@{host}/{TEAM}/{repository}.git");
        line(&format!("  {enter}git clone {url}"));
    }
    line("  # the way of the newest change, in the clone of the configuration, after `git fetch`");
    line(&format!("  {} trace latest", portolan()?));
    Ok(())
}

fn requests(landscape: &Landscape, enter: &str, line: &(dyn Fn(&str) + Sync)) {
    let url = landscape.forge.base_url();
    let url = url.trim_end_matches('/');
    let logins = [Environment::Staging, Environment::Production].map(|environment| {
        let (user, password) = landscape.maintainer(environment.name());
        (user, password, environment.name())
    });
    if enter.is_empty() {
        line("  # the requests, in a browser");
        line(&format!("  {url}/{TEAM}/{CONFIG}/pulls?state=closed"));
        for (user, password, environment) in &logins {
            line(&format!("  {user} / {password}   reviews and merges into {environment}"));
        }
        return;
    }
    line("  # the requests: no browser gets into the demo's network, so by the forge's API;");
    line("  # approve and merge number N");
    let pulls = format!("{url}/api/v1/repos/{TEAM}/{CONFIG}/pulls");
    let (user, password) = landscape.developer();
    line(&format!("  {enter}curl -s -u {user}:{password} '{pulls}?state=open'"));
    for (user, password, _) in &logins {
        let curl = format!("{enter}curl -u {user}:{password} -H 'content-type: application/json'");
        line(&format!("  {curl} {pulls}/N/reviews -d '{{\"event\": \"APPROVED\"}}'"));
        line(&format!("  {curl} {pulls}/N/merge -d '{{\"Do\": \"squash\"}}'"));
    }
}
