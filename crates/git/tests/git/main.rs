//! Everything against a real git server over loopback http.

mod lab;
mod look;
