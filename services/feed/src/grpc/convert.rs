//! Requests, checked: everything that is wrong is told at once.

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;
use liuyan_kit::{class::Violation, clock};
use liuyan_proto::liuyan::{
    common::v1::CaseState,
    feed::v1::{
        self as proto, BatchGetEventsRequest, BatchLimits, EventFilter, ListEventsRequest,
        WatchEventsRequest, watch_events_request,
    },
};

use uuid::Uuid;

use crate::{
    app::{List, Start},
    config::Config,
    domain::{
        PageLimits,
        cursor::{Cursor, InSnapshot},
        filter::{Clause, DivisionPattern, Fault, Filter, MOST_CLAUSES, MOST_VALUES, TypePattern},
        mask::Mask,
        subscription::MOST_IDS,
    },
    error::Error,
    payload::EVENT_TYPES,
};

const CURSOR_MALFORMED: &str = "CURSOR_MALFORMED";

/// A checked `WatchEventsRequest`.
#[derive(Debug)]
pub struct Watch {
    /// Where to begin.
    pub start: Start,
    /// Where to end.
    pub end: Option<Cursor>,
    /// Which events.
    pub filter: Filter,
    /// How much one frame holds.
    pub limits: PageLimits,
    /// How often a frame comes.
    pub heartbeat: Duration,
    /// Which fields.
    pub mask: Mask,
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Check(Vec<Violation>);

impl Check {
    pub(super) fn add(&mut self, field: impl Into<String>, reason: &'static str) {
        self.0.push(Violation::new(field, reason));
    }

    /// Ends the check. A cursor that is none, and nothing else, has a reason of its own.
    pub(super) fn end<T>(self, value: T) -> Result<T, Error> {
        match self.0.as_slice() {
            [] => Ok(value),
            [only] if only.reason == CURSOR_MALFORMED => {
                Err(Error::CursorMalformed(if only.field == "end_cursor" {
                    "end_cursor"
                } else {
                    "cursor"
                }))
            }
            _ => Err(Error::Invalid(self.0)),
        }
    }

    pub(super) fn cursor(&mut self, field: &str, text: &str) -> Option<Cursor> {
        if text.is_empty() {
            return None;
        }
        let cursor = Cursor::parse(text).ok();
        if cursor.is_none() {
            self.add(field, CURSOR_MALFORMED);
        }
        cursor
    }

    /// A number of which 0 means "as usual" and too much means "the most".
    pub(super) fn number(&mut self, field: &str, said: i32, usual: usize, most: usize) -> usize {
        match usize::try_from(said) {
            Ok(0) => usual,
            Ok(number) => number.min(most),
            Err(_) => {
                self.add(field, "NEGATIVE");
                usual
            }
        }
    }

    pub(super) fn duration(
        &mut self,
        field: &str,
        said: Option<prost_types::Duration>,
        usual: Duration,
        bounds: std::ops::RangeInclusive<Duration>,
    ) -> Duration {
        let Some(said) = said else { return usual };
        let Ok(duration) = Duration::try_from(said) else {
            self.add(field, "NOT_A_DURATION");
            return usual;
        };
        if !bounds.contains(&duration) {
            let violation = Violation::new(field, "OUT_OF_BOUNDS")
                .with("least", bounds.start().as_millis())
                .with("most", bounds.end().as_millis());
            self.0.push(violation);
        }
        duration
    }

    /// Ids of events.
    pub(super) fn ids(&mut self, field: &str, texts: &[String]) -> Vec<Uuid> {
        if texts.len() > MOST_IDS {
            let violation = Violation::new(field, "TOO_MANY_VALUES").with("most", MOST_IDS);
            self.0.push(violation);
        }
        let mut ids = Vec::new();
        for (index, text) in texts.iter().take(MOST_IDS).enumerate() {
            match text.parse() {
                Ok(id) => ids.push(id),
                Err(_) => self.add(format!("{field}[{index}]"), "NOT_A_UUID"),
            }
        }
        ids
    }

    pub(super) fn mask(&mut self, said: Option<&prost_types::FieldMask>) -> Mask {
        let paths = said.map_or(&[][..], |mask| mask.paths.as_slice());
        Mask::parse(paths).unwrap_or_else(|unknown| {
            for index in unknown {
                self.add(format!("read_mask.paths[{index}]"), "UNKNOWN_FIELD");
            }
            Mask::ALL
        })
    }

    pub(super) fn filter(&mut self, said: Option<&EventFilter>) -> Filter {
        let clauses = said.map_or(&[][..], |filter| filter.any_of.as_slice());
        let field = "filter.any_of";
        if clauses.len() > MOST_CLAUSES {
            self.fault(field, &Fault::TooManyClauses);
            return Filter::default();
        }
        let clauses = clauses
            .iter()
            .enumerate()
            .map(|(index, clause)| self.clause(&format!("{field}[{index}]"), clause))
            .collect();
        Filter::new(clauses).unwrap_or_else(|fault| {
            self.fault(field, &fault);
            Filter::default()
        })
    }

    fn clause(&mut self, field: &str, said: &proto::Clause) -> Clause {
        let values = said.event_types.len()
            + said.office_ids.len()
            + said.division_codes.len()
            + said.domains.len()
            + said.kinds.len()
            + said.states.len();
        if let Err(fault) = Clause::check_size(values) {
            self.fault(field, &fault);
            return Clause::default();
        }
        Clause {
            event_types: self.values(&format!("{field}.event_types"), &said.event_types, |text| {
                TypePattern::parse(text, &EVENT_TYPES)
            }),
            office_ids: self.texts(&format!("{field}.office_ids"), &said.office_ids),
            divisions: self.values(
                &format!("{field}.division_codes"),
                &said.division_codes,
                |code| DivisionPattern::parse(code, said.include_below),
            ),
            domains: self.texts(&format!("{field}.domains"), &said.domains),
            kinds: self.texts(&format!("{field}.kinds"), &said.kinds),
            states: self
                .values(&format!("{field}.states"), &said.states, |state| match state {
                    state if *state > 0 && CaseState::try_from(*state).is_ok() => Ok(*state),
                    _ => Err(Fault::UnknownState),
                })
                .into_iter()
                .collect(),
        }
    }

