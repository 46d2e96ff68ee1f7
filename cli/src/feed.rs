//! `liuyan feed`: follows the public feed as an agency would, and tells how far that has come.

mod at;
mod check;
mod consume;
mod json;
mod lag;
mod record;
mod restored;
mod sandbox;
mod watch;

use std::path::Path;

use crate::{args::Output, error::Error};

/// What to do with the feed.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows events as they are recorded, until Ctrl-C. Broken streams are resumed where they were.
    #[command(
        after_help = "With --output json each line is a frame: its cursor, its position, and what it tells. With\n--checkpoint the place is stored after each line that brought events; the next start goes on there.\n\nExamples:\n  liuyan feed watch\n  liuyan feed watch --from latest --division 330000 --include-below\n  liuyan feed watch --from snapshot --until-caught-up\n  liuyan feed watch --from 2026-01-01T00:00:00Z --type 'liuyan.routing.v1.case-replied'\n  liuyan feed watch --checkpoint place.json --output json\n  liuyan feed watch --endpoint https://feed.example.org --until-caught-up"
    )]
    Watch(watch::Options),
    /// Follows a subscription, whose place the board keeps.
    #[command(
        after_help = "Each event is printed as a line of JSON, or given to a command on its standard input. What was\nprinted, or what the command did with success, is committed. An event on which the command fails\nis put aside with what it said on standard error; the rest goes on.\n\nThe command finds LIUYAN_EVENT_ID, LIUYAN_EVENT_TYPE, LIUYAN_EVENT_SUBJECT and\nLIUYAN_EVENT_CAUSATION_ID (the request_id of the act behind it, if an office did it) in its environment.\nThe same event may come twice: keep the id with what you do.\n\nExamples:\n  liuyan feed consume --subscription archive --create --from earliest\n  liuyan feed consume --subscription archive --exec './store-event'\n  liuyan feed consume --subscription archive --until-caught-up --output json"
    )]
    Consume(consume::Options),
    /// Tells how far readers are behind; exits 1 if one is too far.
    #[command(
        after_help = "Without --subscription and --checkpoint all subscriptions of the agency are shown. How many seconds\na reader is behind is the age of the oldest event that it has not done; 0 if there is none.\n\nExamples:\n  liuyan feed lag\n  liuyan feed lag --checkpoint place.json --max-lag 1000\n  liuyan feed lag --subscription archive --max-lag-seconds 60 --output json"
    )]
    Lag(lag::Options),
    /// Checks whether a feed keeps what its contract promises; exits 1 if it does not.
    #[command(
        after_help = "Nothing is changed by it, but that --subscriptions makes a subscription and deletes it again.

Examples:
  liuyan feed check
  liuyan feed check --subscriptions --output json
  liuyan feed check --endpoint https://feed.example.org --events 5000"
    )]
    Check(check::Options),
    /// Serves recorded events of a made-up province as a feed, without a board, to try readers on.
    #[command(
        after_help = "GetFeed, ListEvents and WatchEvents are served; subscriptions are not. A file of your own is made by
`liuyan feed record`.

Examples:
  liuyan feed sandbox
  liuyan feed sandbox --every-ms 500
  liuyan feed sandbox --port 0 --file events.jsonl --output json"
    )]
    Sandbox(sandbox::Options),
    /// Begins a new life of the log, after the feed's database was restored from a backup.
    #[command(
        after_help = "For the board's operator: it works on the database itself, before readers come, while feed is stopped or
running. Positions up to the newest event stay what they are; every reader is told FEED_EPOCH_CHANGED with the
nearest cursor, and may see some events twice. The database is that of the board in the data folder, or
else the one that the configuration names, as for `liuyan migrate`.

Examples:
  liuyan feed begin-epoch --config board.toml
  liuyan feed begin-epoch --data-dir /srv/board --output json"
    )]
    BeginEpoch(restored::Options),
    /// Prints the events of a feed as lines of JSON, as `liuyan feed sandbox` reads them.
    Record(record::Options),
}

/// Runs the command.
pub(crate) async fn run(dir: &Path, command: Command, output: Output) -> Result<(), Error> {
    match command {
        Command::Watch(options) => watch::run(dir, options, output).await,
        Command::Consume(options) => consume::run(dir, options, output).await,
        Command::Lag(options) => lag::run(dir, options, output).await,
        Command::Check(options) => check::run(dir, options, output).await,
        Command::Sandbox(options) => sandbox::run(options, output).await,
        Command::Record(options) => record::run(dir, options).await,
        Command::BeginEpoch(options) => restored::run(dir, options, output).await,
    }
}
