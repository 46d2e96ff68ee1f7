//! `liuyan migrate`: brings databases up to date, for whoever does so apart from serving.

use std::path::PathBuf;

use liuyan_kit::config::Sources;

use crate::{error::Error, output, serve, services::Name};

/// What to migrate.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The services.
    #[arg(required = true, value_enum)]
    services: Vec<Name>,
    /// A file with their configuration.
    #[arg(long, env = "LIUYAN_CONFIG")]
    config: Option<PathBuf>,
}

/// Migrates one after the other; stops at the first that fails.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    let sources = Sources::of_machine(options.config);
    let _process = serve::process_of(&options.services, &sources)?;
    for service in options.services {
        if service.keeps() {
            service.migrate(&sources).await?;
            output::line(format_args!("{}: the database is up to date", service.text()));
        } else {
            output::line(format_args!("{}: has no database", service.text()));
        }
    }
    Ok(())
}
