//! Answers that are shown while the next ones are fetched.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{class::Classify as _, clock::SharedClock};

use crate::{config::Limits, error::Error};

/// Keeps answers by key. A fresh one is given at once. One that has not been fresh for a little while
/// is given at once, too, while one caller's request fetches the next in the background. An older
/// one is shown only if its service is away.
pub(crate) struct Cache<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    entries: Mutex<HashMap<K, Entry<V>>>,
    clock: SharedClock,
    fresh: SignedDuration,
    /// Until when an answer is shown while the next is fetched.
    grace: SignedDuration,
    /// Until when an answer is shown while its service is away.
    stale: SignedDuration,
    kept: usize,
}

struct Entry<V> {
    value: Arc<V>,
    at: Timestamp,
    /// Since when somebody fetches the next one.
    fetching: Option<Timestamp>,
}

impl<K, V> Clone for Cache<K, V> {
    /// The same answers.
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

/// After how long a fetch that gave nothing is begun again.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

impl<K, V> Cache<K, V>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// A cache whose answers are fresh for a while, and shown for three times as long while the
    /// next are fetched.
    pub(crate) fn new(clock: SharedClock, fresh: SignedDuration, limits: &Limits) -> Self {
        Self(Arc::new(Inner {
            entries: Mutex::default(),
            clock,
            fresh,
            grace: fresh.saturating_add(fresh).saturating_add(fresh),
            stale: limits.stale(),
            kept: limits.kept.max(1),
        }))
    }

    /// The answer for `key`; `load` fetches one that is missing.
    pub(crate) async fn get<F, Fut>(&self, key: K, load: F) -> Result<Arc<V>, Error>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, Error>> + Send + 'static,
    {
        match self.0.look(&key) {
            Look::Fresh(value) => Ok(value),
            Look::Stale(value) => {
                let (inner, fetch) = (Arc::clone(&self.0), load());
                tokio::spawn(async move {
                    match fetch.await {
                        Ok(next) => {
                            inner.put(key, next);
                        }
                        Err(error) => tracing::debug!(%error, "an old answer goes on"),
                    }
                });
                Ok(value)
            }
            Look::Old(value) => match load().await {
                Ok(next) => Ok(self.0.put(key, next)),
                Err(error) if error.class().passes() => Ok(value),
                Err(error) => Err(error),
            },
            Look::Missing => Ok(self.0.put(key, load().await?)),
        }
    }

    /// Keeps an answer that came by another way.
    pub(crate) fn set(&self, key: K, value: V) {
        self.0.put(key, value);
    }
}

enum Look<V> {
    Fresh(Arc<V>),
    /// To be shown while this caller fetches the next one.
    Stale(Arc<V>),
    /// To be shown if there is no next one.
    Old(Arc<V>),
    Missing,
}

impl<K: Eq + Hash, V> Inner<K, V> {
    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, key: &K) -> Look<V> {
        let now = self.clock.now();
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(key) else { return Look::Missing };
        let age = now.duration_since(entry.at);
        if age > self.stale {
            return Look::Missing;
        }
        let value = Arc::clone(&entry.value);
        if age > self.grace {
            return Look::Old(value);
        }
        let busy = entry.fetching.is_some_and(|since| now.duration_since(since) < AGAIN);
        if age <= self.fresh || busy {
            return Look::Fresh(value);
        }
        entry.fetching = Some(now);
        Look::Stale(value)
    }

    fn put(&self, key: K, value: V) -> Arc<V> {
        let (now, value) = (self.clock.now(), Arc::new(value));
        let mut entries = self.entries();
        if entries.len() >= self.kept && !entries.contains_key(&key) {
            let fresh = self.fresh;
            entries.retain(|_, entry| now.duration_since(entry.at) <= fresh);
            if entries.len() >= self.kept {
                entries.clear();
            }
        }
        let entry = Entry { value: Arc::clone(&value), at: now, fetching: None };
        entries.insert(key, entry);
        value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use liuyan_kit::clock::ManualClock;

    use super::*;

    fn limits() -> Limits {
        Limits {
            form_bytes: 0,
            page_ms: 0,
            call_ms: 0,
            concurrency: 0,
            forms_per_minute: 0,
            fresh_seconds: 10,
            lists_seconds: 2,
            stale_seconds: 60,
            kept: 2,
        }
    }

    #[tokio::test]
    async fn an_old_answer_is_shown_while_one_caller_fetches_the_next() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let cache = Cache::<u8, usize>::new(clock.clone(), limits().fresh(), &limits());
        let loads = Arc::new(AtomicUsize::new(0));
        let get = || {
            let loads = Arc::clone(&loads);
            cache.get(1, || async move { Ok(loads.fetch_add(1, Ordering::SeqCst) + 1) })
        };
        assert_eq!(*get().await.unwrap(), 1);
        clock.advance(SignedDuration::from_secs(9));
        assert_eq!(*get().await.unwrap(), 1);
        assert_eq!(loads.load(Ordering::SeqCst), 1);
        clock.advance(SignedDuration::from_secs(2));
        assert_eq!((*get().await.unwrap(), *get().await.unwrap()), (1, 1));
        tokio::task::yield_now().await;
        assert_eq!(*get().await.unwrap(), 2);
        assert_eq!(loads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_answer_that_is_too_old_is_not_shown_and_not_too_many_are_kept() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let cache = Cache::<u8, u8>::new(clock.clone(), limits().fresh(), &limits());
        for key in 0..5 {
            cache.get(key, || async move { Ok(key) }).await.unwrap();
        }
        assert!(cache.0.entries().len() <= 2);
        let away = || async { Err(Error::Overloaded) };
        clock.advance(SignedDuration::from_secs(59));
        assert_eq!(*cache.get(4, away).await.unwrap(), 4);
        clock.advance(SignedDuration::from_secs(2));
        assert!(cache.get(4, away).await.is_err());
    }
}
