//! The stored form of an event, which is its wire form: the encoded `liuyan.feed.v1.Event`. It is
//! encoded once, when it is appended; what is removed later is removed from the bytes themselves.
//! Beside `grpc.rs` and `consumer.rs` this is the only place that knows generated types.

use bytes::Bytes;
use jiff::Timestamp;
use liuyan_kit::clock;
use liuyan_proto::{
    Event as _,
    liuyan::{
        common::v1::{PublicCase, Reply},
        feed::v1::{Event, Redaction},
        routing::v1 as routing,
    },
};
use prost::Message as _;
use uuid::Uuid;

use crate::{domain::filter::CASE_HIDDEN, store::pending::Heard};

/// The type of test events, which are in no log.
pub const TEST: &str = "liuyan.feed.v1.test";

/// The types that the feed may hold, in the order of a case's life.
pub const EVENT_TYPES: [&str; 22] = [
    routing::CaseOpened::TYPE,
    routing::CaseAssigned::TYPE,
    routing::CaseAccepted::TYPE,
    routing::CaseTransferred::TYPE,
    routing::CaseReturned::TYPE,
    routing::CasePaused::TYPE,
    routing::CaseResumed::TYPE,
    routing::CaseExtended::TYPE,
    routing::CaseGrouped::TYPE,
    routing::CaseUngrouped::TYPE,
    routing::HelperInvited::TYPE,
    routing::CaseReplied::TYPE,
    routing::ReplyCorrected::TYPE,
    routing::FollowUpAsked::TYPE,
    routing::CaseReopened::TYPE,
    routing::PromiseMade::TYPE,
    routing::PromiseKept::TYPE,
    routing::PromiseBroken::TYPE,
    routing::CaseTextChanged::TYPE,
    routing::WithdrawalRefused::TYPE,
    routing::CaseClosed::TYPE,
    CASE_HIDDEN,
];

/// The public view of a case, as routing gave it.
#[derive(Debug, Clone)]
pub struct View(PublicCase);

impl From<PublicCase> for View {
    fn from(case: PublicCase) -> Self {
        Self(case)
    }
}

impl View {
    /// Which view of the case this is.
    pub fn revision(&self) -> i64 {
        i64::try_from(self.0.revision).unwrap_or(i64::MAX)
    }
}

/// What is said of an event beside the case.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its id.
    pub event_id: Uuid,
    /// Its type.
    pub event_type: &'a str,
    /// The case.
    pub case_id: Uuid,
    /// The message of that case.
    pub message_id: Uuid,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its place in the log.
    pub position: i64,
    /// Which event of the case it is in the log.
    pub subject_revision: i64,
    /// The trace of its cause.
    pub traceparent: Option<&'a str>,
    /// The request that caused it.
    pub causation_id: Option<Uuid>,
}

/// Whether the event of this type changes the public text of its case, that of a reply included.
pub fn changes_text(event_type: &str) -> bool {
    event_type == routing::CaseTextChanged::TYPE || event_type == routing::ReplyCorrected::TYPE
}

/// Encodes an event with the view of its case.
pub fn with_view(frame: &Frame<'_>, view: &View) -> Vec<u8> {
    Event { case: Some(view.0.clone()), ..event(frame) }.encode_to_vec()
}

/// Encodes the event by which a case is taken back: nothing but ids.
pub fn hidden(frame: &Frame<'_>) -> Vec<u8> {
    let case = ids_only(&PublicCase {
        case_id: frame.case_id.to_string(),
        message_id: frame.message_id.to_string(),
        ..PublicCase::default()
    });
    Event { case: Some(case), ..event(frame) }.encode_to_vec()
}

/// Encodes the event of a case that its office alone may know of: ids and codes, never a text.
pub fn restricted(frame: &Frame<'_>, heard: &Heard) -> Vec<u8> {
    let case = PublicCase {
        case_id: heard.case_id.to_string(),
        message_id: heard.message_id.to_string(),
        office_id: heard.office_id.clone(),
        division_code: heard.division_code.clone(),
        kind: heard.kind.clone(),
        domain: heard.domain.clone(),
        state: heard.state,
        ..PublicCase::default()
    };
    Event { case: Some(case), restricted: true, changed_fields: None, ..event(frame) }
        .encode_to_vec()
}

