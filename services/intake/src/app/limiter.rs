//! Bounds the wrong guesses at numbers and access codes, in this process.
//!
//! Numbers are public, so that anybody can guess at the code of a message. A limit that also stopped a
//! right code would keep its author out for as long as a stranger guesses: what is limited here is how
//! often somebody is told that a guess was wrong. A code has 50 random bits. Ten thousand guesses a
//! second try half of the codes of a message in 1,800 years, and that so many come is bounded by what
//! looking costs (a place among the readings) and by the tries of an address, beyond which nothing is
//! looked up for it; see `gate`.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::config::LookUpConfig;

/// How often a number gets one try back, in a second.
const PER_NUMBER_REFILL: f64 = 1.0 / 60.0;
/// How many numbers, and how many addresses, are remembered. Beyond that those are forgotten that have
/// all their tries.
const REMEMBERED: usize = 100_000;
/// How long to wait at least.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    fn full(size: f64, now: Timestamp) -> Self {
        Self { tokens: size, at: now }
    }

    fn refill(&mut self, size: f64, a_second: f64, now: Timestamp) {
        let elapsed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + elapsed * a_second).min(size);
        self.at = now;
    }

    /// How long until there is a whole token.
    fn wait(&self, a_second: f64) -> Duration {
        Duration::from_secs_f64(((1.0 - self.tokens) / a_second).max(0.0))
    }
}

/// So many tries for each key; they come back evenly.
#[derive(Debug)]
pub(super) struct Tries<K> {
    size: f64,
    a_second: f64,
    known: HashMap<K, Bucket>,
}

impl<K: Eq + Hash> Tries<K> {
    /// `size` tries for everybody, of which `a_second` come back.
    pub(super) fn new(size: f64, a_second: f64) -> Self {
        Self { size, a_second, known: HashMap::new() }
    }

    /// Takes a try.
    ///
    /// # Errors
    /// How long to wait if there is none.
    pub(super) fn take(&mut self, key: K, now: Timestamp) -> Result<(), Duration> {
        let (size, a_second) = (self.size, self.a_second);
        if self.known.len() >= REMEMBERED && !self.known.contains_key(&key) {
            self.known.retain(|_, bucket| {
                bucket.refill(size, a_second, now);
                bucket.tokens < size
            });
            if self.known.len() >= REMEMBERED {
                return Err(SHORTEST_WAIT);
            }
        }
        let bucket = self.known.entry(key).or_insert(Bucket::full(size, now));
        bucket.refill(size, a_second, now);
        if bucket.tokens < 1.0 {
            return Err(bucket.wait(a_second));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }

    /// Gives a try back that was none.
    pub(super) fn give_back(&mut self, key: &K) {
        if let Some(bucket) = self.known.get_mut(key) {
            bucket.tokens = (bucket.tokens + 1.0).min(self.size);
        }
    }
}

/// Counts wrong guesses.
#[derive(Debug)]
pub(super) struct Limiter(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    per_second: f64,
    all: Option<Bucket>,
    numbers: Tries<String>,
}

impl Limiter {
    /// A limiter that has seen nothing.
    pub(super) fn new(config: &LookUpConfig) -> Self {
        let per_number = f64::from(config.per_number.max(1));
        Self(Mutex::new(Counts {
            per_second: f64::from(config.per_second.max(1)),
            all: None,
            numbers: Tries::new(per_number, PER_NUMBER_REFILL),
        }))
    }

    /// Counts a wrong guess at a number, whether or not there is such a number.
    ///
    /// # Errors
    /// How long to wait before the next one, if there were too many.
    pub(super) fn wrong(&self, number: &str, now: Timestamp) -> Result<(), Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let per_second = counts.per_second;
        let all = counts.all.get_or_insert(Bucket::full(per_second, now));
        all.refill(per_second, per_second, now);
        if all.tokens < 1.0 {
            return Err(all.wait(per_second).max(SHORTEST_WAIT));
        }
        counts.numbers.take(number.to_owned(), now)?;
        if let Some(all) = counts.all.as_mut() {
            all.tokens -= 1.0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_number_has_few_wrong_guesses_and_gets_one_back_a_minute() {
        let limiter = Limiter::new(&LookUpConfig { per_number: 3, per_second: 100 });
        for _ in 0..3 {
            limiter.wrong("a", at(0)).unwrap();
        }
        assert_eq!(limiter.wrong("a", at(0)), Err(Duration::from_secs(60)));
        limiter.wrong("b", at(0)).unwrap();
        limiter.wrong("a", at(61)).unwrap();
        assert!(limiter.wrong("a", at(61)).is_err());
    }

    #[test]
    fn all_numbers_together_are_limited() {
        let limiter = Limiter::new(&LookUpConfig { per_number: 3, per_second: 2 });
        limiter.wrong("a", at(0)).unwrap();
        limiter.wrong("b", at(0)).unwrap();
        assert!(limiter.wrong("c", at(0)).is_err());
        limiter.wrong("c", at(1)).unwrap();
    }

    #[test]
    fn a_try_that_was_none_costs_nothing() {
        let mut tries = Tries::new(1.0, 1.0);
        for _ in 0..10 {
            tries.take("a", at(0)).unwrap();
            tries.give_back(&"a");
        }
        tries.take("a", at(0)).unwrap();
        assert_eq!(tries.take("a", at(0)), Err(Duration::from_secs(1)));
    }

    #[test]
    fn memory_is_bounded_and_those_who_have_all_their_tries_are_forgotten() {
        let mut tries = Tries::new(1.0, 1.0);
        for key in 0..REMEMBERED {
            tries.take(key, at(0)).unwrap();
        }
        assert_eq!(tries.take(REMEMBERED, at(0)), Err(SHORTEST_WAIT));
        tries.take(REMEMBERED, at(1)).unwrap();
        assert_eq!(tries.known.len(), 1);
    }
}
