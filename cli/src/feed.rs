//! `liuyan feed`: follows the public feed as an agency would, and tells how far that has come.

mod at;
mod consume;
mod json;
mod lag;
mod watch;

use std::path::Path;

use crate::{args::Output, error::Error};

/// What to do with the feed.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows events as they are recorded, until Ctrl-C. Broken streams are resumed where they were.
    #[command(
        after_help = "With --output json each line is a frame: its cursor, its position, and what it tells. With\n--checkpoint the place is stored after each line that brought events; the next start goes on there.\n\nExamples:\n  liuyan feed watch\n  liuyan feed watch --from latest --division 330000 --include-below\n  liuyan feed watch --from 2026-01-01T00:00:00Z --type 'liuyan.routing.v1.case-replied'\n  liuyan feed watch --checkpoint place.json --output json\n  liuyan feed watch --endpoint https://feed.example.org --until-caught-up"
    )]
    Watch(watch::Options),
    /// Follows a subscription, whose place the board keeps.
    #[command(
        after_help = "Each event is printed as a line of JSON, or given to a command on its standard input. What was\nprinted, or what the command did with success, is committed. An event on which the command fails\nis put aside with what it said on standard error; the rest goes on.\n\nThe command finds LIUYAN_EVENT_ID, LIUYAN_EVENT_TYPE and LIUYAN_EVENT_SUBJECT in its environment.\nThe same event may come twice: keep the id with what you do.\n\nExamples:\n  liuyan feed consume --subscription archive --create --from earliest\n  liuyan feed consume --subscription archive --exec './store-event'\n  liuyan feed consume --subscription archive --until-caught-up --output json"
    )]
    Consume(consume::Options),
    /// Tells how far readers are behind; exits 1 if one is too far.
    #[command(
        after_help = "Without --subscription and --checkpoint all subscriptions of the agency are shown. How many seconds\na reader is behind is the age of the oldest event that it has not done; 0 if there is none.\n\nExamples:\n  liuyan feed lag\n  liuyan feed lag --checkpoint place.json --max-lag 1000\n  liuyan feed lag --subscription archive --max-lag-seconds 60 --output json"
    )]
    Lag(lag::Options),
}

/// Runs the command.
pub(crate) async fn run(dir: &Path, command: Command, output: Output) -> Result<(), Error> {
    match command {
        Command::Watch(options) => watch::run(dir, options, output).await,
        Command::Consume(options) => consume::run(dir, options, output).await,
        Command::Lag(options) => lag::run(dir, options, output).await,
    }
}
