//! Following the log at the place that the board keeps for a subscription.

use std::{collections::VecDeque, time::Duration};

use liuyan_proto::liuyan::feed::v1::{
    ConsumeCommit, ConsumeCredit, ConsumeEventsRequest, ConsumeEventsResponse, ConsumeOpen,
    ConsumeReject, Event, consume_events_request::Said, consume_events_response::Frame,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    connect::Feed,
    error::{Error, RunError},
    link::{Came, Link, Pace},
    seen::Seen,
    step::{Handler, Step, What},
    trouble::Trouble,
};

/// The most that a reader may have room for.
const MOST_CREDIT: u32 = 10_000;
/// The most settled events that one commit names.
const MOST_SETTLED: usize = 500;
/// What the reader says and the transport has not taken yet.
const SAID_AHEAD: usize = 64;
/// How often the place is committed while no event comes: a filter that chooses little must not leave a place
/// behind that expires.
const IDLE_COMMIT: Duration = Duration::from_secs(5);
/// The most characters of a reason.
const REASON: usize = 500;

/// What to consume, and how.
#[derive(Debug, Clone)]
pub struct Consume {
    /// The subscription, which is there already; filter and mask are its own.
    pub subscription_id: String,
    /// How many events the reader has room for, 1 to 10,000; 100 at first.
    pub credit: u32,
    /// How often a frame comes at least, 5 to 60 s; what the board likes if not said.
    pub heartbeat: Option<Duration>,
    /// How many ids of events are kept to recognise repetitions; 1,000 at first.
    pub window: usize,
    /// After how many failures in a row to give up; never if not said.
    pub tries: Option<u32>,
}

impl Consume {
    /// A subscription, with room for 100 events.
    pub fn new(subscription_id: impl Into<String>) -> Self {
        Self {
            subscription_id: subscription_id.into(),
            credit: 100,
            heartbeat: None,
            window: 1_000,
            tries: None,
        }
    }
}

/// Follows a subscription, over as many connections as it takes.
///
/// After a step with events: [`reject`](Self::reject) what can't be done, then [`commit`](Self::commit).
#[derive(Debug)]
pub struct Consumer {
    feed: Feed,
    consume: Consume,
    open: Option<Open>,
    pace: Pace,
    /// What came while a commit was waited for.
    queue: VecDeque<Step>,
    /// Ids of what is done, and of what was given and is not.
    seen: Seen,
    given: Vec<String>,
    again: Vec<String>,
    /// When it last said what is done.
    committed_at: Instant,
}

#[derive(Debug)]
struct Open {
    link: Link<ConsumeEventsResponse>,
    say: mpsc::Sender<ConsumeEventsRequest>,
    /// The place that the reader has on this stream, and how much credit it has used up.
    cursor: String,
    used: u32,
    /// The place up to which it has said, or heard, that all is done.
    done: String,
    /// The place of a commit whose answer has not come, and that of the last answer.
    awaited: Option<String>,
    answered: String,
}

impl Feed {
    /// Gets ready to follow a subscription. The connection is made by the first [`Consumer::next`].
    pub fn consume(&self, consume: Consume) -> Consumer {
        Consumer {
            feed: self.clone(),
            pace: Pace::new(consume.tries),
            queue: VecDeque::new(),
            seen: Seen::new(consume.window, []),
            given: Vec::new(),
            again: Vec::new(),
            committed_at: Instant::now(),
            open: None,
            consume: Consume { credit: consume.credit.clamp(1, MOST_CREDIT), ..consume },
        }
    }
}

impl Consumer {
    /// The next step. Cancelling the wait loses nothing. While nothing is given, the place moves on by
    /// itself: what the filter does not choose is done.
    ///
    /// # Errors
    /// What does not pass: see [`Error`]; [`Error::TakenOver`] if another reader has come.
    pub async fn next(&mut self) -> Result<Step, Error> {
        if let Some(step) = self.queue.pop_front() {
            return Ok(self.give(step));
        }
        self.commit_idle().await?;
        if let Some(step) = self.queue.pop_front() {
            return Ok(self.give(step));
        }
        let step = self.hear().await?;
        let step = self.give(step);
        // A step of repetitions is done already; the board must learn it, or the place stays.
        let repeated = matches!(&step.what, What::Events(events) if events.is_empty());
        if repeated && self.given.is_empty() && self.again.is_empty() {
            self.commit().await?;
        }
        Ok(step)
    }

