//! The ways to write.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::future::BoxFuture;
use sqlx::{Connection as _, PgConnection, Row as _};
use tracing::Instrument as _;

use super::Db;

impl Db {
    /// Runs `work` in one transaction and commits it; rolls back if it fails. Whoever waits for it may go
    /// away: the work goes on to its end.
    ///
    /// # Errors
    /// What `work` gives, or the failure of begin or commit. After a failed commit it is unknown
    /// whether the work took effect.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut PgConnection) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        self.on_its_own(|connection, under_way| {
            Box::pin(async move {
                let mut tx = connection.begin().await?;
                let done = work(&mut tx).await;
                match &done {
                    Ok(_) => tx.commit().await?,
                    Err(_) => tx.rollback().await?,
                }
                under_way.ended = true;
                done
            })
        })
        .await
    }

    /// Runs `work`, of whose statements a single one changes anything and is therefore a transaction by
    /// itself: nothing is begun or committed, which are trips that cost a busy service as much as some
    /// messages. Whoever waits for it may go away: the work goes on to its end.
    ///
    /// # Errors
    /// What `work` gives. After an outage it is unknown whether the work took effect.
    pub async fn write_one<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        self.on_its_own(|connection, under_way| {
            Box::pin(async move {
                let done = work(connection).await;
                under_way.ended = true;
                done
            })
        })
        .await
    }

    /// Runs `work` in a task that nobody cancels, and notes if it is cut off all the same.
    async fn on_its_own<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut PgConnection, &'c mut UnderWay) -> BoxFuture<'c, Result<T, E>>
            + Send
            + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        let (pool, committed) = (Arc::clone(&self.pool), Arc::clone(&self.committed));
        let (cut_off, pools) = (Arc::clone(&self.cut_off), self.pools.clone());
        let task = async move {
            let waiting = pools.wait();
            let mut connection = pool.acquire().await?;
            drop(waiting);
            // Dropped before the connection is.
            let mut under_way = UnderWay { cut_off, ended: false };
            let done = work(&mut connection, &mut under_way).await;
            if done.is_ok() {
                committed.notify_one();
            }
            done
        };
        let span = tracing::info_span!(
            "db.transaction.write",
            otel.kind = "client",
            db.system.name = "postgresql"
        );
        match self.writes.spawn(task.instrument(span)).await {
            Ok(result) => result,
            Err(join) if join.is_panic() => panic::resume_unwind(join.into_panic()),
            Err(_) => Err(sqlx::Error::WorkerCrashed.into()),
        }
    }
}

/// Notes if a write is cut off: by a panic, by the end of its runtime, by a connection that breaks.
struct UnderWay {
    cut_off: Arc<AtomicBool>,
    ended: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.ended {
            self.cut_off.store(true, Ordering::Relaxed);
        }
    }
}

/// Rolls back if a transaction is open. Asked first, because a rollback outside of one is a warning
/// in the server's log, and this is done thousands of times a second: only within a transaction does
/// `now()`, its beginning, differ from the beginning of the statement. The simple protocol makes
/// both the same moment outside of one. In a transaction that has failed the question fails, too,
/// and the pool closes the connection.
pub(super) async fn leave_transaction(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let open = sqlx::raw_sql("select now() <> statement_timestamp()").fetch_one(&mut *connection);
    if open.await?.try_get::<bool, _>(0)? {
        sqlx::raw_sql("rollback").execute(connection).await?;
    }
    Ok(())
}
