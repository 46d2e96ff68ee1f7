#![doc = include_str!("../README.md")]

mod args;
mod board;
mod dead_letters;
mod doctor;
mod error;
mod events;
mod feed;
mod import;
mod keyring;
mod keys;
mod migrate;
mod model;
mod output;
mod policies;
mod receipt;
mod reset;
mod rules;
mod samples;
mod serve;
mod services;
mod smoke;
mod status;
mod streams;
mod support_bundle;
mod token;
mod up;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.tell(),
    }
}

fn run(args: args::Args) -> Result<(), error::Error> {
    if let Some(args::Command::Completions { shell }) = &args.command {
        args::print_completions(*shell);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(error::Error::other("the runtime could not be started"))?;
    let result = runtime.block_on(args.dispatch());
    // Nothing that still runs may keep the process: everything that matters has been waited for.
    runtime.shutdown_background();
    result
}
