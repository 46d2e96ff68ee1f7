//! How often somebody may submit, upload and guess. Each limit is a bucket that fills evenly (GCRA), in this process;
//! the quotas of a day are in the database.
//!
//! A request that is repeated while it is under way costs once: whoever presses a button ten times
//! has submitted one message. And what was taken before is told again, also beyond a limit; see
//! `App::submit`.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};
use liuyan_kit::{clock::SharedClock, id};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Once, limiter::Tries};
use crate::{
    config::RatesConfig,
    domain::column::{Column, until_tomorrow},
    error::{Error, Limit},
};

/// What a bucket belongs to; never the phone or the address itself.
type Key = [u8; 16];
type Direct = RateLimiter<NotKeyed, InMemoryState, BoardClock, NoOpMiddleware<Duration>>;

/// The board's clock as governor asks it: it never goes back. Were it to, everybody who had come just before
/// would be refused until it is as late again.
#[derive(Clone)]
struct BoardClock(SharedClock, Arc<Mutex<Told>>);

/// What was told last, and by how much that is ahead of the clock, both in microseconds.
#[derive(Default)]
struct Told {
    last: i64,
    ahead: i64,
}

impl Clock for BoardClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut told = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.now().as_microsecond();
        told.ahead = told.ahead.max(told.last.saturating_sub(now));
        told.last = now.saturating_add(told.ahead);
        Duration::from_micros(u64::try_from(told.last).unwrap_or_default())
    }
}

type Buckets = RateLimiter<Key, HashMapStateStore<Key>, BoardClock, NoOpMiddleware<Duration>>;

/// Buckets by key, so many at most.
struct Keyed {
    buckets: RwLock<Buckets>,
    quota: Quota,
    clock: BoardClock,
    most: usize,
}

impl Keyed {
    fn new(
        quota: fn(NonZeroU32) -> Quota,
        count: u32,
        most: usize,
        clock: &BoardClock,
    ) -> Option<Self> {
        let quota = quota(NonZeroU32::new(count)?);
        let buckets = RwLock::new(RateLimiter::hashmap_with_clock(quota, clock.clone()));
        Some(Self { buckets, quota, clock: clock.clone(), most })
    }

    fn take(&self, key: Key) -> Result<(), Duration> {
        self.make_room();
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.check_key(&key).map_err(|no| no.wait_time_from(self.clock.now()))
    }

    /// Memory is bounded: first those go whose buckets are full again, and if that frees less than a
    /// quarter, all. Nobody is refused because others are many.
    fn make_room(&self) {
        let is_full = |buckets: &Buckets| buckets.len() >= self.most;
        if !is_full(&self.buckets.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if !is_full(&buckets) {
            return;
        }
        buckets.retain_recent();
        if buckets.len() > self.most / 4 * 3 {
            *buckets = RateLimiter::hashmap_with_clock(self.quota, self.clock.clone());
        }
    }
}

/// Counts who submits.
pub(super) struct Gate {
    clock: BoardClock,
    authors: Option<Keyed>,
    addresses: Option<Keyed>,
    agencies: Option<Keyed>,
    /// Upload tokens by the address that asks for them.
    tokens: Option<Keyed>,
    /// Uploads by their token.
    uploads: Option<Keyed>,
    /// Wrong access codes by the address that tries them.
    guesses: Option<Mutex<Tries<Key>>>,
    columns: Mutex<HashMap<String, (u32, Arc<Direct>)>>,
    salt: Mutex<Salt>,
    under_way: Mutex<HashMap<(String, Uuid), UnderWay>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// Makes addresses unreadable, and forgets them with the day.
struct Salt {
    ends: Duration,
    salt: [u8; 32],
}

#[derive(Default)]
struct UnderWay {
    calls: usize,
    spent: Vec<Limit>,
}

impl Gate {
    pub(super) fn new(config: &RatesConfig, clock: &SharedClock) -> Self {
        let clock = BoardClock(Arc::clone(clock), Arc::default());
        let keyed = |quota, count| Keyed::new(quota, count, config.keys.max(1), &clock);
        Self {
            authors: keyed(Quota::per_hour, config.author_per_hour),
            addresses: keyed(Quota::per_minute, config.address_per_minute),
            agencies: keyed(Quota::per_minute, config.agency_per_minute),
            tokens: keyed(Quota::per_minute, config.address_tokens_per_minute),
            uploads: keyed(Quota::per_hour, config.token_uploads_per_hour),
            guesses: NonZeroU32::new(config.address_guesses_per_minute).map(|count| {
                let count = f64::from(count.get());
                Mutex::new(Tries::new(count, count / 60.0))
            }),
            columns: Mutex::default(),
            salt: Mutex::new(Salt { ends: Duration::ZERO, salt: [0; 32] }),
            under_way: Mutex::default(),
            clock,
        }
    }

    /// Lets a request through to the limits; it is under way for as long as the pass lives.
    pub(super) fn pass<'g>(&'g self, once: &Once) -> Pass<'g> {
        let key = (once.caller.clone(), once.request_id);
        self.under_way().entry(key.clone()).or_default().calls += 1;
        Pass { gate: self, key }
    }

