//! Which nodes the demo uses, and going where they can be.

use anyhow::{Result, bail};
use clap::ValueEnum;
use portolan_testbed::landscape::Nodes;
use portolan_testbed::room;

/// What runs pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wanted {
    /// Real ones where this machine has them, else the fake one.
    #[default]
    Auto,
    /// containerd and crun, each cluster in namespaces of its own. Takes root.
    Real,
    /// Nothing: a fake node says that pods run.
    Fake,
}

impl Wanted {
    /// What it comes to on this machine; `say` hears why there are no real nodes.
    pub(crate) fn resolve(self, say: &dyn Fn(&str)) -> Result<Nodes> {
        if room::is_outside() {
            return Ok(Nodes::Real);
        }
        match (self, room::missing()) {
            (Self::Fake, _) => Ok(Nodes::Fake),
            (_, None) => Ok(Nodes::Real),
            (Self::Real, Some(missing)) => bail!("real nodes are not possible here: {missing}"),
            (Self::Auto, Some(missing)) => {
                say(&format!("pods are not run, a fake node says they are: {missing}"));
                Ok(Nodes::Fake)
            }
        }
    }
}

/// Runs this command once more where real nodes can be, if that is not here; its exit code.
pub(crate) fn go_outside(nodes: Nodes) -> Result<Option<i32>> {
    if nodes == Nodes::Fake || room::is_outside() {
        return Ok(None);
    }
    room::enter(std::env::args_os().skip(1)).map(Some)
}
