//! `liuyan events`: what the services say to each other.

use futures::{StreamExt as _, stream::SelectAll};
use liuyan_kit::{
    config,
    messaging::{Bus, Envelope},
};
use liuyan_proto::{DESCRIPTORS, event::EventType, topology};
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};

use crate::{args::Output, board::Board, error::Error, output};

mod replay;

/// What to do with events.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows events as they are said, until Ctrl-C.
    #[command(
        after_help = "Examples:\n  liuyan events tail\n  liuyan events tail intake routing --from-start --output json"
    )]
    Tail {
        /// The services to listen to; all if none is named.
        services: Vec<String>,
        /// Begin with the oldest event that the bus still holds.
        #[arg(long)]
        from_start: bool,
        /// Stop after so many events.
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Reads what was said from the outboxes and their archives; prints it, or says it again.
    #[command(
        after_help = "A DATE is a day (2026-10-01, from its midnight in UTC) or a moment\n(2026-10-01T08:00:00Z). What is said again takes effect only where it has not yet.\n\nExamples:\n  liuyan events replay --service intake --from 2026-10-01 --output json\n  liuyan events replay --subject 01990000-0000-7000-8000-000000000000\n  liuyan events replay --service routing --from 2026-10-01 --until 2026-11-01 --to-bus\n\nExit codes: 0 done, 1 an archive is damaged, 2 wrong usage, 3 the system cannot be reached."
    )]
    Replay(replay::Options),
}

/// Runs the command.
pub(crate) async fn run(board: &Board, command: Command, output: Output) -> Result<(), Error> {
    match command {
        Command::Tail { services, from_start, limit } => {
            tail(board, &services, from_start, limit, output).await
        }
        Command::Replay(options) => replay::run(board, options, output).await,
    }
}

async fn tail(
    board: &Board,
    services: &[String],
    from_start: bool,
    limit: Option<usize>,
    output: Output,
) -> Result<(), Error> {
    let bus = bus(board).await?;
    let pool = DescriptorPool::decode(DESCRIPTORS).map_err(Error::other("the contracts"))?;
    let mut streams = SelectAll::new();
    for service in chosen(services)? {
        let stream = bus
            .tail(service, from_start)
            .await
            .map_err(|error| Error::Unreachable(format!("the stream of {service}: {error}")))?;
        streams.push(stream.map(move |delivery| (service, delivery)).boxed());
    }
    let mut shown = 0;
    while limit.is_none_or(|limit| shown < limit) {
        let Some((service, delivery)) = streams.next().await else { break };
        let delivery = delivery.map_err(|error| Error::Unreachable(format!("the bus: {error}")))?;
        match delivery.envelopes() {
            Ok(envelopes) => {
                let left = limit.map_or(usize::MAX, |limit| limit - shown);
                for envelope in envelopes.iter().take(left) {
                    show(&pool, service, envelope, output);
                    shown += 1;
                }
            }
            Err(error) => {
                output::line(format_args!("{service}: a message that is no event: {error}"));
                shown += 1;
            }
        }
    }
    Ok(())
}

/// The named ones of the services that say anything; all if none is named.
fn chosen(services: &[String]) -> Result<Vec<&'static str>, Error> {
    let known = speaking();
    if let Some(wrong) = services.iter().find(|service| !known.contains(&service.as_str())) {
        return Err(Error::Usage(format!(
            "no service {wrong} says anything; there are {}",
            known.join(", ")
        )));
    }
    let named = |service: &&str| services.is_empty() || services.iter().any(|it| it == service);
    Ok(known.into_iter().filter(named).collect())
}

async fn bus(board: &Board) -> Result<Bus, Error> {
    let settings = config::Nats { url: board.nats.as_str().into(), ..config::Nats::default() };
    Bus::connect(&settings, "operator").await.map_err(Error::other("the bus cannot be used"))
}

/// The services that say anything.
pub(crate) fn speaking() -> Vec<&'static str> {
    topology::CARDS
        .iter()
        .map(|card| card.name)
        .filter(|name| liuyan_proto::event::EVENTS.iter().any(|event| event.source == *name))
        .collect()
}

/// The body of an event as JSON; its bytes in hexadecimal if its type is not known here.
pub(crate) fn decoded(pool: &DescriptorPool, kind: &str, payload: &[u8]) -> Value {
    EventType::named(kind)
        .and_then(|event| pool.get_message_by_name(event.message))
        .and_then(|descriptor| DynamicMessage::decode(descriptor, payload).ok())
        .and_then(|message| serde_json::to_value(message).ok())
        .unwrap_or_else(|| Value::String(hex::encode(payload)))
}

fn show(pool: &DescriptorPool, service: &str, envelope: &Envelope, output: Output) {
    let data = decoded(pool, &envelope.kind, &envelope.payload);
    match output {
        Output::Json => output::json(&json!({
            "id": envelope.event_id,
            "source": service,
            "type": envelope.kind,
            "subject": envelope.subject_id,
            "version": envelope.version,
            "time": envelope.at,
            "data": data,
        })),
        Output::Text => output::line(format_args!(
            "{}  {:<44} {}#{}  {data}",
            envelope.at, envelope.kind, envelope.subject_id, envelope.version
        )),
    }
}
