//! Chance, where many must not do the same thing at the same time. Nothing that is written depends
//! on it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// A number from 0 to 1.
pub(crate) fn jitter() -> f64 {
    f64::from(random()) / f64::from(u32::MAX)
}

/// A number that differs from process to process and from call to call; not for secrets.
pub(crate) fn random() -> u32 {
    let bits = RandomState::new().build_hasher().finish();
    u32::try_from(bits >> 32).unwrap_or_default()
}

/// A time span that is up to a tenth shorter or longer.
pub(crate) fn around(span: Duration) -> Duration {
    span.mul_f64(0.9 + jitter() / 5.0)
}
