//! The kinds of `carto.run/v1alpha1`: types, defaults, CEL rules, condition types and reasons.
//!
//! `choreography` holds the eleven kinds that are wire-compatible with Cartographer 0.8, `native`
//! the five kinds with which the whole path runs without any other controller, `record` the file
//! by which a commit tells where its content came from.
//!
//! **Invariant:** nothing here talks to anything: no client, file, clock or environment.

#![allow(clippy::duplicated_attributes, reason = "each printcolumn has a type_ of its own")]

pub mod address;
pub mod choreography;
pub mod condition;
pub mod crd;
pub mod digest;
pub mod labels;
pub mod native;
pub mod record;
mod schema;
pub mod span;

/// API group of every kind of this crate.
pub const GROUP: &str = "carto.run";
/// The one served and stored version.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of every kind of this crate.
pub const API_VERSION: &str = "carto.run/v1alpha1";
