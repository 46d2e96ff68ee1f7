//! The form of a stretch that has become an object: lines of JSON, compressed with zstd, so that `zstdcat`
//! and `jq` are enough to read one in twenty years. The first line says what it is, the last one what it
//! should hold; between them stands one line for each event, in the order of positions:
//!
//! ```json
//! {"head":{"format":"liuyan-feed/1","first":1,"last":10000}}
//! {"event":{"id":"…","type":"liuyan.routing.v1.case-opened","position":"1",…}}
//! {"foot":{"events":10000,"hash":123}}
//! ```
//!
//! An event is the JSON form of `liuyan.feed.v1.Event`, as protobuf defines it, and gives back the bytes of
//! its row. The object is a row of zstd frames, each of which can be read alone.

use bytes::Bytes;
use liuyan_proto::{
    json::{self, Json},
    liuyan::feed::v1::Event,
};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

const FORMAT: &str = "liuyan-feed/1";
/// How hard is pressed: objects are written once and read for years.
const LEVEL: i32 = 9;

/// Why a part of an object cannot be read, or an event not be written.
#[derive(Debug, thiserror::Error)]
pub enum Damaged {
    /// It is not compressed as it should be.
    #[error("it cannot be unpacked")]
    Packed(#[from] std::io::Error),
    /// A line is not what it should be.
    #[error("a line of it is none")]
    Line(#[from] serde_json::Error),
    /// The bytes of an event are none.
    #[error("an event of it is none")]
    Event(#[from] prost::DecodeError),
    /// The bytes of an event cannot be written as JSON.
    #[error("an event of it is none")]
    Json(#[from] json::Error),
    /// It does not hold what it should.
    #[error("{0}")]
    Other(&'static str),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<'a> {
    Head {
        format: String,
        first: i64,
        last: i64,
    },
    #[serde(borrow)]
    Event(&'a RawValue),
    Foot {
        events: i64,
        hash: i64,
    },
}

/// The lower 64 bits of an event's id, as `messaging.hash_of` gives them.
pub fn hash_of(event_id: &str) -> Option<i64> {
    Some(event_id.parse::<Uuid>().ok()?.as_u64_pair().1.cast_signed())
}

/// Lines of JSON that become one part.
#[derive(Debug, Default)]
pub struct Packer {
    lines: Vec<u8>,
    events: i64,
    hash: i64,
}

impl Packer {
    /// Begins an object.
    ///
    /// # Errors
    /// None that can happen: JSON of numbers can be written.
    pub fn new(first: i64, last: i64) -> Result<Self, Damaged> {
        let mut packer = Self::default();
        packer.line(&Line::Head { format: FORMAT.to_owned(), first, last })?;
        Ok(packer)
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), Damaged> {
        serde_json::to_writer(&mut self.lines, line)?;
        self.lines.push(b'\n');
        Ok(())
    }

    /// Adds an encoded event.
    ///
    /// # Errors
    /// If the bytes are no event.
    pub fn add(&mut self, payload: &[u8]) -> Result<(), Damaged> {
        let id = Event::decode(payload)?.id;
        let hash = hash_of(&id).ok_or(Damaged::Other("an event has no id"))?;
        let json = serde_json::value::to_raw_value(&json_of(payload)?)?;
        self.line(&Line::Event(&json))?;
        self.events += 1;
        self.hash ^= hash;
        Ok(())
    }

    /// How many bytes of lines wait to become a part.
    pub fn waiting(&self) -> usize {
        self.lines.len()
    }

    /// Makes a part of what waits.
    ///
    /// # Errors
    /// If it cannot be compressed.
    pub fn part(&mut self) -> Result<Bytes, Damaged> {
        let part = zstd::bulk::compress(&self.lines, LEVEL)?;
        self.lines.clear();
        Ok(part.into())
    }

    /// Ends the object: the last part, how many events it holds, and their hash.
    ///
    /// # Errors
    /// If it cannot be compressed.
    pub fn finish(mut self) -> Result<(Bytes, i64, i64), Damaged> {
        let (events, hash) = (self.events, self.hash);
        self.line(&Line::Foot { events, hash })?;
        Ok((self.part()?, events, hash))
    }
}

/// The encoded events of a part, with their positions.
///
/// # Errors
/// If it is damaged.
pub fn unpack(part: &[u8]) -> Result<Vec<(i64, Bytes)>, Damaged> {
    let lines = zstd::stream::decode_all(part)?;
    let mut events = Vec::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line)? {
            Line::Head { format, .. } if format == FORMAT => {}
            Line::Head { .. } => return Err(Damaged::Other("it is of another format")),
            Line::Event(json) => {
                let payload = payload_of(json)?;
                let position = Event::decode(payload.as_slice())?.position;
                events.push((i64::try_from(position).unwrap_or(i64::MAX), Bytes::from(payload)));
            }
            Line::Foot { .. } => {}
        }
    }
    Ok(events)
}

fn json_of(payload: &[u8]) -> Result<Json, Damaged> {
    Ok(json::of_bytes(json::EVENT, payload)?)
}

fn payload_of(json: &RawValue) -> Result<Vec<u8>, Damaged> {
    Ok(json::read(json::EVENT, &mut serde_json::Deserializer::from_str(json.get()))?)
}

#[cfg(test)]
mod tests {
    use liuyan_proto::liuyan::{
        common::v1::{PublicCase, Reply},
        feed::v1::Redaction,
    };

    use super::*;

    fn event(position: u64) -> Vec<u8> {
        let replies =
            vec![Reply { reply_id: "r".into(), body: "b\n\"b".into(), ..Reply::default() }];
        let case = PublicCase { title: "t".into(), state: 3, replies, ..PublicCase::default() };
        let at = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 123_456_000 };
        Event {
            id: Uuid::from_u128(u128::from(position)).to_string(),
            r#type: "liuyan.routing.v1.case-replied".into(),
            time: Some(at),
            position,
            subject_revision: 1,
            changed_fields: Some(prost_types::FieldMask {
                paths: vec!["*".into(), "public_state".into(), "custody".into()],
            }),
            redaction: Some(Redaction { redacted_at: Some(at) }),
            case: Some(case),
            ..Event::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn what_is_packed_comes_back_byte_for_byte() {
        let mut packer = Packer::new(1, 3).unwrap();
        packer.add(&event(1)).unwrap();
        packer.add(&event(2)).unwrap();
        let first = packer.part().unwrap();
        packer.add(&event(3)).unwrap();
        let (last, events, hash) = packer.finish().unwrap();
        assert_eq!((events, hash), (3, 1 ^ 2 ^ 3));
        let unpacked = |part: &[u8]| unpack(part).unwrap();
        assert_eq!(unpacked(&first), [(1, event(1).into()), (2, event(2).into())]);
        assert_eq!(unpacked(&last), [(3, event(3).into())]);
        let whole = [first, last].concat();
        assert_eq!(unpacked(&whole).len(), 3, "the parts together are a file of their own");
    }

    #[test]
    fn what_is_damaged_is_not_read() {
        let mut packer = Packer::new(1, 1).unwrap();
        packer.add(&event(1)).unwrap();
        let (part, ..) = packer.finish().unwrap();
        assert!(unpack(&part[..part.len() - 1]).is_err());
        assert!(unpack(b"{}").is_err());
        assert!(Packer::default().add(b"\xff").is_err());
    }
}
