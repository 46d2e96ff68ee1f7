//! Asks the others: routing for public views and titles of offices, the feed for events as it records them,
//! identity for addresses. Never
//! inside a transaction, and nothing of it is stored.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{clock::to_proto, grpc::Channel, locale};
use liuyan_proto::{
    json,
    liuyan::{
        common::v1::PublicCase,
        feed::v1::{BatchGetEventsRequest, Event, feed_service_client::FeedServiceClient},
        identity::v1::{BatchGetContactRequest, identity_service_client::IdentityServiceClient},
        routing::v1::{
            BatchGetPublicCaseRequest, GetOfficeRequest, case_service_client::CaseServiceClient,
            directory_service_client::DirectoryServiceClient,
        },
    },
};
use serde_json::Value;
use tonic::Code;
use uuid::Uuid;

use crate::{domain::event::Kind, error::Error};

/// The most that either gives at a time.
const AT_A_TIME: usize = 256;
/// The largest answer that is taken: 256 cases with long replies.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Why addresses are asked for; identity keeps it.
const PURPOSE: &str = "notification";
/// How long a title may take, and for how long nobody asks again after one did not come.
const TITLE_PATIENCE: Duration = Duration::from_secs(2);
const SILENCE: SignedDuration = SignedDuration::from_secs(10);
/// The most titles that are remembered.
const TITLES: usize = 10_000;

/// Where a person can be reached.
#[derive(Clone)]
pub(crate) struct Contact {
    /// The e-mail address; empty if there is none.
    pub(crate) email: String,
    /// The language, one of the house's.
    pub(crate) locale: &'static str,
}

/// The public view of a case, as routing gave it.
#[derive(Debug, Clone)]
pub(crate) struct View(PublicCase);

impl View {
    /// The text of a reply.
    pub(crate) fn reply(&self, reply_id: Uuid) -> Option<&str> {
        let reply_id = reply_id.to_string();
        let reply = self.0.replies.iter().find(|reply| reply.reply_id == reply_id)?;
        Some(&reply.body)
    }
}

/// What the feed knows of an event.
#[derive(Debug, Clone)]
pub(crate) enum Recorded {
    /// It is in the log.
    Event {
        /// As the feed gives it now.
        event: Box<Event>,
        /// Resume after this.
        cursor: String,
    },
    /// It never will be.
    Withheld,
}

/// An event that only this service tells agencies of, as the feed would.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unrecorded<'a> {
    /// Its id.
    pub(crate) event_id: Uuid,
    /// What happened.
    pub(crate) kind: Kind,
    /// The case.
    pub(crate) case_id: Uuid,
    /// When.
    pub(crate) occurred_at: Timestamp,
    /// The trace of its cause.
    pub(crate) traceparent: Option<&'a str>,
}

/// The others.
#[derive(Debug, Clone)]
pub struct Peers {
    cases: CaseServiceClient<Channel>,
    directory: DirectoryServiceClient<Channel>,
    identity: IdentityServiceClient<Channel>,
    titles: Arc<Mutex<HashMap<String, (Timestamp, String)>>>,
    memory: SignedDuration,
    silent_since: Arc<Mutex<Option<Timestamp>>>,
    feed: FeedServiceClient<Channel>,
}

impl Peers {
    /// Asks over these channels; remembers titles for so long.
    pub fn new(routing: Channel, identity: Channel, feed: Channel, memory_seconds: u32) -> Self {
        Self {
            cases: CaseServiceClient::new(routing.clone())
                .max_decoding_message_size(LARGEST_ANSWER),
            directory: DirectoryServiceClient::new(routing),
            identity: IdentityServiceClient::new(identity),
            titles: Arc::default(),
            memory: SignedDuration::from_secs(i64::from(memory_seconds)),
            silent_since: Arc::default(),
            feed: FeedServiceClient::new(feed).max_decoding_message_size(LARGEST_ANSWER),
        }
    }

