//! Real API servers, git servers and registries for tests and the demo; builders; fault injection.
//!
//! Every server is started by the test that needs it, on free loopback ports and in a scratch folder, and ends with that
//! test however it ends. Servers that are Go programs are built once and cached (`portolan-testbed build`). A test that
//! cannot have its server fails and says what to install; nothing is skipped.

pub mod audit;
pub mod chaos;
pub mod checker;
pub mod control_plane;
pub mod forge;
pub mod git_server;
pub mod guard;
pub mod image;
pub mod landscape;
pub mod manifests;
pub mod pki;
pub mod ports;
pub mod process;
pub mod programs;
pub mod registry;
pub mod room;
mod scratch;
pub mod story;
pub mod tools;
pub mod wait;

pub use audit::{AuditEntry, AuditLog, Mark, Writes};
pub use control_plane::{ControlPlane, Options, RealNode};
pub use forge::{Forge, Login};
pub use git_server::{Fault, GitServer, How};
pub use process::Process;
pub use registry::Registry;
pub use tools::{git, kubectl, output};

#[cfg(test)]
mod tests {
    /// Tests may share a server in a static or move it into a task.
    #[test]
    fn servers_can_be_shared() {
        fn shared<T: Send + Sync>() {}
        shared::<super::ControlPlane>();
        shared::<super::Forge>();
        shared::<super::GitServer>();
        shared::<super::Registry>();
        shared::<super::Process>();
    }
}
