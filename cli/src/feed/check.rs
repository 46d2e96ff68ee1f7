//! `liuyan feed check`: whether a feed keeps what its contract promises, seen as an agency sees it.

mod errors;
mod json;
mod pages;
mod streams;
mod subscriptions;

use std::{path::Path, time::Duration};

use liuyan_feed_client::{
    Feed, Refusal,
    v1::{Event, GetFeedResponse, ListEventsRequest, ListEventsResponse},
};
use serde::Serialize;
use tokio::time::{Instant, timeout};
use tonic::{Code, Status};

use super::at::{At, failed};
use crate::{args::Output, error::Error, output};

/// How long one check may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Which feed, and how much of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    at: At,
    /// How many of the oldest events are looked at.
    #[arg(long, value_name = "N", default_value_t = 500)]
    events: usize,
    /// The address of the board's pages, to check events as JSON; that of the board in the data folder, if the feed
    /// is that one's.
    #[arg(long, env = "LIUYAN_HTTP", value_name = "URL")]
    http: Option<String>,
    /// Also check subscriptions, with one that is made for it and deleted; needs an agency.
    #[arg(long)]
    subscriptions: bool,
}

/// What came of one check.
#[derive(Debug, Serialize)]
struct Row {
    check: &'static str,
    result: &'static str,
    detail: String,
    milliseconds: u64,
}

/// Why a check did not pass.
#[derive(Debug)]
enum Flaw {
    /// The contract is broken.
    Breach(String),
    /// It could not be tried here.
    Skip(String),
}

/// What a check found: something worth telling, or a flaw.
type Found = Result<String, Flaw>;

/// What checks work with.
struct Ground {
    feed: Feed,
    about: GetFeedResponse,
    /// The oldest events, and the cursor after each page of them.
    events: Vec<Event>,
    pages: Vec<ListEventsResponse>,
}

/// Walks the contract.
pub(crate) async fn run(dir: &Path, options: Options, output: Output) -> Result<(), Error> {
    let feed = match options.subscriptions {
        true => options.at.feed_of_agency(dir)?,
        false => options.at.feed(dir)?,
    };
    let about = feed.get().await.map_err(failed)?;
    let mut ground = Ground { feed, about, events: Vec::new(), pages: Vec::new() };
    let mut rows = Vec::new();
    let read = ground.read(options.events);
    rows.push(timed("pages are read to their end", read).await);
    let it = &ground;
    rows.push(timed("the feed tells of itself", pages::about(it)).await);
    rows.push(timed("positions rise", pages::positions(it)).await);
    rows.push(timed("each case counts its events without a gap", pages::revisions(it)).await);
    rows.push(timed("no id comes twice", pages::ids(it)).await);
    rows.push(timed("recording times rise", pages::times(it)).await);
    rows.push(timed("cursors resume in pages", pages::resume(it)).await);
    rows.push(timed("a mask leaves what it names", pages::mask(it)).await);
    rows.push(timed("a filter chooses what fits", pages::filter(it)).await);
    rows.push(timed("a malformed cursor is told", errors::cursor(it)).await);
    rows.push(timed("an unknown type is told", errors::event_type(it)).await);
    rows.push(timed("an unknown field is told", errors::field(it)).await);
    rows.push(timed("every fault is told at once", errors::together(it)).await);
    rows.push(timed("the stream gives what the pages give", streams::same(it)).await);
    rows.push(timed("cursors resume in streams", streams::resume(it)).await);
    rows.push(timed("a stream begins at a time", streams::time(it)).await);
    rows.push(timed("a stream that is open tells of it", streams::opened(it)).await);
    rows.push(timed("a snapshot gives each case once", streams::snapshot(it)).await);
    rows.push(timed("an event is found by its id", json::by_id(it)).await);
    let nobody = options.at.feed_of_nobody(dir)?;
    rows.push(timed("nobody is shown what is restricted", json::restricted(it, &nobody)).await);
    if let Some(http) = options.at.http(dir, options.http.as_deref()) {
        rows.push(timed("an event is the same JSON everywhere", json::canonical(it, &http)).await);
    }
    rows.push(timed("heartbeats come with fresh cursors", streams::heartbeat(it)).await);
    if options.subscriptions {
        rows.extend(subscriptions::all(it).await);
    }
    let header = ["Check", "Result", "What was seen", "ms"];
    output::rows(output, &header, &rows, |row| {
        let Row { check, result, detail, milliseconds } = row;
        vec![(*check).to_owned(), (*result).to_owned(), detail.clone(), milliseconds.to_string()]
    });
    match rows.iter().filter(|row| row.result == "failed").count() {
        0 => Ok(()),
        broken => Err(Error::Check(format!("{broken} of {} checks failed", rows.len()))),
    }
}

