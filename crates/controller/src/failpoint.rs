//! Places where a test build stops, so that a test can kill it with an effect in flight, or change the
//! world and let it go on.
//!
//! `PORTOLAN_FAIL_POINT=<name>` names the place, `<name>@<what>` only where it is about that, and `PORTOLAN_FAIL_POINT_FILE` the file that tells
//! that it was reached, and with what. It goes on once there is a file of that name with `.go` behind it. Without the feature `fail-points` nothing
//! of this is in the program.

#[cfg(not(feature = "fail-points"))]
#[allow(clippy::unused_async, reason = "the same call in both builds")]
pub(crate) async fn hit(_name: &str, _what: &str) {}

#[cfg(not(feature = "fail-points"))]
pub(crate) fn hit_blocking(_name: &str, _what: &str) {}

/// Time between two looks whether it may go on.
#[cfg(feature = "fail-points")]
const LOOK: std::time::Duration = std::time::Duration::from_millis(20);

#[cfg(feature = "fail-points")]
pub(crate) async fn hit(name: &str, what: &str) {
    if is_meant(name, what) {
        gone_on().await;
    }
}

/// The same where nothing can be awaited.
#[cfg(feature = "fail-points")]
pub(crate) fn hit_blocking(name: &str, what: &str) {
    if is_meant(name, what) {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(gone_on()));
    }
}

/// Waits until it may go on.
#[cfg(feature = "fail-points")]
async fn gone_on() {
    let file = std::env::var("PORTOLAN_FAIL_POINT_FILE").unwrap_or_default();
    while file.is_empty() || !std::path::Path::new(&format!("{file}.go")).exists() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether this is the place; tells that it was reached.
#[cfg(feature = "fail-points")]
fn is_meant(name: &str, what: &str) -> bool {
    let Ok(wanted) = std::env::var("PORTOLAN_FAIL_POINT") else { return false };
    let (point, about) = wanted.split_once('@').unwrap_or((&wanted, what));
    if point != name || about != what {
        return false;
    }
    if let Ok(file) = std::env::var("PORTOLAN_FAIL_POINT_FILE") {
        let _ = std::fs::write(file, what);
    }
    true
}
