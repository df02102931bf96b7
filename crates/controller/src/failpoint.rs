//! Places where a test build stops for good, so that a test can kill it with an effect in flight.
//!
//! `PORTOLAN_FAIL_POINT=<name>` names the place, `<name>@<what>` only where it is about that, and `PORTOLAN_FAIL_POINT_FILE` the file that tells
//! that it was reached, and with what. Without the feature `fail-points` nothing of this is in the program.

#[cfg(not(feature = "fail-points"))]
#[allow(clippy::unused_async, reason = "the same call in both builds")]
pub(crate) async fn hit(_name: &str, _what: &str) {}

#[cfg(feature = "fail-points")]
pub(crate) async fn hit(name: &str, what: &str) {
    let Ok(wanted) = std::env::var("PORTOLAN_FAIL_POINT") else { return };
    let (point, about) = wanted.split_once('@').unwrap_or((&wanted, what));
    if point != name || about != what {
        return;
    }
    if let Ok(file) = std::env::var("PORTOLAN_FAIL_POINT_FILE") {
        let _ = std::fs::write(file, what);
    }
    std::future::pending::<()>().await;
}
