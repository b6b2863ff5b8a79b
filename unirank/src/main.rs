//! The unirank command.
fn main() {}
