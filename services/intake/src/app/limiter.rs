//! Bounds the wrong guesses at numbers and access codes, in this process.
//!
//! A number has 50 bits of access code behind it. Ten guesses a number and one a minute after them
//! are no way to find one, and the limit for all numbers together bounds a search across numbers.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::config::LookUpConfig;

/// How often a number gets one try back.
const PER_NUMBER_REFILL: f64 = 1.0 / 60.0;
/// How many numbers are remembered. Beyond that those are forgotten that have all their tries.
const NUMBERS_REMEMBERED: usize = 100_000;

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

/// Counts wrong guesses.
#[derive(Debug)]
pub(super) struct Limiter {
    per_number: f64,
    per_second: f64,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    all: Option<Bucket>,
    numbers: HashMap<String, Bucket>,
}

impl Limiter {
    /// A limiter that has seen nothing.
    pub(super) fn new(config: &LookUpConfig) -> Self {
        Self {
            per_number: f64::from(config.per_number.max(1)),
            per_second: f64::from(config.per_second.max(1)),
            buckets: Mutex::new(Buckets { all: None, numbers: HashMap::new() }),
        }
    }

    /// Takes a try for a number.
    ///
    /// # Errors
    /// How long to wait if there is none.
    pub(super) fn take(&self, number: &str, now: Timestamp) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let per_number = self.per_number;
        if buckets.numbers.len() >= NUMBERS_REMEMBERED {
            buckets.numbers.retain(|_, bucket| {
                bucket.refill(per_number, PER_NUMBER_REFILL, now);
                bucket.tokens < per_number
            });
        }
        let full = buckets.numbers.len() >= NUMBERS_REMEMBERED;
        let all = buckets.all.get_or_insert(Bucket::full(self.per_second, now));
        all.refill(self.per_second, self.per_second, now);
        if all.tokens < 1.0 || (full && !buckets.numbers.contains_key(number)) {
            let wait = buckets.all.map_or(Duration::ZERO, |all| all.wait(self.per_second));
            return Err(wait.max(Duration::from_millis(100)));
        }
        let one = buckets.numbers.entry(number.to_owned()).or_insert(Bucket::full(per_number, now));
        one.refill(per_number, PER_NUMBER_REFILL, now);
        if one.tokens < 1.0 {
            return Err(one.wait(PER_NUMBER_REFILL));
        }
        one.tokens -= 1.0;
        if let Some(all) = buckets.all.as_mut() {
            all.tokens -= 1.0;
        }
        Ok(())
    }

    /// Gives a try back: the guess was right, and its owner may come as often as they like.
    pub(super) fn give_back(&self, number: &str) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = buckets.numbers.get_mut(number) {
            one.tokens = (one.tokens + 1.0).min(self.per_number);
        }
        if let Some(all) = buckets.all.as_mut() {
            all.tokens = (all.tokens + 1.0).min(self.per_second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_number_has_few_tries_and_gets_one_back_a_minute() {
        let limiter = Limiter::new(&LookUpConfig { per_number: 3, per_second: 100 });
        for _ in 0..3 {
            limiter.take("a", at(0)).unwrap();
        }
        assert_eq!(limiter.take("a", at(0)), Err(Duration::from_secs(60)));
        limiter.take("b", at(0)).unwrap();
        limiter.take("a", at(61)).unwrap();
        assert!(limiter.take("a", at(61)).is_err());
    }

    #[test]
    fn all_numbers_together_are_limited() {
        let limiter = Limiter::new(&LookUpConfig { per_number: 3, per_second: 2 });
        limiter.take("a", at(0)).unwrap();
        limiter.take("b", at(0)).unwrap();
        assert!(limiter.take("c", at(0)).is_err());
        limiter.take("c", at(1)).unwrap();
    }

    #[test]
    fn a_right_guess_costs_nothing() {
        let limiter = Limiter::new(&LookUpConfig { per_number: 1, per_second: 1 });
        for _ in 0..10 {
            limiter.take("a", at(0)).unwrap();
            limiter.give_back("a");
        }
    }
}
