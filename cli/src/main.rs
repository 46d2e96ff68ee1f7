//! liuyan
fn main() {}
