//! What a check comes to.

use std::fmt;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something that was done or asked for is gone, or does not run.
    Lost,
    /// Something is there more than once.
    Twice,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In which way.
    pub fault: Fault,
    /// What and where.
    pub what: String,
}

/// What a check comes to: what was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Source commits whose way was told.
    pub sources: usize,
    /// Writes of writers, each once.
    pub writes: usize,
    /// Changes of directories in environment branches.
    pub landings: usize,
    /// Requests.
    pub requests: usize,
    /// Objects in clusters.
    pub objects: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether nothing is lost and nothing is there twice.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn lost(&mut self, what: String) {
        self.findings.push(Finding { fault: Fault::Lost, what });
    }

    pub(super) fn twice(&mut self, what: String) {
        self.findings.push(Finding { fault: Fault::Twice, what });
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sources, writes, landings, requests, objects, findings } = self;
        let looked = format!(
            "{sources} source commits, {writes} writes, {landings} changes of environment branches, \
             {requests} requests, {objects} objects in clusters"
        );
        if findings.is_empty() {
            return write!(f, "nothing lost, nothing twice: {looked}");
        }
        write!(f, "{} things are wrong among {looked}", findings.len())?;
        for finding in findings {
            let fault = match finding.fault {
                Fault::Lost => "lost",
                Fault::Twice => "twice",
            };
            write!(f, "\n  {fault}: {}", finding.what)?;
        }
        Ok(())
    }
}
