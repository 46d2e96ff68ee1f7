//! Routing as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    liuyan_kit::main::<liuyan_routing::Routing>()
}
