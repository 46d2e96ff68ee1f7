//! `liuyan events replay`: everything that was said, from outboxes and archives.

use std::pin::pin;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use liuyan_kit::{
    clock::{Clock as _, SystemClock},
    db::{Db, Limits},
    messaging::{
        Bus, Envelope,
        archive::{self, History, Range, format::Said},
    },
};
use liuyan_proto::DESCRIPTORS;
use prost_reflect::DescriptorPool;
use serde_json::json;
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use super::{bus, chosen, show};
use crate::{
    args::{self, Output},
    board::Board,
    error::Error,
    output,
};

/// Events that go to the bus at a time.
const BATCH: usize = 512;
/// How often events are sent whose outcome is unknown.
const ATTEMPTS: u32 = 10;
/// The wait in between.
const PAUSE: Duration = Duration::from_millis(500);
/// The last moment that an event's id can tell of, to the day.
const END: Timestamp = Timestamp::MAX;

/// Which events, and what to do with them.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only what this service said; can be given several times.
    #[arg(long = "service", value_name = "S")]
    services: Vec<String>,
    /// Only what was said from then on.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only what was said before then.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only what is about this.
    #[arg(long, value_name = "ID", value_parser = args::uuid)]
    subject: Option<Uuid>,
    /// Say it again on the bus instead of printing it. What the outbox has not said yet is left to the relay.
    #[arg(long)]
    to_bus: bool,
}

pub(super) async fn run(board: &Board, options: Options, output: Output) -> Result<(), Error> {
    let range = Range {
        from: options.from.unwrap_or(Timestamp::UNIX_EPOCH),
        until: options.until.unwrap_or(END),
        subject: options.subject,
    };
    if range.from >= range.until {
        return Err(Error::Usage("--from must be before --until".to_owned()));
    }
    let services = chosen(&options.services)?;
    let mut replay = if options.to_bus {
        // A message id that no publication had, or the bus takes it for one of those.
        let attempt = (SystemClock.now().as_second() & i64::from(i32::MAX)) as i32;
        Replay::Say { bus: Box::new(bus(board).await?), attempt, waiting: Vec::new(), said: 0 }
    } else {
        let pool = DescriptorPool::decode(DESCRIPTORS).map_err(Error::other("the contracts"))?;
        Replay::Print { pool, output }
    };
    for service in services {
        let url = board.address(service)?;
        let limits = Limits { connections: 3, ..Limits::default() };
        let db = Db::connect(url, "operator", &limits).await.map_err(|error| {
            Error::Unreachable(format!("the database of {service} does not answer: {error}"))
        })?;
        let history = History { db, objects: Some(board.objects(service)?) };
        let mut events = pin!(history.events(range));
        while let Some(event) = events.try_next().await.map_err(|error| told(service, &error))? {
            replay.take(service, event).await?;
        }
        replay.flush(service).await?;
    }
    if let Replay::Say { said, .. } = replay {
        match output {
            Output::Json => output::json(&json!({ "said_again": said })),
            Output::Text => output::line(format_args!("{said} events were said again")),
        }
    }
    Ok(())
}

/// What is done with each event.
enum Replay {
    Print { pool: DescriptorPool, output: Output },
    Say { bus: Box<Bus>, attempt: i32, waiting: Vec<(Envelope, i32)>, said: usize },
}

impl Replay {
    async fn take(&mut self, service: &str, event: Said) -> Result<(), Error> {
        let full = match self {
            Self::Print { pool, output } => {
                show(pool, service, &event.envelope(), *output);
                false
            }
            Self::Say { waiting, attempt, .. } => {
                if !event.waits {
                    waiting.push((event.envelope(), *attempt));
                }
                waiting.len() >= BATCH
            }
        };
        if full { self.flush(service).await } else { Ok(()) }
    }

    /// Sends what waits, until the bus has all of it.
    async fn flush(&mut self, service: &str) -> Result<(), Error> {
        let Self::Say { bus, waiting, said, .. } = self else { return Ok(()) };
        for _ in 0..ATTEMPTS {
            if waiting.is_empty() {
                return Ok(());
            }
            let outcomes = bus.publish(service, waiting).await;
            let before = waiting.len();
            let mut outcomes = outcomes.into_iter();
            waiting.retain(|_| outcomes.next().flatten().is_none());
            *said += before - waiting.len();
            if !waiting.is_empty() {
                sleep(PAUSE).await;
            }
        }
        Err(Error::Unreachable(format!(
            "the bus did not take {} events of {service}; {said} were said again",
            waiting.len()
        )))
    }
}

fn told(service: &str, error: &archive::Error) -> Error {
    match error {
        archive::Error::Damaged { .. }
        | archive::Error::Objects(liuyan_kit::objects::Error::NotFound(_)) => {
            Error::Check(format!("{service}: {error}"))
        }
        archive::Error::Changed(_) => Error::Check(format!(
            "{service}: a day was archived or came back meanwhile; run the command again"
        )),
        error => Error::Unreachable(format!("{service}: {error}")),
    }
}

/// A day, from its beginning in UTC, or a moment.
fn moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{text} is no day (2026-10-01) and no moment (2026-10-01T08:00:00Z)");
    let midnight = || format!("{text}T00:00:00Z").parse();
    text.parse().or_else(|_| midnight()).map_err(|_: jiff::Error| wrong())
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_date_is_a_day_or_a_moment() {
        let told = |text| moment(text).map(|moment| moment.to_string());
        assert_eq!(told("2026-10-01").as_deref(), Ok("2026-10-01T00:00:00Z"));
        assert_eq!(told("2026-10-01T08:00:00+08:00").as_deref(), Ok("2026-10-01T00:00:00Z"));
        assert!(told("yesterday").is_err_and(|error| error.contains("no day")));
    }
}
