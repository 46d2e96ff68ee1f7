//! The form of an archive: lines of JSON, compressed with gzip, so that `zcat` and `jq` are enough to
//! read one in twenty years. The first line says what it is, the last one what it should hold:
//!
//! ```json
//! {"head":{"format":"liuyan-events/1","source":"intake","day":"2026-10-01T00:00:00Z"}}
//! {"event":{"id":1,"event_id":"…","subject_id":"…","version":1,"type":"…","headers":{…},"payload":"base64", …}}
//! {"foot":{"events":1,"hash":123}}
//! ```
//!
//! Events stand in the order in which they were said.

use std::io::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flate2::{
    Compression,
    write::{GzDecoder, GzEncoder},
};
use futures::{StreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Archive, Error};
use crate::{
    messaging::{Envelope, envelope::Kept},
    objects::{self, Objects},
};

const FORMAT: &str = "liuyan-events/1";

/// An event as the outbox has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its place in the order in which events were said.
    pub id: i64,
    /// Its id.
    pub event_id: Uuid,
    /// What it is about.
    pub subject_id: Uuid,
    /// Which event of its subject it is.
    pub version: i64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is kept beside: its time, its trace.
    pub headers: Value,
    /// How often it was said again.
    pub attempt: i32,
    /// When it was written.
    pub created_at: Timestamp,
    /// Whether it still waits for the bus, and so is in the outbox and in no archive.
    #[serde(skip)]
    pub waits: bool,
    /// The protobuf message.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub payload: Vec<u8>,
}

impl Said {
    /// As it goes over the bus.
    pub fn envelope(self) -> Envelope {
        Envelope::from_kept(Kept {
            event_id: self.event_id,
            subject_id: self.subject_id,
            version: self.version,
            kind: self.kind,
            payload: self.payload,
            headers: self.headers,
        })
    }
}

/// The lower 64 bits of an id, as `messaging.hash_of` gives them.
pub(crate) fn hash_of(event_id: Uuid) -> i64 {
    event_id.as_u64_pair().1.cast_signed()
}

fn to_base64<S: Serializer>(payload: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(payload))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD.decode(text).map_err(serde::de::Error::custom)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Head { format: String, source: String, day: Timestamp },
    Event(Box<Said>),
    Foot(Tally),
}

/// How many events there are, and the exclusive or of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub events: i64,
    /// The exclusive or.
    pub hash: i64,
}

impl Tally {
    fn count(&mut self, event_id: Uuid) {
        self.events += 1;
        self.hash ^= hash_of(event_id);
    }
}

/// Writes an archive.
pub(crate) struct Packer {
    zip: GzEncoder<Vec<u8>>,
    digest: Sha256,
    tally: Tally,
}

impl Packer {
    pub(crate) fn new(source: &str, day: Timestamp) -> Result<Self, std::io::Error> {
        let zip = GzEncoder::new(Vec::new(), Compression::default());
        let mut packer = Self { zip, digest: Sha256::new(), tally: Tally::default() };
        let (format, source) = (FORMAT.to_owned(), source.to_owned());
        packer.line(&Line::Head { format, source, day })?;
        Ok(packer)
    }

    pub(crate) fn add(&mut self, event: Said) -> Result<(), std::io::Error> {
        self.tally.count(event.event_id);
        self.line(&Line::Event(Box::new(event)))
    }

    /// What is ready to be sent.
    pub(crate) fn ready(&mut self) -> Bytes {
        let ready = std::mem::take(self.zip.get_mut());
        self.digest.update(&ready);
        ready.into()
    }

    /// The rest, the digest of all, and what was counted.
    pub(crate) fn finish(mut self) -> Result<(Bytes, Vec<u8>, Tally), std::io::Error> {
        let tally = self.tally;
        self.line(&Line::Foot(tally))?;
        let rest = self.zip.finish()?;
        self.digest.update(&rest);
        Ok((rest.into(), self.digest.finalize().to_vec(), tally))
    }

