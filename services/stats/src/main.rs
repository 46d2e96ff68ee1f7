//! The service as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    liuyan_kit::service::main::<liuyan_stats::Stats>()
}
