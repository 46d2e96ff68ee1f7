//! The door before the writers: waits, sends away, and counts who is in. The rules are those of
//! `domain::admission`; here are the tasks that wait, and the clock.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use crate::{
    config::{AdmissionConfig, WriterConfig},
    domain::admission::{self, Arrival, Bounds, Priority},
    error::Error,
};

/// The longest pause of somebody patient who was sent away.
const PAUSE: Duration = Duration::from_millis(250);

/// The door. Cheap to clone.
#[derive(Clone)]
pub(super) struct Admission(Arc<Shared>);

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("limit", &self.0.lock().rules.limit()).finish()
    }
}

struct Shared {
    state: Mutex<State>,
    began: Instant,
}

/// What somebody who waits is told.
type Verdict = Result<(), Duration>;

struct State {
    rules: admission::Admission,
    told: HashMap<u64, oneshot::Sender<Verdict>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, priority: Priority, since: Duration) {
        let mut state = self.lock();
        let admitted = state.rules.leave(priority, since, self.began.elapsed());
        for ticket in admitted {
            if let Some(told) = state.told.remove(&ticket) {
                // Whoever goes away takes back their ticket first, under the same lock.
                let _ = told.send(Ok(()));
            }
        }
    }
}

impl Admission {
    pub(super) fn new(config: &AdmissionConfig, writer: &WriterConfig) -> Self {
        let rules = admission::Admission::new(Bounds {
            least: config.least,
            most: writer.queue,
            latency: Duration::from_millis(config.latency_ms),
            waiting: config.waiting,
        });
        let state = Mutex::new(State { rules, told: HashMap::new() });
        Self(Arc::new(Shared { state, began: Instant::now() }))
    }

    /// Says whether there is no use in asking to come in.
    ///
    /// # Errors
    /// [`Error::QueueFull`] with the time after which to come back.
    pub(super) fn look(&self, priority: Priority) -> Result<(), Error> {
        match self.0.lock().rules.full_for(priority) {
            Some(wait) => Err(Error::QueueFull(wait)),
            None => Ok(()),
        }
    }

    /// Comes in, if need be after a while.
    ///
    /// # Errors
    /// [`Error::QueueFull`] with the time after which to come back.
    pub(super) async fn enter(
        &self,
        priority: Priority,
        patience: Duration,
    ) -> Result<Permit, Error> {
        let arrived = {
            let mut state = self.0.lock();
            let (arrival, shed) = state.rules.arrive(priority);
            if let Some(shed) = shed
                && let Some(told) = state.told.remove(&shed.ticket)
            {
                let _ = told.send(Err(shed.retry_after));
            }
            match arrival {
                Arrival::Admitted => Ok(None),
                Arrival::Refused(wait) => Err(wait),
                Arrival::Waits(ticket) => {
                    let (send, receive) = oneshot::channel();
                    state.told.insert(ticket, send);
                    let shared = Arc::clone(&self.0);
                    Ok(Some(Place { shared, priority, ticket, told: receive, done: false }))
                }
            }
        };
        match arrived {
            Ok(None) => {}
            Err(wait) => return Err(Error::QueueFull(wait)),
            Ok(Some(place)) => place.wait(patience).await.map_err(Error::QueueFull)?,
        }
        Ok(Permit { shared: Arc::clone(&self.0), priority, since: self.0.began.elapsed() })
    }

    /// Comes in, however often it takes to ask: for a stream, which takes no more from its caller
    /// meanwhile.
    ///
    /// # Errors
    /// [`Error::QueueFull`] if there was no room for as long as `patience`.
    pub(super) async fn enter_patiently(
        &self,
        priority: Priority,
        patience: Duration,
    ) -> Result<Permit, Error> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.enter(priority, left).await {
                Err(Error::QueueFull(wait)) if !left.is_zero() => sleep(wait.min(PAUSE)).await,
                entered => return entered,
            }
        }
    }
}

/// A place in the queue. Whoever drops it goes away.
struct Place {
    shared: Arc<Shared>,
    priority: Priority,
    ticket: u64,
    told: oneshot::Receiver<Verdict>,
    done: bool,
}

impl Place {
    async fn wait(mut self, patience: Duration) -> Verdict {
        match timeout(patience, &mut self.told).await {
            Ok(Ok(verdict)) => {
                self.done = true;
                verdict
            }
            // Nobody told; or the patience has ended, which is for the caller as if it were shed.
            Ok(Err(_)) | Err(_) => Err(patience.max(PAUSE)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut state = self.shared.lock();
        state.told.remove(&self.ticket);
        if state.rules.give_up(self.priority, self.ticket) {
            return;
        }
        drop(state);
        // It was let in at the very moment.
        if let Ok(Ok(())) = self.told.try_recv() {
            self.shared.leave(self.priority, self.shared.began.elapsed());
        }
    }
}

/// Somebody is in for as long as this lives.
pub(super) struct Permit {
    shared: Arc<Shared>,
    priority: Priority,
    since: Duration,
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.priority).finish()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.leave(self.priority, self.since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    fn door(queue: usize, waiting: usize) -> Admission {
        let config =
            AdmissionConfig { least: 1, latency_ms: 500, waiting, ..AdmissionConfig::default() };
        Admission::new(&config, &WriterConfig { tasks: 1, batch: 1, pace_ms: 0, queue })
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_comes_in_when_another_one_leaves() {
        let door = door(1, 1);
        let inside = door.enter(Priority::Citizen, SHORT).await.unwrap();
        let waits = tokio::spawn({
            let door = door.clone();
            async move { door.enter(Priority::Citizen, LONG).await.map(|_| ()) }
        });
        tokio::task::yield_now().await;
        let refused = door.enter(Priority::Citizen, SHORT).await.unwrap_err();
        assert!(matches!(refused, Error::QueueFull(wait) if wait > Duration::ZERO));
        drop(inside);
        waits.await.unwrap().unwrap();
        door.enter(Priority::Citizen, SHORT).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_they_have_patience() {
        let door = door(1, 10);
        let inside = door.enter(Priority::Citizen, SHORT).await.unwrap();
        assert!(door.enter(Priority::Read, SHORT).await.is_err());
        assert!(door.enter_patiently(Priority::Partner, LONG).await.is_err());
        assert_eq!(door.0.lock().rules.waiting(), 0);
        assert!(door.0.lock().told.is_empty());
        drop(inside);
        door.enter(Priority::Read, SHORT).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_hangs_up_while_waiting_leaves_no_trace() {
        let door = door(1, 10);
        let inside = door.enter(Priority::Citizen, SHORT).await.unwrap();
        let mut waits = Box::pin(door.enter(Priority::Citizen, LONG));
        assert!(futures::poll!(waits.as_mut()).is_pending());
        // It is let in, and hangs up before it hears of it.
        drop(inside);
        drop(waits);
        door.enter(Priority::Citizen, SHORT).await.unwrap();
    }
}
