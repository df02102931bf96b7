//! The build cluster's program: arguments and wiring.

fn main() {}
