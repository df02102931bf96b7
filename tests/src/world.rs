//! One landscape for all tests of a test program, and the words they look at it with.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use portolan_testbed::landscape::{Landscape, Plan};
use portolan_testbed::story::{Journey, follow};
pub use portolan_testbed::story::{condition, ready};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// Longest time anything may take on a busy machine; it only ends what would hang.
pub const DEADLINE: Duration = Duration::from_mins(3);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime starts"));
static LANDSCAPE: OnceCell<Landscape> = OnceCell::const_new();

/// Runs a test in the runtime that all tests of the program share: connections live in it.
pub fn run(test: impl Future<Output = Result<()>>) {
    RUNTIME.block_on(test).expect("the test comes to its end");
}

/// The landscape that the tests of this program share.
pub async fn landscape() -> &'static Landscape {
    let start = || Landscape::start(Plan::default(), &|_| {});
    LANDSCAPE.get_or_try_init(start).await.expect("the landscape starts")
}

/// Pushes a version of the example's application and follows it until it arrives.
pub async fn travel(landscape: &Landscape, version: u32) -> Result<Journey> {
    let pushed = Instant::now();
    let page = format!("<p>version {version}</p>\n");
    let files = [("site/index.html", Some(page.as_bytes()))];
    let source = landscape.push_source(&files, &format!("version {version}")).await?;
    let journey = follow(landscape, &source, pushed, &|_| {}).await?;
    ensure!(journey.arrived(), "the change did not arrive: {journey:?}");
    Ok(journey)
}
