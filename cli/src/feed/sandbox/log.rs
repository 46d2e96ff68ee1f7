//! The recorded log: places in it, and what is chosen of it.

use std::collections::BTreeMap;

use liuyan_feed_client::v1::{Clause, Event, EventFilter};
use liuyan_proto::json;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage as _};
use prost_types::{FieldMask, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// What readers are told wherever a life of the log is named.
pub(super) const EPOCH: &str = "00000000-0000-7000-8000-5a4d20b0c5e5";
/// The type by which a case is taken back; it reaches everybody.
const HIDDEN: &str = "liuyan.feed.v1.case-hidden";

/// Recorded events, in their order. A position is a place in it, from 1.
pub(super) struct Log {
    events: Vec<Event>,
    descriptor: MessageDescriptor,
}

impl Log {
    /// Reads lines of JSON.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let descriptor = json::descriptor(json::EVENT)
            .ok_or_else(|| Error::Check("the contracts know no event".to_owned()))?;
        let mut events = Vec::new();
        for (index, line) in text.lines().filter(|line| !line.is_empty()).enumerate() {
            let wrong = |why: String| Error::Usage(format!("line {}: {why}", index + 1));
            let read = json::read(json::EVENT, &mut serde_json::Deserializer::from_str(line));
            let read = read.map_err(|error| wrong(error.to_string()))?;
            let event = Event::decode(read.as_slice())
                .map_err(|error| wrong(format!("no event: {error}")))?;
            if event.position != index as u64 + 1 {
                return Err(wrong(format!("its position is {}", event.position)));
            }
            events.push(event);
        }
        Ok(Self { events, descriptor })
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// What is at a position, from 1.
    pub(super) fn at(&self, position: usize) -> Option<&Event> {
        self.events.get(position.checked_sub(1)?)
    }

    /// The places of those among the first `until` that are the newest of their cases, if the case is chosen as
    /// it is there; the types of events do not count. Cases that were taken back have none.
    pub(super) fn newest(&self, until: usize, filter: Option<&EventFilter>) -> Vec<usize> {
        let mut newest: BTreeMap<&str, usize> = BTreeMap::new();
        for position in 1..=until {
            newest.extend(self.at(position).map(|event| (event.subject.as_str(), position)));
        }
        let mut filter = filter.cloned();
        let clauses = filter.iter_mut().flat_map(|filter| filter.any_of.iter_mut());
        clauses.for_each(|clause| clause.event_types.clear());
        let shown = |event: &Event| event.r#type != HIDDEN && chooses(filter.as_ref(), event);
        let mut places: Vec<usize> = newest.into_values().collect();
        places.retain(|position| self.at(*position).is_some_and(shown));
        places.sort_unstable();
        places
    }

    /// The place of an event by its id.
    pub(super) fn of_id(&self, id: &str) -> Option<usize> {
        self.events.iter().position(|event| event.id == id).map(|index| index + 1)
    }

    /// The types that occur.
    pub(super) fn types(&self) -> Vec<String> {
        let mut types: Vec<String> = self.events.iter().map(|it| it.r#type.clone()).collect();
        types.sort();
        types.dedup();
        types
    }

    /// The place before the first event recorded at or after a time.
    pub(super) fn before(&self, time: Timestamp) -> usize {
        let key = |time: Timestamp| (time.seconds, time.nanos);
        let earlier = |event: &Event| event.recorded_time.map(key) < Some(key(time));
        self.events.partition_point(earlier)
    }

    /// Fields of events that do not exist, by their places in the mask.
    pub(super) fn unknown(&self, mask: Option<&FieldMask>) -> Vec<usize> {
        let known = |path: &String| {
            let mut message = Some(self.descriptor.clone());
            path.split('.').all(|name| {
                let field = message.take().and_then(|it| it.get_field_by_name(name));
                message = field.as_ref().and_then(|it| it.kind().as_message().cloned());
                field.is_some()
            })
        };
        let paths = mask.map_or(&[][..], |mask| mask.paths.as_slice());
        let faults = paths.iter().enumerate().filter(|(_, path)| !known(path));
        faults.map(|(index, _)| index).collect()
    }

    /// The event with the fields that a mask names.
    pub(super) fn masked(&self, event: &Event, mask: Option<&FieldMask>) -> Event {
        let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else { return event.clone() };
        let whole =
            DynamicMessage::decode(self.descriptor.clone(), event.encode_to_vec().as_slice());
        let Ok(mut message) = whole else { return event.clone() };
        let paths: Vec<Vec<&str>> = mask.paths.iter().map(|it| it.split('.').collect()).collect();
        keep(&mut message, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>());
        message.transcode_to().unwrap_or_default()
    }
}

/// Clears what no path names.
fn keep(message: &mut DynamicMessage, paths: &[&[&str]]) {
    let fields: Vec<_> = message.descriptor().fields().collect();
    for field in fields {
        let below: Vec<&[&str]> = paths
            .iter()
            .filter_map(|path| path.split_first())
            .filter(|(name, _)| **name == field.name())
            .map(|(_, rest)| rest)
            .collect();
        if below.is_empty() {
            message.clear_field(&field);
        } else if below.iter().all(|rest| !rest.is_empty())
            && message.has_field(&field)
            && let Some(inner) = message.get_field_mut(&field).as_message_mut()
        {
            keep(inner, &below);
        }
    }
}

/// A text for a place, with a mark by which a damaged one is recognised.
pub(super) fn cursor(position: usize) -> String {
    let mark = hex::encode(Sha256::digest(format!("{EPOCH}/{position}")));
    format!("sandbox-{position}-{}", &mark[..16])
}

/// A text for a place in the middle of a snapshot: as of which position, and how many views were given.
pub(super) fn cursor_in_snapshot(position: usize, given: usize) -> String {
    let mark = hex::encode(Sha256::digest(format!("{EPOCH}/{position}/{given}")));
    format!("sandbox-{position}-{given}-{}", &mark[..16])
}

/// Position and number of such a text.
pub(super) fn place_in_snapshot(text: &str) -> Option<(usize, usize)> {
    let mut numbers = text.strip_prefix("sandbox-")?.split('-');
    let (position, given) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    (cursor_in_snapshot(position, given) == text).then_some((position, given))
}

/// The place of such a text.
pub(super) fn place(text: &str) -> Option<usize> {
    let position = text.strip_prefix("sandbox-")?.split('-').next()?.parse().ok()?;
    (cursor(position) == text).then_some(position)
}

/// Whether a filter chooses an event.
pub(super) fn chooses(filter: Option<&EventFilter>, event: &Event) -> bool {
    let clauses = filter.map_or(&[][..], |filter| filter.any_of.as_slice());
    clauses.is_empty() || clauses.iter().any(|clause| fits(clause, event))
}

/// Whether a type is named by a text of a filter.
pub(super) fn names(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => event_type.starts_with(beginning),
        None => event_type == pattern,
    }
}

fn fits(clause: &Clause, event: &Event) -> bool {
    let case = event.case.clone().unwrap_or_default();
    let among = |list: &[String], value: &str| list.is_empty() || list.iter().any(|it| it == value);
    let wanted = clause.event_types.is_empty()
        || clause.event_types.iter().any(|pattern| names(pattern, &event.r#type));
    if event.r#type == HIDDEN {
        return wanted;
    }
    // A code of a division without the pairs of noughts at its end begins those of all below.
    let below = |code: &String| {
        let mut code = code.as_str();
        while let Some(above) = code.strip_suffix("00") {
            code = above;
        }
        case.division_code.starts_with(code)
    };
    let divisions = &clause.division_codes;
    wanted
        && among(&clause.office_ids, &case.office_id)
        && (among(divisions, &case.division_code)
            || (clause.include_below && divisions.iter().any(below)))
        && among(&clause.domains, &case.domain)
        && among(&clause.kinds, &case.kind)
        && (clause.states.is_empty() || clause.states.contains(&case.state))
}
