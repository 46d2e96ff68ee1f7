//! A message of the bus: made of events, and read.

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{self, AckKind},
};
use bytes::Bytes;
use uuid::Uuid;

use crate::messaging::{
    Envelope, bundle,
    envelope::{Malformed, header},
};

/// The header by which the bus knows repetitions.
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// The message that holds one event, or a bundle of one type: its subject, headers and body.
pub(super) fn message(source: &str, events: &[&(Envelope, i32)]) -> (String, HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    if let [(event, attempt)] = events {
        for (name, value) in event.headers(source) {
            headers.insert(name, value.as_str());
        }
        headers.insert(MESSAGE_ID, format!("{}:{attempt}", event.event_id).as_str());
        return (event.kind.clone(), headers, event.payload.clone());
    }
    headers.insert(header::CONTENT_TYPE, bundle::MEDIA_TYPE);
    headers.insert(MESSAGE_ID, bundle::message_id(events).as_str());
    let kind = events.first().map(|(event, _)| event.kind.clone()).unwrap_or_default();
    (kind, headers, bundle::encode(source, events))
}

/// One message that the bus has delivered and that waits for its acknowledgement.
#[derive(Debug)]
pub struct Delivery {
    pub(super) message: jetstream::Message,
}

impl Delivery {
    /// Reads its events: one, or a bundle.
    ///
    /// # Errors
    /// If it holds anything that is no event of ours.
    pub fn envelopes(&self) -> Result<Vec<Envelope>, Malformed> {
        let headers = self.message.headers.as_ref();
        let header = |name| headers.and_then(|headers| headers.get(name)).map(|it| it.as_str());
        let body = self.message.payload.clone();
        if header(header::CONTENT_TYPE) == Some(bundle::MEDIA_TYPE) {
            return bundle::decode(body);
        }
        Ok(vec![Envelope::parse(header, body)?])
    }

    /// What can be said of it even if it cannot be read: an id from its place in the stream, its
    /// subject and its body.
    pub fn remains(&self) -> (Uuid, String, Bytes) {
        let place = self.message.info().map(|info| info.stream_sequence).unwrap_or_default();
        let subject = self.message.subject.to_string();
        (
            crate::id::of_name("malformed", &format!("{subject}/{place}")),
            subject,
            self.message.payload.clone(),
        )
    }

    /// How often it has been delivered, this time included.
    pub fn times(&self) -> u32 {
        let delivered = self.message.info().map(|info| info.delivered).unwrap_or(1);
        u32::try_from(delivered).unwrap_or(1)
    }

    /// Says that it is settled. If this is lost it comes again and is recognised.
    pub async fn acknowledge(&self) {
        if let Err(error) = self.message.ack().await {
            tracing::debug!(%error, "an acknowledgement was lost");
        }
    }

    /// Asks for it again after `delay`.
    pub async fn again_after(&self, delay: Duration) {
        if let Err(error) = self.message.ack_with(AckKind::Nak(Some(delay))).await {
            tracing::debug!(%error, "a request for redelivery was lost");
        }
    }
}
