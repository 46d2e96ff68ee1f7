//! `liuyan feed consume`.

use std::{path::Path, process::Stdio};

use liuyan_feed_client::{
    Consume, Feed, Start, What,
    v1::{CreateSubscriptionRequest, Event, create_subscription_request::Start as CreateStart},
};
use prost_types::FieldMask;
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{
    at::{At, Wanted, called, failed, start},
    json,
};
use crate::{args::Output, error::Error, output};

/// How much of what a command said becomes the reason, in bytes.
const SAID: usize = 400;

/// What to consume, and what to do with it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    at: At,
    /// The subscription.
    #[arg(long, value_name = "ID")]
    subscription: String,
    /// Make the subscription if it is not there, with the filter that is given here.
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    wanted: Wanted,
    /// Where a new subscription begins: `earliest`, `latest`, a time, or a cursor.
    #[arg(long, value_name = "PLACE", default_value = "latest", value_parser = start)]
    from: Start,
    /// Give each event to this command, by the shell, on its standard input.
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// For how many events there is room at a time.
    #[arg(long, value_name = "N", default_value_t = 100)]
    credit: u32,
    /// Stop after so many events.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Stop at the newest event.
    #[arg(long)]
    until_caught_up: bool,
}

/// Consumes events until it is told to stop. Exits 1 if events were put aside.
pub(crate) async fn run(dir: &Path, options: Options, output: Output) -> Result<(), Error> {
    let feed = options.at.feed_of_agency(dir)?;
    feed.get().await.map_err(failed)?;
    if options.create {
        create(&feed, &options).await?;
    }
    // With room for no more events than are wanted, none comes that would not be done.
    let room = options.limit.map_or(u32::MAX, |limit| u32::try_from(limit).unwrap_or(u32::MAX));
    let consume =
        Consume { credit: options.credit.min(room), ..Consume::new(&options.subscription) };
    let mut consumer = feed.consume(consume);
    let (mut done, mut parked) = (0, 0);
    loop {
        let step = consumer.next().await.map_err(failed)?;
        for event in step.events() {
            if options.limit == Some(done + parked) {
                // Left for the next time: without a commit it comes again.
                return finish(done, parked, &options, output);
            }
            match handle(event, options.exec.as_deref()).await? {
                Ok(()) => done += 1,
                Err(why) => {
                    parked += 1;
                    consumer.reject(&event.id, &why).await;
                }
            }
        }
        if !step.events().is_empty() {
            consumer.commit().await.map_err(failed)?;
        }
        let caught_up = options.until_caught_up && matches!(step.what, What::CaughtUp);
        if caught_up || options.limit == Some(done + parked) {
            // Also what the filter did not choose is done: the next time begins behind it.
            if step.events().is_empty() {
                consumer.commit().await.map_err(failed)?;
            }
            return finish(done, parked, &options, output);
        }
    }
}

fn finish(done: usize, parked: usize, options: &Options, output: Output) -> Result<(), Error> {
    if options.exec.is_some() {
        match output {
            Output::Json => {
                output::json(&serde_json::json!({ "done": done, "parked": parked }));
            }
            Output::Text => output::line(format_args!("{done} done, {parked} put aside")),
        }
    }
    match parked {
        0 => Ok(()),
        parked => Err(Error::Check(format!("{parked} events were put aside"))),
    }
}

async fn create(feed: &Feed, options: &Options) -> Result<(), Error> {
    let start = match options.from.clone() {
        Start::Cursor(cursor) => CreateStart::Cursor(cursor),
        Start::StartTime(time) => CreateStart::StartTime(time),
        Start::Earliest(it) => CreateStart::Earliest(it),
        _ => CreateStart::Latest(true),
    };
    let fields = &options.wanted.fields;
    let request = CreateSubscriptionRequest {
        subscription_id: options.subscription.clone(),
        title: String::new(),
        filter: options.wanted.filter(),
        read_mask: (!fields.is_empty()).then(|| FieldMask { paths: fields.clone() }),
        start: Some(start),
    };
    let request = feed.request(request).await.map_err(failed)?;
    let mut client = feed.client().await.map_err(failed)?;
    match client.create_subscription(request).await {
        // It is there with another filter: what is there goes on.
        Err(status) if status.code() == tonic::Code::AlreadyExists => Ok(()),
        answer => answer.map(drop).map_err(called),
    }
}

/// Prints an event or gives it to the command; the inner error is why it could not be done.
async fn handle(event: &Event, exec: Option<&str>) -> Result<Result<(), String>, Error> {
    let json = json::of("Event", event)?;
    match exec {
        Some(command) => execute(command, event, &json).await.map(|failed| match failed {
            None => Ok(()),
            Some(why) => Err(why),
        }),
        None => {
            output::json(&json);
            Ok(Ok(()))
        }
    }
}

/// Runs the command; why it failed, if it did.
async fn execute(command: &str, event: &Event, json: &Value) -> Result<Option<String>, Error> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .env("LIUYAN_EVENT_ID", &event.id)
        .env("LIUYAN_EVENT_TYPE", &event.r#type)
        .env("LIUYAN_EVENT_SUBJECT", &event.subject)
        .env("LIUYAN_EVENT_CAUSATION_ID", &event.causation_id)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Error::other("the shell cannot be run"))?;
    let stdin = child.stdin.take();
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input is none the worse for it.
            let _ = stdin.write_all(format!("{json}\n").as_bytes()).await;
        }
    };
    let ((), ended) = tokio::join!(write, child.wait_with_output());
    let ended = ended.map_err(Error::other("the command was lost"))?;
    if ended.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let mut from = said.len().saturating_sub(SAID);
    while !said.is_char_boundary(from) {
        from += 1;
    }
    let said = said.get(from..).unwrap_or_default().trim();
    Ok(Some(format!("{}: {said}", ended.status)))
}
