//! `liuyan feed begin-epoch`: after a restore of the feed's database.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use liuyan_kit::{
    clock::{Clock as _, SystemClock},
    config::{Secret, Sources},
    db::{self, Db},
};
use serde_json::json;

use crate::{args::Output, board::Board, error::Error, output, services::Name};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose log begins a new life.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A file with the configuration of feed, as for `liuyan migrate`.
    #[arg(long, env = "LIUYAN_CONFIG")]
    config: Option<PathBuf>,
}

/// Begins a new life of the log at its end.
pub(crate) async fn run(dir: &Path, options: Options, output: Output) -> Result<(), Error> {
    let address = address(dir, options.config)?;
    let limits = db::Limits { connections: 1, acquire: PATIENCE, ..db::Limits::default() };
    let db = Db::connect(address.expose(), "begin-epoch", &limits).await;
    let db = db.map_err(|error| Error::Unreachable(format!("the feed's database: {error}")))?;
    let begun = begin(&db).await;
    db.close().await;
    let head = begun?;
    match output {
        Output::Json => output::json(&json!({ "epoch": head.epoch, "position": head.position })),
        Output::Text => output::line(format_args!(
            "the log begins the life {} after position {}; readers are told, and resume at the nearest cursor",
            head.epoch, head.position
        )),
    }
    Ok(())
}

async fn begin(db: &Db) -> Result<liuyan_feed::domain::Head, Error> {
    let migrated = db.check_migrated(Name::Feed.migrator()).await;
    migrated.map_err(|error| Error::Usage(format!("the feed's database: {error}")))?;
    liuyan_feed::app::begin_epoch(db, SystemClock.now())
        .await
        .map_err(Error::other("no new life of the log was begun"))
}

/// The database that the configuration names; without one that of the board in the data folder, if there is one.
fn address(dir: &Path, config: Option<PathBuf>) -> Result<Secret, Error> {
    if config.is_none()
        && let Ok(board) = Board::find(dir)
        && let Some(address) = board.postgres.get(Name::Feed.text())
    {
        return Ok(address.as_str().into());
    }
    let configured = Name::Feed.configured(&Sources::of_machine(config))?;
    configured.database.address().map_err(|error| Error::Usage(error.to_string()))
}
