//! Chance, where many must not do the same thing at the same time. Nothing that is written depends
//! on it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// A number from 0 to 1.
pub(crate) fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

/// A time span that is up to a tenth shorter or longer.
pub(crate) fn around(span: Duration) -> Duration {
    span.mul_f64(0.9 + jitter() / 5.0)
}
