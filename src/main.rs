//! The `pgchaos` program.
fn main() {}