    /// Says that everything given and not rejected is done, and waits until that is durable. False if
    /// the connection broke meanwhile: the events come again, and are recognised by this process.
    ///
    /// # Errors
    /// What does not pass: see [`Error`].
    pub async fn commit(&mut self) -> Result<bool, Error> {
        for id in std::mem::take(&mut self.given) {
            self.seen.add(id);
        }
        let settled = std::mem::take(&mut self.again);
        let Some(open) = &mut self.open else { return Ok(false) };
        self.committed_at = Instant::now();
        let credit = std::mem::take(&mut open.used);
        let mut said: Vec<Said> = Vec::new();
        let mut parts = settled.chunks(MOST_SETTLED);
        let first = parts.next().unwrap_or_default().to_vec();
        let cursor = open.cursor.clone();
        open.done.clone_from(&cursor);
        // Whoever gave up waiting for an answer must not take it for this one's.
        let mut stale = open.awaited.replace(cursor.clone()).filter(|it| *it != cursor);
        said.push(Said::Commit(ConsumeCommit { cursor, settled_event_ids: first }));
        said.extend(parts.map(|part| {
            let settled_event_ids = part.to_vec();
            Said::Commit(ConsumeCommit { cursor: String::new(), settled_event_ids })
        }));
        if credit > 0 {
            said.push(Said::Credit(ConsumeCredit { events: credit }));
        }
        for said in said {
            if open.say.send(ConsumeEventsRequest { said: Some(said) }).await.is_err() {
                // How the stream ended is told by its frames.
                break;
            }
        }
        loop {
            let step = self.hear().await?;
            match step.what {
                What::Committed => {
                    let open = self.open.as_mut();
                    if open.as_ref().is_some_and(|open| stale.as_ref() == Some(&open.answered)) {
                        stale = None;
                        continue;
                    }
                    if let Some(open) = open {
                        open.awaited = None;
                    }
                    return Ok(true);
                }
                What::Broken { .. } | What::Goodbye(_) => {
                    self.queue.push_back(step);
                    return Ok(false);
                }
                _ => self.queue.push_back(step),
            }
        }
    }

    /// Has an event put aside; the rest goes on. It counts with the commit that follows. The reason is
    /// for the agency itself.
    pub async fn reject(&mut self, event_id: &str, reason: &str) {
        self.given.retain(|id| id != event_id);
        self.again.retain(|id| id != event_id);
        let Some(open) = &self.open else { return };
        let reason = reason.chars().take(REASON).collect();
        let reject = ConsumeReject { event_id: event_id.to_owned(), reason };
        // If the stream has ended, the event comes again.
        let said = Some(Said::Reject(reject));
        let _ = open.say.send(ConsumeEventsRequest { said }).await;
    }

    /// Gives each event to the handler and commits after each step. An event that the handler can't do
    /// is put aside with the error's text, and the rest goes on.
    ///
    /// # Errors
    /// What does not pass: see [`Error`].
    pub async fn run<H>(&mut self, handler: &mut H) -> Result<(), RunError<H::Error>>
    where
        H: Handler,
        H::Error: std::fmt::Display,
    {
        loop {
            let step = self.next().await?;
            for event in step.events() {
                if let Err(error) = handler.handle(event).await {
                    self.reject(&event.id, &error.to_string()).await;
                }
            }
            match step.events() {
                [] => handler.told(&step),
                _ => drop(self.commit().await?),
            }
        }
    }

    /// Commits the place now and then while nothing is under way.
    async fn commit_idle(&mut self) -> Result<(), Error> {
        let idle = self.given.is_empty() && self.again.is_empty();
        let moved = self.open.as_ref().is_some_and(|open| open.cursor != open.done);
        if idle && moved && self.committed_at.elapsed() >= IDLE_COMMIT {
            self.commit().await?;
        }
        Ok(())
    }

    /// Notes what is given now, and leaves out what was given before.
    fn give(&mut self, step: Step) -> Step {
        if let Some(open) = self.open.as_mut().filter(|_| !step.cursor.is_empty()) {
            open.cursor.clone_from(&step.cursor);
            open.used += u32::try_from(step.events().len()).unwrap_or(u32::MAX);
            if matches!(step.what, What::Opened(_)) {
                open.done.clone_from(&step.cursor);
            }
        }
        let what = match step.what {
            What::Events(events) => {
                let known = |id: &String| self.seen.holds(id) || self.given.contains(id);
                let fresh: Vec<Event> =
                    events.into_iter().filter(|event| !known(&event.id)).collect();
                self.given.extend(fresh.iter().map(|event| event.id.clone()));
                What::Events(fresh)
            }
            // Asked for by the agency: what was seen comes once more on purpose.
            What::Again(events) => {
                self.again.extend(events.iter().map(|event| event.id.clone()));
                What::Again(events)
            }
            what => what,
        };
        Step { what, ..step }
    }

