//! Decisions of a Verification.
