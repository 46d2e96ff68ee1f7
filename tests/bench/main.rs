//! The promises of speed, measured: `just bench SUBJECT`.
//!
//! Every figure is a ratio to a baseline that runs in the same minute, on the same machine and the
//! same server; the two take turns, and what counts is the median of the rounds. What is stored is
//! durable (`fsync` and `synchronous_commit` are on). The load comes from processes of its own, so
//! that its share of the processor can be told.

mod feed;
mod ground;
mod hotspots;
mod intake;
mod load;
mod message;
mod moderation;
mod pgbench;
mod real;
mod replies;
mod report;
mod routing;
mod suggest;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures what is promised of the board's speed.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    subject: Subject,
    /// As a table, or one line of JSON a row.
    #[arg(long, value_enum, default_value_t = Output::Text, global = true)]
    output: Output,
    /// Given by cargo.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

/// How the rows are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table.
    Text,
    /// JSON, one line a row.
    Json,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// Messages taken in: P1, P1b, P2 and P4.
    Intake(intake::Options),
    /// What moderation's rules find, and how fast: P11.
    Moderation(moderation::Options),
    /// Route suggestion on real messages: P10.
    Suggest(suggest::Options),
    /// Search and lists among many messages: P9.
    Routing(routing::Options),
    /// Hot problems of real messages, beside what people found.
    Hotspots(hotspots::Options),
    /// How fast and how soon readers of the feed are told: P5 and P6.
    Feed(feed::Options),
    /// What stops a reply, on real ones.
    Replies(replies::Options),
    /// The service as a process of its own.
    #[command(hide = true)]
    Service {
        /// Its configuration.
        config: std::path::PathBuf,
    },
    /// The feed as a process of its own.
    #[command(hide = true)]
    FeedService {
        /// Its configuration.
        config: std::path::PathBuf,
    },
    /// The stream that the feed is compared with, as a process of its own.
    #[command(hide = true)]
    PlainStream(feed::PlainOptions),
    /// The load as a process of its own.
    #[command(hide = true)]
    Load(load::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Subject::Service { config } = arguments.subject {
        let words = ["intake".into(), "--config".into(), config.into(), "serve".into()];
        return liuyan_kit::service::main_with::<liuyan_intake::Intake>(words);
    }
    if let Subject::FeedService { config } = arguments.subject {
        let words = ["feed".into(), "--config".into(), config.into(), "serve".into()];
        return liuyan_kit::service::main_with::<liuyan_feed::Feed>(words);
    }
    let mut runtime = match arguments.subject {
        // To wake another thread costs more than what there is to do for a call.
        Subject::Load(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(async {
        match arguments.subject {
            Subject::Intake(options) => intake::run(options).await,
            Subject::Moderation(options) => moderation::run(options).await,
            Subject::Suggest(options) => suggest::run(&options),
            Subject::Routing(options) => routing::run(options).await,
            Subject::Hotspots(options) => hotspots::run(&options),
            Subject::Replies(options) => replies::run(&options),
            Subject::Load(options) => load::run(options).await.map(|()| Vec::new()),
            Subject::Feed(options) => feed::run(options).await,
            Subject::PlainStream(options) => feed::serve_plain(options).await.map(|()| Vec::new()),
            Subject::Service { .. } | Subject::FeedService { .. } => Ok(Vec::new()),
        }
    });
    match done {
        Ok(rows) => {
            report::tell(&rows, arguments.output);
            if rows.iter().all(|row| row.holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => failed(&error),
    }
}

#[expect(clippy::print_stderr, reason = "a program tells why it failed")]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("bench: {error:#}");
    ExitCode::from(3)
}
