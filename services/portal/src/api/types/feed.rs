//! Events of the feed. An event itself is written as protobuf maps it, as in streams of gRPC, calls to webhooks
//! and old stretches; what is around it, as everything here.

use liuyan_proto::{
    json::{self, Json},
    liuyan::feed::v1 as feed,
};
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::{Time, contract};
use crate::error::Error;

/// One event of the feed.
#[derive(Debug)]
pub(in crate::api) struct Event(Json);

impl Event {
    /// An event as it is written.
    pub(in crate::api) fn of(event: &feed::Event) -> Result<Self, Error> {
        json::event(event).map(Self).map_err(|error| Error::Broken(Box::new(error)))
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        contract::schema(json::EVENT)
    }
}

impl ToSchema for Event {}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Events {
    /// The events in the order of their positions.
    events: Vec<Event>,
    /// Resume after this; fresh also when no event matched.
    cursor: String,
    /// The position that the cursor stands for.
    position: u64,
    /// Nothing recorded at or before this time follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor_time: Option<Time>,
    /// True if the page reached the newest event.
    caught_up: bool,
}

impl Events {
    /// A page as it is written.
    pub(in crate::api) fn of(it: &feed::ListEventsResponse) -> Result<Self, Error> {
        Ok(Self {
            events: it.events.iter().map(Event::of).collect::<Result<_, _>>()?,
            cursor_time: Time::of(it.cursor_time.as_ref()),
            cursor: it.cursor.clone(),
            position: it.position,
            caught_up: it.caught_up,
        })
    }
}