    /// What the feed knows of these events. One that it has not recorded yet is left out.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub(crate) async fn events(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Recorded>, Error> {
        let mut events = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(AT_A_TIME) {
            let event_ids = chunk.iter().map(Uuid::to_string).collect();
            let request = BatchGetEventsRequest { event_ids, read_mask: None };
            let mut feed = self.feed.clone();
            let answer = patient("feed", PATIENCE, feed.batch_get_events(request)).await?;
            events.extend(answer.events.into_iter().filter_map(|it| {
                let event = Box::new(it.event?);
                Some((event.id.parse().ok()?, Recorded::Event { event, cursor: it.cursor }))
            }));
            let withheld = answer.withheld_event_ids.into_iter();
            events.extend(withheld.filter_map(|id| Some((id.parse().ok()?, Recorded::Withheld))));
        }
        Ok(events)
    }

    /// The views of those cases that are public now.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub(crate) async fn views(&self, case_ids: &[Uuid]) -> Result<HashMap<Uuid, View>, Error> {
        let mut views = HashMap::with_capacity(case_ids.len());
        for chunk in case_ids.chunks(AT_A_TIME) {
            let request =
                BatchGetPublicCaseRequest { case_ids: chunk.iter().map(Uuid::to_string).collect() };
            let mut cases = self.cases.clone();
            let answer = patient("routing", PATIENCE, cases.batch_get_public_case(request)).await?;
            let known = answer.cases.into_iter();
            views.extend(known.filter_map(|case| Some((case.case_id.parse().ok()?, View(case)))));
        }
        Ok(views)
    }

    /// Where accounts can be reached; those that are gone are left out.
    ///
    /// # Errors
    /// [`Error::Peer`].
    pub(crate) async fn contacts(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Contact>, Error> {
        let mut contacts = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(AT_A_TIME) {
            let request = BatchGetContactRequest {
                account_ids: chunk.iter().map(Uuid::to_string).collect(),
                purpose: PURPOSE.to_owned(),
            };
            let mut identity = self.identity.clone();
            let answer = patient("identity", PATIENCE, identity.batch_get_contact(request)).await?;
            contacts.extend(answer.contacts.into_iter().filter_map(|contact| {
                let locale = locale::negotiate(Some(&contact.locale));
                Some((contact.account_id.parse().ok()?, Contact { email: contact.email, locale }))
            }));
        }
        Ok(contacts)
    }

    /// The title of an office; `None` if nobody knows it, or nobody answers. A title is a courtesy:
    /// whoever shows it does without.
    pub(crate) async fn title(&self, now: Timestamp, office_id: &str) -> Option<String> {
        if office_id.is_empty() {
            return None;
        }
        if let Some((at, title)) = self.remembered(office_id)
            && now.duration_since(at).abs() < self.memory
        {
            return Some(title);
        }
        if self.is_silent(now) {
            return self.remembered(office_id).map(|(_, title)| title);
        }
        let request = GetOfficeRequest { office_id: office_id.to_owned() };
        let mut directory = self.directory.clone();
        match patient("routing", TITLE_PATIENCE, directory.get_office(request)).await {
            Ok(answer) => {
                let title = answer.office.map(|office| office.title).filter(|it| !it.is_empty())?;
                let mut titles = self.titles.lock().unwrap_or_else(PoisonError::into_inner);
                if titles.len() >= TITLES {
                    titles.clear();
                }
                titles.insert(office_id.to_owned(), (now, title.clone()));
                Some(title)
            }
            // An old title is better than none.
            Err(error) => {
                if !matches!(&error, Error::Peer { source, .. } if source.code() == Code::NotFound)
                {
                    *self.silent_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                }
                tracing::debug!(office_id, error = &error as &dyn std::error::Error, "no title");
                self.remembered(office_id).map(|(_, title)| title)
            }
        }
    }

    /// Whether routing did not answer a moment ago: a page of notices must not wait for each.
    fn is_silent(&self, now: Timestamp) -> bool {
        let since = *self.silent_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| now.duration_since(since).abs() < SILENCE)
    }

    fn remembered(&self, office_id: &str) -> Option<(Timestamp, String)> {
        let titles = self.titles.lock().unwrap_or_else(PoisonError::into_inner);
        titles.get(office_id).cloned()
    }
}

/// An event as it is written everywhere.
///
/// # Errors
/// [`Error::Unwritable`].
pub(crate) fn as_json(event: &Event) -> Result<Value, Error> {
    let event = json::event(event).map_err(|error| Error::Unwritable(error.into()))?;
    serde_json::to_value(event).map_err(|error| Error::Unwritable(error.into()))
}

/// An event that the feed does not record, in the same form: it has no place, and the view is of now.
pub(crate) fn unrecorded(of: Unrecorded<'_>, view: &View) -> Event {
    Event {
        id: of.event_id.to_string(),
        r#type: of.kind.event_type(),
        source: of.kind.source().to_owned(),
        subject: format!("cases/{}", of.case_id),
        time: Some(to_proto(of.occurred_at)),
        traceparent: of.traceparent.unwrap_or_default().to_owned(),
        case: Some(view.0.clone()),
        ..Event::default()
    }
}

async fn patient<T>(
    peer: &'static str,
    limit: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, Error> {
    let late = |_| Err(tonic::Status::new(Code::DeadlineExceeded, "no answer in time"));
    let answer = tokio::time::timeout(limit, call).await.unwrap_or_else(late);
    let answer = answer.map_err(|source| Error::Peer { peer, source: Box::new(source) })?;
    Ok(answer.into_inner())
}