    /// What the board says next, or that it does not.
    async fn hear(&mut self) -> Result<Step, Error> {
        loop {
            self.pace.wait().await;
            let Some(open) = self.open.as_mut() else {
                match self.connect().await {
                    Ok(open) => self.open = Some(open),
                    Err(trouble) => return self.trouble(trouble).await,
                }
                continue;
            };
            let idle = self.given.is_empty() && self.again.is_empty() && self.queue.is_empty();
            let trouble = match open.link.come(idle).await {
                Came::Frame(frame) => {
                    let Some(step) = self.took(*frame) else { continue };
                    return Ok(step);
                }
                Came::RenewalTime => {
                    self.open = None;
                    self.feed.renew().await;
                    continue;
                }
                Came::End => Trouble::Passes("the stream ended without a word".to_owned(), None),
                Came::Silence(limit) => {
                    Trouble::Passes(format!("no frame for {} s", limit.as_secs()), None)
                }
                Came::Failure(status) => Trouble::of(&status),
            };
            self.gone();
            return self.trouble(trouble).await;
        }
    }

    /// The stream has ended. What was given and is not done comes again on the next one.
    fn gone(&mut self) {
        self.open = None;
        self.given.clear();
        self.again.clear();
        self.queue.clear();
    }

    async fn connect(&self) -> Result<Open, Trouble> {
        let (say, said) = mpsc::channel(SAID_AHEAD);
        let open = ConsumeOpen {
            subscription_id: self.consume.subscription_id.clone(),
            credit: self.consume.credit,
            heartbeat_interval: self.consume.heartbeat.and_then(|it| it.try_into().ok()),
            batch: None,
        };
        // There is room: it is the first.
        let _ = say.try_send(ConsumeEventsRequest { said: Some(Said::Open(open)) });
        let mut client = self.feed.client().await?;
        let (request, renew_at) = self.feed.stream_request(ReceiverStream::new(said)).await?;
        let frames = client.consume_events(request).await;
        let frames = frames.map_err(|status| Trouble::of(&status))?.into_inner();
        let link = Link::new(frames, self.consume.heartbeat, renew_at);
        let (cursor, done, answered) = Default::default();
        Ok(Open { link, say, cursor, used: 0, done, awaited: None, answered })
    }

    fn took(&mut self, response: ConsumeEventsResponse) -> Option<Step> {
        let ConsumeEventsResponse { cursor, position, cursor_time, frame } = response;
        let what = match frame? {
            Frame::Opened(opened) => {
                if let Some(open) = &mut self.open {
                    open.link.beats(opened.heartbeat_interval);
                }
                What::Opened(opened)
            }
            Frame::Batch(batch) => What::Events(batch.events),
            Frame::Again(again) => What::Again(again.events),
            Frame::Progress(progress) => What::Progress(progress),
            Frame::CaughtUp(_) => What::CaughtUp,
            Frame::Notice(notice) => What::Notice(notice),
            Frame::Committed(committed) => {
                if let Some(open) = &mut self.open {
                    open.answered = committed.cursor;
                }
                What::Committed
            }
            Frame::Goodbye(goodbye) => {
                let after = goodbye.reconnect_after.and_then(|it| Duration::try_from(it).ok());
                self.pace.pause(after.unwrap_or_default());
                self.gone();
                What::Goodbye(goodbye)
            }
        };
        if !matches!(what, What::Opened(_)) {
            self.pace.works();
        }
        Some(Step { cursor, position, cursor_time, what })
    }

    async fn trouble(&mut self, trouble: Trouble) -> Result<Step, Error> {
        let what = match trouble {
            Trouble::Passes(why, asked) => self.pace.broken(why, asked)?,
            Trouble::Renew(why) if self.feed.renew().await => self.pace.broken(why, None)?,
            Trouble::Renew(why) => return Err(Error::Usage(format!("{why} (no other is known)"))),
            // The board keeps the place: only it can mend it, by `SeekSubscription`.
            Trouble::Moved(_, _, refusal) => return Err(Error::Refused(refusal)),
            Trouble::Final(error) => return Err(error),
        };
        Ok(Step { cursor: String::new(), position: 0, cursor_time: None, what })
    }
}
