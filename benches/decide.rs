//! What a decision costs, by the number of policies.
fn main() {}