    fn values<V, T>(
        &mut self,
        field: &str,
        values: &[V],
        parse: impl Fn(&V) -> Result<T, Fault>,
    ) -> Vec<T> {
        let mut parsed = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match parse(value) {
                Ok(value) => parsed.push(value),
                Err(fault) => self.fault(&format!("{field}[{index}]"), &fault),
            }
        }
        parsed
    }

    fn texts(&mut self, field: &str, texts: &[String]) -> HashSet<String> {
        let parse = |text: &String| {
            if text.is_empty() { Err(Fault::Empty) } else { Ok(text.clone()) }
        };
        self.values(field, texts, parse).into_iter().collect()
    }

    fn fault(&mut self, field: &str, fault: &Fault) {
        self.0.push(match fault {
            Fault::TooManyClauses => {
                Violation::new(field, "TOO_MANY_CLAUSES").with("most", MOST_CLAUSES)
            }
            Fault::TooManyValues => {
                Violation::new(field, "TOO_MANY_VALUES").with("most", MOST_VALUES)
            }
            Fault::UnknownType => Violation::new(field, "UNKNOWN_EVENT_TYPE"),
            Fault::DivisionMalformed => Violation::new(field, "DIVISION_MALFORMED"),
            Fault::UnknownState => Violation::new(field, "UNKNOWN_STATE"),
            Fault::Empty => Violation::new(field, "EMPTY_VALUE"),
        });
    }

    pub(super) fn time(&mut self, said: &prost_types::Timestamp, now: Timestamp) -> Start {
        match clock::from_proto(said) {
            Some(time) if time <= now => return Start::Time(time),
            Some(_) => self.add("start_time", "TIME_IN_FUTURE"),
            None => self.add("start_time", "NOT_A_TIME"),
        }
        Start::Latest
    }
}

/// Checks a `ListEventsRequest`.
pub fn list(request: &ListEventsRequest, config: &Config) -> Result<(List, Mask), Error> {
    let mut check = Check::default();
    let longest = Duration::from_secs(30);
    let wait = check.duration("wait", request.wait, Duration::ZERO, Duration::ZERO..=longest);
    let list = List {
        start: check.cursor("cursor", &request.cursor).map_or(Start::Earliest, Start::Cursor),
        filter: check.filter(request.filter.as_ref()),
        limits: PageLimits {
            events: check.number(
                "page_size",
                request.page_size,
                config.page_events_default,
                config.page_events,
            ),
            bytes: config.page_bytes,
            scanned: config.scan_events,
        },
        wait: wait.min(Duration::from_millis(config.wait_max_ms)),
    };
    let mask = check.mask(request.read_mask.as_ref());
    check.end((list, mask))
}

/// Checks a `BatchGetEventsRequest`.
pub fn by_id(request: &BatchGetEventsRequest) -> Result<(Vec<Uuid>, Mask), Error> {
    let mut check = Check::default();
    let mask = check.mask(request.read_mask.as_ref());
    let ids = check.ids("event_ids", &request.event_ids);
    check.end((ids, mask))
}

/// Checks a `WatchEventsRequest`.
pub fn watch(
    request: &WatchEventsRequest,
    config: &Config,
    now: Timestamp,
) -> Result<Watch, Error> {
    let mut check = Check::default();
    let start = match &request.start {
        Some(watch_events_request::Start::Cursor(text)) => match InSnapshot::parse(text) {
            Ok(place) => Start::InSnapshot(place),
            Err(_) => check.cursor("cursor", text).map_or(Start::Earliest, Start::Cursor),
        },
        Some(watch_events_request::Start::Snapshot(_)) => Start::Snapshot,
        Some(watch_events_request::Start::StartTime(time)) => check.time(time, now),
        Some(watch_events_request::Start::Latest(_)) => Start::Latest,
        Some(watch_events_request::Start::Earliest(_)) | None => Start::Earliest,
    };
    let limits = limits(&mut check, request.batch.unwrap_or_default(), config);
    let watch = Watch {
        start,
        end: check.cursor("end_cursor", &request.end_cursor),
        filter: check.filter(request.filter.as_ref()),
        limits,
        heartbeat: check.duration(
            "heartbeat_interval",
            request.heartbeat_interval,
            Duration::from_millis(config.heartbeat_ms),
            config.heartbeat_bounds(),
        ),
        mask: check.mask(request.read_mask.as_ref()),
    };
    check.end(watch)
}

/// How much one frame may hold.
pub(super) fn limits(check: &mut Check, batch: BatchLimits, config: &Config) -> PageLimits {
    PageLimits {
        events: check.number(
            "batch.max_events",
            batch.max_events,
            config.page_events_default,
            config.page_events,
        ),
        bytes: check.number(
            "batch.max_bytes",
            batch.max_bytes,
            config.page_bytes_default,
            config.page_bytes,
        ),
        scanned: config.scan_events,
    }
}

/// The end lies before the start.
pub fn end_before_start() -> Error {
    Error::Invalid(vec![Violation::new("end_cursor", "CURSOR_BEFORE_START")])
}
