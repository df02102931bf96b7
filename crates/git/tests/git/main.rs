//! Everything against a real git server over loopback http.

mod archive;
mod lab;
mod look;