    /// Counts an upload token for the visitor's address; where nobody tells one, there is no limit here.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn upload_token(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        match (&self.tokens, address) {
            (Some(tokens), Some(address)) => tokens.take(self.address_key(address)),
            _ => Ok(()),
        }
    }

    /// Counts an upload that begins, whatever becomes of it: a file that is refused has cost as much as
    /// one that is kept.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn upload(&self, token: &str) -> Result<(), Duration> {
        self.uploads.as_ref().map_or(Ok(()), |uploads| uploads.take(key(&[token.as_bytes()])))
    }

    /// Takes one of the tries that an address has at access codes, before anything is looked up.
    ///
    /// # Errors
    /// How long to wait if it has none.
    pub(super) fn guess(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        match (self.guesses(), address) {
            (Some(mut tries), Some(address)) => {
                tries.take(self.address_key(address), self.clock.0.now())
            }
            _ => Ok(()),
        }
    }

    /// Gives the try back of somebody who had not to guess.
    pub(super) fn no_guess(&self, address: Option<IpAddr>) {
        if let (Some(mut tries), Some(address)) = (self.guesses(), address) {
            tries.give_back(&self.address_key(address));
        }
    }

    fn guesses(&self) -> Option<MutexGuard<'_, Tries<Key>>> {
        Some(self.guesses.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<(String, Uuid), UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an address is called today. One household has a whole /64 of IPv6.
    fn address_key(&self, address: IpAddr) -> Key {
        let now = self.clock.now();
        let mut salt = self.salt.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= salt.ends {
            *salt = Salt { ends: now + until_tomorrow(self.clock.0.now()), salt: id::secret() };
        }
        let network = match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        };
        key(&[&salt.salt, network.to_string().as_bytes()])
    }

    fn column(&self, column: &Column) -> Option<Arc<Direct>> {
        let quota = NonZeroU32::new(column.minute_quota)?;
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        let known = columns.get(&column.column_id).filter(|(of, _)| *of == column.minute_quota);
        if let Some((_, limiter)) = known {
            return Some(Arc::clone(limiter));
        }
        let limiter =
            Arc::new(RateLimiter::direct_with_clock(Quota::per_minute(quota), self.clock.clone()));
        columns.insert(column.column_id.clone(), (column.minute_quota, Arc::clone(&limiter)));
        Some(limiter)
    }
}

fn key(parts: &[&[u8]]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

/// A request that is under way.
pub(super) struct Pass<'g> {
    gate: &'g Gate,
    key: (String, Uuid),
}

