//! Disturbances of the demo: controllers killed, the forge and API servers away, at moments drawn from a
//! seed.
//!
//! [`draw`] is pure: a seed means the same disturbances each time, each a while after a hop of the story.

mod disturb;
mod draw;

pub use disturb::disturb;
pub use draw::{Disturbance, Kind, draw};
