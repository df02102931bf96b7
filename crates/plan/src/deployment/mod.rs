//! Decisions of a GitDeployment.