/// Runs one check.
async fn timed(check: &'static str, found: impl Future<Output = Found>) -> Row {
    let began = Instant::now();
    let late = || Err(Flaw::Breach(format!("no answer within {} s", LIMIT.as_secs())));
    let found = timeout(LIMIT, found).await.unwrap_or_else(|_| late());
    let (result, detail) = match found {
        Ok(detail) => ("passed", detail),
        Err(Flaw::Breach(why)) => ("failed", why),
        Err(Flaw::Skip(why)) => ("skipped", why),
    };
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Row { check, result, detail, milliseconds }
}

impl Ground {
    /// Reads the oldest events in pages of a size that divides nothing.
    async fn read(&mut self, most: usize) -> Found {
        let mut cursor = String::new();
        loop {
            let page_size = 7;
            let request = ListEventsRequest { cursor, page_size, ..ListEventsRequest::default() };
            let page = self.list(request).await.map_err(unexpected)?;
            ensure(page.events.len() <= 7, || "a page holds more than was asked for".to_owned())?;
            ensure(!page.cursor.is_empty(), || "a page has no cursor".to_owned())?;
            cursor = page.cursor.clone();
            self.events.extend(page.events.iter().cloned());
            let done = page.caught_up || self.events.len() >= most;
            self.pages.push(page);
            if done {
                return Ok(format!("{} events in {} pages", self.events.len(), self.pages.len()));
            }
        }
    }

    async fn list(&self, request: ListEventsRequest) -> Result<ListEventsResponse, Status> {
        let unreachable = |error: liuyan_feed_client::Error| Status::unavailable(error.to_string());
        let request = self.feed.request(request).await.map_err(unreachable)?;
        let mut client = self.feed.client().await.map_err(unreachable)?;
        Ok(client.list_events(request).await?.into_inner())
    }

    /// Two pages in the middle of what was read, of which one follows the other.
    fn seam(&self) -> Result<(&ListEventsResponse, &ListEventsResponse), Flaw> {
        let middle = self.pages.len().saturating_sub(1) / 2;
        let pages = self.pages.get(middle).zip(self.pages.get(middle + 1));
        pages.ok_or_else(|| Flaw::Skip("the feed holds one page".to_owned()))
    }

    /// An event in the middle of what was read.
    fn middle(&self) -> Result<&Event, Flaw> {
        let middle = self.events.get(self.events.len() / 2);
        middle.ok_or_else(|| Flaw::Skip("the feed holds no event".to_owned()))
    }
}

fn ensure(so: bool, otherwise: impl FnOnce() -> String) -> Result<(), Flaw> {
    if so { Ok(()) } else { Err(Flaw::Breach(otherwise())) }
}

/// A call that ought to have gone well; what is not served here is skipped.
fn unexpected(status: Status) -> Flaw {
    match status.code() {
        Code::Unimplemented => Flaw::Skip("not served here".to_owned()),
        _ => Flaw::Breach(Refusal::of(&status).to_string()),
    }
}

/// Looks whether a call was refused as the contract says.
fn refused<T>(answer: Result<T, Status>, code: Code, reason: &str) -> Result<Refusal, Flaw> {
    let Err(status) = answer else {
        return Err(Flaw::Breach(format!("it was accepted, not refused with {reason}")));
    };
    let refusal = Refusal::of(&status);
    ensure(refusal.code == code && refusal.reason == reason, || {
        format!("refused with {:?} {}, not {code:?} {reason}", refusal.code, refusal.reason)
    })?;
    Ok(refusal)
}
