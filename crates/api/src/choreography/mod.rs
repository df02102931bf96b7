//! The choreography kinds, wire-compatible with Cartographer 0.8 (API reference, sections 1 and 2).

pub mod blueprint;
pub mod deliverable;
pub mod health;
pub mod params;
pub mod runnable;
pub mod selector;
pub mod status;
pub mod template;
pub mod workload;

pub use blueprint::{ClusterDelivery, ClusterSupplyChain};
pub use deliverable::Deliverable;
pub use runnable::Runnable;
pub use template::{
    ClusterConfigTemplate, ClusterDeploymentTemplate, ClusterImageTemplate, ClusterRunTemplate,
    ClusterSourceTemplate, ClusterTemplate,
};
pub use workload::Workload;
