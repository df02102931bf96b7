//! The native kinds: with them the whole path runs without any other controller.

// The derive of CEL rules makes a private twin of each struct, with its `pub`.
#![allow(unreachable_pub)]

pub mod common;
pub mod git_deployment;
pub mod git_source;
pub mod git_writer;
pub mod reasons;
pub mod source_image;
pub mod verification;

#[cfg(test)]
mod tests;

pub use common::commit_of;
pub use git_deployment::GitDeployment;
pub use git_source::GitSource;
pub use git_writer::GitWriter;
pub use source_image::SourceImage;
pub use verification::Verification;