    fn line(&mut self, line: &Line) -> Result<(), std::io::Error> {
        serde_json::to_writer(&mut self.zip, line)?;
        self.zip.write_all(b"\n")
    }
}

/// Reads an archive, and believes nothing of it before it has seen the end.
pub struct Reader {
    archive: Archive,
    content: BoxStream<'static, Result<Bytes, objects::Error>>,
    zip: Option<GzDecoder<Vec<u8>>>,
    digest: Sha256,
    bytes: i64,
    /// Lines that were unpacked, and how far they are read.
    lines: Vec<u8>,
    read: usize,
    tally: Tally,
    foot: Option<Tally>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("archive", &self.archive.object).finish_non_exhaustive()
    }
}

impl Reader {
    /// Begins to read.
    ///
    /// # Errors
    /// If there is no such object, or it cannot be reached.
    pub async fn open(objects: &Objects, archive: Archive) -> Result<Self, Error> {
        let content = objects.get(&archive.object).await?.content;
        Ok(Self {
            archive,
            content,
            zip: Some(GzDecoder::new(Vec::new())),
            digest: Sha256::new(),
            bytes: 0,
            lines: Vec::new(),
            read: 0,
            tally: Tally::default(),
            foot: None,
        })
    }

    /// The next event. After the last one it is checked that the object is, byte for byte, what was
    /// written down about it.
    ///
    /// # Errors
    /// [`Error::Damaged`]; what was read before must be forgotten then.
    pub async fn next(&mut self) -> Result<Option<Said>, Error> {
        loop {
            while let Some(end) = self.lines[self.read..].iter().position(|byte| *byte == b'\n') {
                let line = &self.lines[self.read..self.read + end];
                self.read += end + 1;
                let line = serde_json::from_slice(line).map_err(|error| self.damaged(error))?;
                match line {
                    _ if self.foot.is_some() => {
                        return Err(self.damaged("it goes on after its end"));
                    }
                    Line::Head { format, .. } if format == FORMAT => {}
                    Line::Head { format, .. } => return Err(self.damaged(format)),
                    Line::Event(event) => {
                        self.tally.count(event.event_id);
                        return Ok(Some(*event));
                    }
                    Line::Foot(foot) => self.foot = Some(foot),
                }
            }
            self.lines.drain(..self.read);
            self.read = 0;
            if !self.fill().await? {
                self.check()?;
                return Ok(None);
            }
        }
    }

    /// Unpacks more; `false` at the end.
    async fn fill(&mut self) -> Result<bool, Error> {
        let chunk = self.content.next().await.transpose()?;
        let Some(zip) = &mut self.zip else { return Ok(false) };
        let unpacked = match &chunk {
            Some(chunk) => {
                self.digest.update(chunk);
                self.bytes += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
                zip.write_all(chunk).map(|()| std::mem::take(zip.get_mut()))
            }
            None => self.zip.take().map_or(Ok(Vec::new()), GzDecoder::finish),
        };
        let unpacked = unpacked.map_err(|error| self.damaged(error))?;
        self.lines.extend_from_slice(&unpacked);
        Ok(chunk.is_some() || !unpacked.is_empty())
    }

    fn check(&mut self) -> Result<(), Error> {
        let digest = std::mem::take(&mut self.digest).finalize();
        let said = Tally { events: self.archive.events, hash: self.archive.hash };
        if !self.lines.is_empty() || self.foot.is_none() {
            return Err(self.damaged("it ends in the middle"));
        }
        if self.foot != Some(said) || self.tally != said {
            return Err(self.damaged("it does not hold the events that it should"));
        }
        if digest[..] != self.archive.digest[..] || self.bytes != self.archive.bytes {
            return Err(self.damaged("its digest is another"));
        }
        Ok(())
    }

    fn damaged(&self, what: impl std::fmt::Display) -> Error {
        Error::damaged(&self.archive.object, what)
    }
}
