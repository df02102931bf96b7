//! Watches and leases against an API server that answers as a test wants, in time that a test sets.

mod leases;
mod requests;
mod server;
mod watches;
