//! The demo: a change travels from source to a promoted branch, three times, and the third stops.
//!
//! [`run`] tells the story with a person watching; its parts are what the end-to-end test asserts on.

mod hop;
mod journey;
mod picture;
mod told;

pub use hop::{Hop, Place};
pub use journey::{Journey, follow};
pub use picture::picture;
pub use told::{Show, Story, run};