impl Pass<'_> {
    /// Counts the visitor's address.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(super) fn address(&self, address: IpAddr) -> Result<(), Error> {
        let Some(addresses) = &self.gate.addresses else { return Ok(()) };
        self.spend(Limit::Address, || addresses.take(self.gate.address_key(address)))
    }

    /// Counts the author, by whatever they are known again.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(super) fn author(&self, author: &[u8]) -> Result<(), Error> {
        let Some(authors) = &self.gate.authors else { return Ok(()) };
        self.spend(Limit::Author, || authors.take(key(&[author])))
    }

    /// Counts an agency that has no column, or a hotline.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(super) fn agency(&self, caller: &str) -> Result<(), Error> {
        let Some(agencies) = &self.gate.agencies else { return Ok(()) };
        self.spend(Limit::Agency, || agencies.take(key(&[caller.as_bytes()])))
    }

    /// Counts the column.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(super) fn column(&self, column: &Column) -> Result<(), Error> {
        let Some(limiter) = self.gate.column(column) else { return Ok(()) };
        self.spend(Limit::Column, || {
            limiter.check().map_err(|no| no.wait_time_from(self.gate.clock.now()))
        })
    }

    fn spend(
        &self,
        limit: Limit,
        take: impl FnOnce() -> Result<(), Duration>,
    ) -> Result<(), Error> {
        let mut under_way = self.gate.under_way();
        let request = under_way.entry(self.key.clone()).or_default();
        if request.spent.contains(&limit) {
            return Ok(());
        }
        take().map_err(|wait| Error::Limited(limit, wait))?;
        request.spent.push(limit);
        Ok(())
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut under_way = self.gate.under_way();
        if let Some(request) = under_way.get_mut(&self.key) {
            request.calls -= 1;
            if request.calls == 0 {
                under_way.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use liuyan_kit::clock::ManualClock;

    use super::*;

    fn once(number: u128) -> Once {
        let request_id = Uuid::from_u128(number);
        Once { caller: "anonymous".to_owned(), request_id, body_hash: [0; 32] }
    }

    fn gate(keys: usize) -> (Gate, Arc<ManualClock>) {
        let clock = ManualClock::at(Timestamp::from_second(1_764_000_000).unwrap());
        let shared: SharedClock = clock.clone();
        let config = RatesConfig {
            author_per_hour: 2,
            address_per_minute: 2,
            address_tokens_per_minute: 2,
            token_uploads_per_hour: 2,
            address_guesses_per_minute: 2,
            keys,
            ..RatesConfig::default()
        };
        (Gate::new(&config, &shared), clock)
    }

    fn wait(result: Result<(), Error>) -> Option<Duration> {
        match result {
            Err(Error::Limited(_, wait)) => Some(wait),
            _ => None,
        }
    }

    #[test]
    fn a_clock_that_steps_back_refuses_nobody() {
        let (gate, clock) = gate(100);
        gate.pass(&once(0)).author(b"one").unwrap();
        clock.advance(SignedDuration::from_mins(-30));
        gate.pass(&once(1)).author(b"one").unwrap();
        let next = wait(gate.pass(&once(2)).author(b"one"));
        assert_eq!(next, Some(Duration::from_secs(1_800)), "as if it had not");
        clock.advance(SignedDuration::from_mins(31));
        gate.pass(&once(3)).author(b"one").unwrap();
    }

    #[test]
    fn an_author_has_so_many_in_an_hour_and_one_more_after_a_while() {
        let (gate, clock) = gate(100);
        for number in 0..2 {
            gate.pass(&once(number)).author(b"one").unwrap();
        }
        assert_eq!(wait(gate.pass(&once(2)).author(b"one")), Some(Duration::from_secs(1_800)));
        gate.pass(&once(3)).author(b"other").unwrap();
        clock.advance(SignedDuration::from_secs(1_800));
        gate.pass(&once(4)).author(b"one").unwrap();
    }

    #[test]
    fn a_request_that_is_repeated_while_under_way_costs_once() {
        let (gate, _) = gate(100);
        let first = gate.pass(&once(1));
        for _ in 0..10 {
            let again = gate.pass(&once(1));
            again.author(b"one").unwrap();
            first.author(b"one").unwrap();
        }
        gate.pass(&once(2)).author(b"one").unwrap();
        assert!(gate.pass(&once(3)).author(b"one").is_err());
        drop(first);
        assert!(gate.under_way().is_empty());
    }

    #[test]
    fn a_household_is_one_address_and_has_another_name_on_every_day() {
        let (gate, clock) = gate(100);
        let (one, other): (IpAddr, IpAddr) =
            ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        let today = gate.address_key(one);
        assert_eq!(gate.address_key(other), today);
        assert_ne!(gate.address_key("192.0.2.1".parse().unwrap()), today);
        clock.advance(SignedDuration::from_hours(24));
        assert_ne!(gate.address_key(one), today);
    }

    #[test]
    fn memory_is_bounded_and_nobody_is_refused_because_others_are_many() {
        let (gate, clock) = gate(10);
        let remembered =
            || gate.authors.as_ref().map_or(0, |authors| authors.buckets.read().unwrap().len());
        for number in 0..5_000_u128 {
            gate.pass(&once(number)).author(&number.to_be_bytes()).unwrap();
            assert!(remembered() <= 10, "{}", remembered());
        }
        clock.advance(SignedDuration::from_hours(2));
        for number in 0..8_u128 {
            gate.pass(&once(number)).author(&number.to_be_bytes()).unwrap();
        }
        // Those of two hours ago have gone; the others are known.
        assert!((8..=10).contains(&remembered()), "{}", remembered());
        gate.pass(&once(9)).author(&7_u128.to_be_bytes()).unwrap();
        assert!(gate.pass(&once(10)).author(&7_u128.to_be_bytes()).is_err());
    }

    #[test]
    fn an_address_has_so_many_upload_tokens_in_a_minute_and_a_token_so_many_uploads_in_an_hour() {
        let (gate, clock) = gate(100);
        let at = |text: &str| Some(text.parse().unwrap());
        for _ in 0..2 {
            gate.upload_token(at("192.0.2.1")).unwrap();
            gate.upload("one").unwrap();
        }
        assert_eq!(gate.upload_token(at("192.0.2.1")), Err(Duration::from_secs(30)));
        assert_eq!(gate.upload("one"), Err(Duration::from_secs(1_800)));
        gate.upload_token(at("192.0.2.2")).unwrap();
        gate.upload("other").unwrap();
        for _ in 0..10 {
            gate.upload_token(None).unwrap();
        }
        clock.advance(SignedDuration::from_secs(30));
        gate.upload_token(at("192.0.2.1")).unwrap();
        assert!(gate.upload("one").is_err());
    }

    #[test]
    fn an_address_that_has_guessed_too_often_has_to_wait_and_one_that_has_not_to_guess_never() {
        let (gate, clock) = gate(100);
        let at = |text: &str| Some(text.parse().unwrap());
        for _ in 0..10 {
            gate.guess(at("192.0.2.1")).unwrap();
            gate.no_guess(at("192.0.2.1"));
        }
        for _ in 0..2 {
            gate.guess(at("192.0.2.1")).unwrap();
        }
        assert_eq!(gate.guess(at("192.0.2.1")), Err(Duration::from_secs(30)));
        gate.guess(at("192.0.2.2")).unwrap();
        clock.advance(SignedDuration::from_secs(30));
        gate.guess(at("192.0.2.1")).unwrap();
    }

    #[test]
    fn a_limit_of_nothing_is_none() {
        let (gate, _) = gate(10);
        for number in 0..100 {
            gate.pass(&once(number)).agency("one").unwrap();
        }
    }
}
