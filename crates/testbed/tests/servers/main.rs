//! Starts every kind of server for real. One program, so that the slow dependencies are linked once.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod audit;
mod checker;
mod control_plane;
mod forge;
mod git_server;
mod guard;
mod real_node;
mod registry;
