//! The connections of a database, in numbers.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicU32, Ordering},
};

use sqlx::PgPool;

/// The pools of one database in this process, and who waits for a connection of theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct Pools {
    /// Held by whoever uses them.
    known: Arc<Mutex<Vec<Weak<PgPool>>>>,
    waiting: Arc<AtomicU32>,
}

/// How the connections of a database are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    /// How many there may be.
    pub limit: u32,
    /// How many somebody holds.
    pub used: u32,
    /// How many are open, and nobody holds them.
    pub idle: u32,
    /// How many callers wait for one.
    pub waiting: u32,
}

impl Pools {
    /// Counts a pool for as long as it lives.
    pub(super) fn add(&self, pool: PgPool) -> Arc<PgPool> {
        let pool = Arc::new(pool);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|pool| pool.strong_count() > 0);
        known.push(Arc::downgrade(&pool));
        pool
    }

    /// Counts somebody who waits for a connection, until the value is dropped.
    pub(super) fn wait(&self) -> Waiting {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(Arc::clone(&self.waiting))
    }

    pub(super) fn told(&self) -> Use {
        let mut told = Use { waiting: self.waiting.load(Ordering::Relaxed), ..Use::default() };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for pool in known.iter().filter_map(Weak::upgrade).filter(|pool| !pool.is_closed()) {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            told.limit += pool.options().get_max_connections();
            told.idle += idle;
            told.used += pool.size().saturating_sub(idle);
        }
        told
    }
}

/// Somebody who waits for a connection.
pub(super) struct Waiting(Arc<AtomicU32>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
