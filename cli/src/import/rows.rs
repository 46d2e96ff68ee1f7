//! Rows of a file as submissions.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::DateTime, tz::Offset};
use liuyan_kit::{clock, id};
use liuyan_proto::liuyan::{
    common::v1::{Channel, Historical},
    intake::v1::{NewMessage, SubmitMessageRequest},
};
use uuid::Uuid;

use super::{
    mapping::Mapping,
    send::{Limit, Refusal},
};
use crate::error::Error;

/// How times may be written.
const TIMES: &[&str] =
    &["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"];
const DATES: &[&str] = &["%Y-%m-%d", "%Y/%m/%d"];

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Its line among the rows, from 1.
    pub(super) line: usize,
    /// Its name in the source.
    pub(super) name: String,
    /// Made from source, name and content: the same row has the same id for ever.
    pub(super) request_id: Uuid,
    /// What is submitted.
    pub(super) submission: SubmitMessageRequest,
    /// What the office answered.
    pub(super) reply: Option<Reply>,
}

/// An office's answer in the source.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// The text.
    pub(super) body: String,
    /// When, if that is known.
    pub(super) replied_at: Option<Timestamp>,
}

/// The columns of a file.
pub(super) fn header(content: &[u8]) -> Result<Vec<String>, Error> {
    let mut reader = csv::Reader::from_reader(without_mark(content));
    let header =
        reader.headers().map_err(|error| Error::Usage(format!("the file is no CSV: {error}")))?;
    Ok(header.iter().map(|column| column.trim().to_owned()).collect())
}

/// Some tools begin UTF-8 files with a byte order mark.
fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

/// Reads all rows; those that cannot be read are refused and named.
pub(super) fn read(content: &[u8], mapping: &Mapping) -> Result<(Vec<Row>, Vec<Refusal>), Error> {
    let columns = header(content)?;
    let mut reader = csv::Reader::from_reader(without_mark(content));
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for (index, record) in reader.records().enumerate() {
        let line = index + 1;
        let row = record.map_err(|error| error.to_string()).and_then(|record| {
            let values = columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
            row(line, &values, mapping)
        });
        match row {
            Ok(row) => rows.push(row),
            Err(why) => refused.push(Refusal {
                line,
                row: String::new(),
                limits: vec![Limit {
                    field: String::new(),
                    reason: "ROW_UNREADABLE".to_owned(),
                    text: why,
                }],
            }),
        }
    }
    Ok((rows, refused))
}

fn row(line: usize, values: &BTreeMap<String, String>, mapping: &Mapping) -> Result<Row, String> {
    let fill = |template: &str| mapping.fill(template, values);
    let name = values
        .get(&mapping.row)
        .ok_or_else(|| format!("the file has no column `{}`", mapping.row))?
        .clone();
    let fields = &mapping.message;
    let occurred_at = time(&fill(&fields.occurred_at)?, mapping.offset)?;
    let message = NewMessage {
        office_id: fill(&fields.office_id)?,
        kind: fill(&fields.kind)?,
        domain: fill(&fields.domain)?,
        title: fill(&fields.title)?,
        body: fill(&fields.body)?,
        demand: fill(&fields.demand)?,
        details: fill(&fields.details)?,
        channel: channel(&fill(&fields.channel)?)?.into(),
        ..NewMessage::default()
    };
    let content = values.values().map(String::as_str).collect::<Vec<_>>().join("\u{1f}");
    let request_id = id::of_name("import", &format!("{}\u{1f}{name}\u{1f}{content}", mapping.name));
    let reply = reply(mapping, values, occurred_at)?;
    let historical = occurred_at.map(|at| Historical { occurred_at: Some(clock::to_proto(at)) });
    let submission = SubmitMessageRequest {
        request_id: request_id.to_string(),
        message: Some(message),
        historical,
    };
    Ok(Row { line, name, request_id, submission, reply })
}

fn reply(
    mapping: &Mapping,
    values: &BTreeMap<String, String>,
    occurred_at: Option<Timestamp>,
) -> Result<Option<Reply>, String> {
    let Some(fields) = &mapping.reply else { return Ok(None) };
    let body = mapping.fill(&fields.body, values)?;
    if body.is_empty() {
        return Ok(None);
    }
    let mut replied_at = time(&mapping.fill(&fields.replied_at, values)?, mapping.offset)?;
    let days = mapping.fill(&fields.after_days, values)?;
    if let (Some(at), Ok(days)) = (occurred_at, days.parse::<i64>()) {
        replied_at = at.checked_add(jiff::SignedDuration::from_hours(24 * days)).ok();
    }
    // A source may date an answer before its question; no answer came earlier than that.
    let replied_at = replied_at.max(occurred_at);
    Ok(Some(Reply { body, replied_at }))
}

fn channel(word: &str) -> Result<Channel, String> {
    match word {
        "" => Ok(Channel::Api),
        word => Channel::from_str_name(&format!("CHANNEL_{}", word.to_uppercase()))
            .ok_or_else(|| format!("`{word}` is no channel")),
    }
}

/// Reads a time; an empty text is none.
fn time(text: &str, offset: i8) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let offset = Offset::from_hours(offset).map_err(|error| error.to_string())?;
    let times = TIMES.iter().filter_map(|format| DateTime::strptime(format, text).ok());
    let dates = DATES
        .iter()
        .filter_map(|format| Some(jiff::civil::Date::strptime(format, text).ok()?.at(0, 0, 0, 0)));
    let civil = times.chain(dates).next().ok_or_else(|| format!("`{text}` is no time"))?;
    offset.to_timestamp(civil).map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_where_they_were_written() {
        let at = time("2019-04-24 15:40:04", 8).unwrap().unwrap();
        assert_eq!(at.to_string(), "2019-04-24T07:40:04Z");
        assert_eq!(time("2026-06-06", 8).unwrap().unwrap().to_string(), "2026-06-05T16:00:00Z");
        assert_eq!(time("", 8).unwrap(), None);
        assert!(time("yesterday", 8).is_err());
    }

    #[test]
    fn a_row_has_the_same_request_id_for_ever_and_a_changed_row_another() {
        let file = |title: &str| {
            format!(
                "row_id,message_id,user_code,posted_at,title,content\n1,2,3,2020-01-01 00:00:00,{title},a body that is long enough\n"
            )
        };
        let read = |title: &str| {
            let content = file(title).into_bytes();
            let mapping = Mapping::find(&header(&content).unwrap()).unwrap();
            super::read(&content, &mapping).unwrap().0[0].request_id
        };
        assert_eq!(read("a title"), read("a title"));
        assert_ne!(read("a title"), read("another title"));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_refused_and_the_others_are_not() {
        let content = b"row_id,message_id,user_code,posted_at,title,content\n1,2,3,never,a,b\n2,2,3,,a,b\n3,2\n";
        let mapping = Mapping::find(&header(content).unwrap()).unwrap();
        let (rows, refused) = super::read(content, &mapping).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(refused.iter().map(|refusal| refusal.line).collect::<Vec<_>>(), [1, 3]);
    }
}
