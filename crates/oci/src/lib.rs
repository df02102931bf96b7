//! Assembles images from files, reproducibly, and pushes them to a registry: no Docker, no daemon.
//!
//! The way of an image: [`Archive::open`] reads what a source archive holds, [`Archive::pack`] makes one [`Layer`] per
//! [`LayerRule`], [`Registry::pull_base`] fetches what is to be known of a base image, [`Image::assemble`] puts them
//! together, and [`Registry::push`] sends what the registry does not have yet.
//!
//! **Invariants:** Same inputs, same bytes, on any machine: no clock, no chance, no environment. Nothing of a source archive
//! or of a base image's layers is ever written to disk. Every answer of a server is bounded in bytes and time. A secret
//! goes to the registry it is for and to that registry's token service, and never into a message.

mod archive;
mod credential;
mod digest;
mod docker_config;
mod error;
mod image;
mod layer;
mod layout;
mod platform;
mod reference;
mod registry;
mod text;

pub use archive::{Archive, Limits};
pub use credential::Credential;
pub use digest::Digest;
pub use error::{Class, Error};
pub use image::{BaseImage, Blob, Descriptor, Image, ImageConfig, ImageSpec};
pub use layer::{Layer, LayerFile, LayerRule};
pub use platform::Platform;
pub use reference::{Reference, Repository};
pub use registry::{Options, Receipt, Registry};
