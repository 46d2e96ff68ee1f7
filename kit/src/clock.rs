//! Time as an argument. Postgres keeps microseconds, so every clock here gives microseconds: what
//! was stored compares equal to what was said.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use time::OffsetDateTime;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present moment, in whole microseconds.
    fn now(&self) -> Timestamp;
}

/// A clock that many tasks look at.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        micros(Timestamp::now())
    }
}

/// A clock that moves only when it is told to.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(micros(now))))
    }

    /// Moves the clock, backwards if `by` is negative. It stops at the ends of time.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.saturating_add(by).unwrap_or(*now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cuts a time down to whole microseconds.
pub fn micros(timestamp: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(timestamp.as_microsecond()).unwrap_or(timestamp)
}

/// A time as sqlx binds it.
pub fn to_db(timestamp: Timestamp) -> OffsetDateTime {
    let nanos = i128::from(timestamp.as_microsecond()) * 1_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A time as sqlx gives it.
pub fn from_db(time: OffsetDateTime) -> Timestamp {
    let micros = i64::try_from(time.unix_timestamp_nanos() / 1_000).unwrap_or_default();
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time as protobuf writes it.
pub fn to_proto(timestamp: Timestamp) -> prost_types::Timestamp {
    let micros = timestamp.as_microsecond();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default(),
    }
}

/// A time that protobuf wrote; `None` if it is no time.
pub fn from_proto(timestamp: &prost_types::Timestamp) -> Option<Timestamp> {
    if !(0..1_000_000_000).contains(&timestamp.nanos) {
        return None;
    }
    Timestamp::new(timestamp.seconds, timestamp.nanos).ok().map(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_database_and_wire() {
        for micros in [0, 1, 1_732_000_000_123_456, -62_000_000_000_000_001] {
            let time = Timestamp::from_microsecond(micros).unwrap();
            assert_eq!(from_db(to_db(time)), time);
            assert_eq!(from_proto(&to_proto(time)), Some(time));
        }
    }

    #[test]
    fn a_time_with_negative_nanoseconds_is_no_time() {
        assert_eq!(from_proto(&prost_types::Timestamp { seconds: 1, nanos: -1 }), None);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), clock.now());
        clock.advance(SignedDuration::from_secs(5));
        assert_eq!(clock.now().as_second(), 5);
    }
}