/// Encodes a test event of a subscription: it has no place in the log and no case.
pub fn test(event_id: Uuid, subscription_id: &str, at: Timestamp) -> Vec<u8> {
    let event = Event {
        id: event_id.to_string(),
        r#type: TEST.to_owned(),
        source: source_of(TEST).to_owned(),
        subject: format!("subscriptions/{subscription_id}"),
        time: Some(clock::to_proto(at)),
        recorded_time: Some(clock::to_proto(at)),
        ..Event::default()
    };
    event.encode_to_vec()
}

fn event(frame: &Frame<'_>) -> Event {
    Event {
        id: frame.event_id.to_string(),
        r#type: frame.event_type.to_owned(),
        source: source_of(frame.event_type).to_owned(),
        subject: format!("cases/{}", frame.case_id),
        time: Some(clock::to_proto(frame.occurred_at)),
        recorded_time: Some(clock::to_proto(frame.recorded_at)),
        position: frame.position.unsigned_abs(),
        subject_revision: frame.subject_revision.unsigned_abs(),
        traceparent: frame.traceparent.unwrap_or_default().to_owned(),
        changed_fields: Some(prost_types::FieldMask {
            paths: changed_fields(frame.event_type).iter().map(|path| (*path).to_owned()).collect(),
        }),
        redaction: None,
        case: None,
        restricted: false,
        causation_id: frame.causation_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// `liuyan.routing.v1.case-replied` was said by `routing`.
fn source_of(event_type: &str) -> &str {
    event_type.split('.').nth(1).unwrap_or_default()
}

/// The fields of the case that an event of this type changes.
fn changed_fields(event_type: &str) -> &'static [&'static str] {
    match event_type {
        routing::CaseOpened::TYPE | CASE_HIDDEN => &["*"],
        routing::CaseAssigned::TYPE
        | routing::CaseTransferred::TYPE
        | routing::CaseReturned::TYPE => {
            &["office_id", "division_code", "state", "public_state", "custody"]
        }
        routing::CasePaused::TYPE => &["pauses"],
        routing::CaseResumed::TYPE => &["pauses", "deadline_at"],
        routing::CaseExtended::TYPE => &["deadline_at", "extended_at"],
        routing::CaseGrouped::TYPE | routing::CaseUngrouped::TYPE => &["common_problem_id"],
        routing::HelperInvited::TYPE => &["helper_office_ids"],
        routing::ReplyCorrected::TYPE
        | routing::PromiseMade::TYPE
        | routing::PromiseKept::TYPE
        | routing::PromiseBroken::TYPE => &["replies"],
        routing::FollowUpAsked::TYPE | routing::CaseReopened::TYPE => {
            &["state", "public_state", "outcome", "custody", "closed_at"]
        }
        routing::CaseAccepted::TYPE => &["state", "public_state", "accepted_at"],
        routing::CaseReplied::TYPE => &["state", "public_state", "replies"],
        routing::CaseClosed::TYPE => &["state", "public_state", "outcome", "custody", "closed_at"],
        routing::CaseTextChanged::TYPE => {
            &["title", "body", "demand", "details", "place", "replies"]
        }
        _ => &[],
    }
}

/// Reduces the case in a stored event to its ids.
///
/// # Errors
/// If the bytes are no event.
pub fn hide(stored: &[u8], at: Timestamp) -> Result<Vec<u8>, prost::DecodeError> {
    let mut event = Event::decode(stored)?;
    event.case = event.case.as_ref().map(ids_only);
    event.redaction = Some(Redaction { redacted_at: Some(clock::to_proto(at)) });
    Ok(event.encode_to_vec())
}

fn ids_only(case: &PublicCase) -> PublicCase {
    PublicCase {
        case_id: case.case_id.clone(),
        message_id: case.message_id.clone(),
        ..PublicCase::default()
    }
}

/// Gives a stored event the texts of `view`: of the message, and of each reply it holds. A reply
/// that the view no longer has goes away. What the event tells of state, office and time stays.
///
/// # Errors
/// If the bytes are no event.
pub fn mend(stored: &[u8], view: &View, at: Timestamp) -> Result<Vec<u8>, prost::DecodeError> {
    let mut event = Event::decode(stored)?;
    let new = &view.0;
    if let Some(case) = event.case.as_mut() {
        case.title.clone_from(&new.title);
        case.body.clone_from(&new.body);
        case.demand.clone_from(&new.demand);
        case.details.clone_from(&new.details);
        case.place.clone_from(&new.place);
        case.replies = case.replies.iter().filter_map(|reply| mended(reply, new)).collect();
    }
    event.redaction = Some(Redaction { redacted_at: Some(clock::to_proto(at)) });
    Ok(event.encode_to_vec())
}

fn mended(reply: &Reply, view: &PublicCase) -> Option<Reply> {
    let new = view.replies.iter().find(|new| new.reply_id == reply.reply_id)?;
    Some(Reply { body: new.body.clone(), ..reply.clone() })
}

/// Opens a stored event.
///
/// # Errors
/// If the bytes are no event.
pub fn open(stored: Bytes) -> Result<Event, prost::DecodeError> {
    Event::decode(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(event_type: &str) -> Frame<'_> {
        Frame {
            event_id: Uuid::from_u128(1),
            event_type,
            case_id: Uuid::from_u128(2),
            message_id: Uuid::from_u128(3),
            occurred_at: Timestamp::UNIX_EPOCH,
            recorded_at: Timestamp::UNIX_EPOCH,
            position: 5,
            subject_revision: 2,
            traceparent: None,
            causation_id: None,
        }
    }

    fn reply(id: &str, body: &str) -> Reply {
        Reply { reply_id: id.to_owned(), body: body.to_owned(), ..Reply::default() }
    }

    fn view(title: &str, replies: Vec<Reply>) -> View {
        View(PublicCase {
            case_id: Uuid::from_u128(2).to_string(),
            message_id: Uuid::from_u128(3).to_string(),
            title: title.to_owned(),
            office_id: "110000-s".to_owned(),
            replies,
            ..PublicCase::default()
        })
    }

    #[test]
    fn every_type_but_the_feeds_own_comes_from_routing() {
        for event_type in EVENT_TYPES {
            let expected = if event_type == CASE_HIDDEN { "feed" } else { "routing" };
            assert_eq!(source_of(event_type), expected);
        }
    }

    #[test]
    fn a_hidden_event_keeps_its_frame_and_two_ids() {
        let stored = with_view(
            &frame(routing::CaseReplied::TYPE),
            &view("secret", vec![reply("r", "secret")]),
        );
        let hidden = hide(&stored, Timestamp::UNIX_EPOCH).unwrap();
        assert!(!hidden.windows(6).any(|window| window == b"secret"));
        let event = Event::decode(hidden.as_slice()).unwrap();
        assert_eq!((event.position, event.subject_revision), (5, 2));
        assert_eq!(event.subject, format!("cases/{}", Uuid::from_u128(2)));
        assert_eq!(event.case.as_ref().unwrap(), &ids_only(event.case.as_ref().unwrap()));
        assert!(event.redaction.is_some() && event.time.is_some());
    }

    #[test]
    fn a_mended_event_has_the_new_texts_and_keeps_the_rest() {
        let before = view("old", vec![reply("a", "old"), reply("gone", "old")]);
        let after = view("new", vec![reply("a", "new"), reply("later", "new")]);
        let stored = with_view(&frame(routing::CaseReplied::TYPE), &before);
        let mended = mend(&stored, &after, Timestamp::UNIX_EPOCH).unwrap();
        assert!(!mended.windows(3).any(|window| window == b"old"));
        let case = Event::decode(mended.as_slice()).unwrap().case.unwrap();
        assert_eq!(case.replies, [reply("a", "new")], "replies that came later are not added");
        assert_eq!((case.title.as_str(), case.office_id.as_str()), ("new", "110000-s"));
    }
}
