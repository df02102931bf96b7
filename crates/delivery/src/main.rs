//! The staging and production clusters' program: arguments and wiring.

fn main() {}
