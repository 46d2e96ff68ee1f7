//! A service's own database: one pool, its migrations, and the ways to write.
//!
//! sqlx 0.9.0 gives a connection back to the pool inside an open transaction when `begin()` is
//! cancelled, which a caller who hangs up can cause; later writes on it say `Ok` and vanish. Three
//! things shut that out here: every write runs in a task of its own, which nobody cancels; all
//! writes go through [`Db::write`] or [`Db::write_one`]; and each connection is rolled back before the pool takes it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool, Postgres, Row as _, Transaction,
    migrate::{Migrate as _, Migrator},
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgQueryResult},
};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::class::Class;

mod pools;
mod writes;

use pools::Pools;
pub use pools::Use;
use writes::leave_transaction;

/// For so long a connection that was used is taken to be there.
const FRESH: Duration = Duration::from_secs(1);

/// Kit's own tables, in schema `messaging` of every database.
static MESSAGING: Migrator = sqlx::migrate!();

/// Kit's own migrations, for whoever checks that they are applied.
pub fn migrations() -> &'static Migrator {
    &MESSAGING
}

/// The oldest Postgres that this code is written for.
const OLDEST_SERVER: i32 = 150_000;
/// What Postgres answers when a lock was not to be had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Limits of a pool and its sessions. Every wait has one.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many connections the pool may open.
    pub connections: u32,
    /// How long a caller waits for one.
    pub acquire: Duration,
    /// How long one statement may run.
    pub statement: Duration,
    /// How long a statement waits for a lock.
    pub lock: Duration,
    /// How long a transaction may stand idle.
    pub idle_in_transaction: Duration,
    /// After how long a connection is replaced.
    pub lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10,
            acquire: Duration::from_secs(5),
            statement: Duration::from_secs(30),
            lock: Duration::from_secs(10),
            idle_in_transaction: Duration::from_secs(10),
            lifetime: Duration::from_secs(600),
        }
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is no Postgres URL.
    #[error("the database's address is no Postgres URL")]
    Address(#[source] sqlx::Error),
    /// It does not answer, or refuses us.
    #[error("the database cannot be reached")]
    Connect(#[source] sqlx::Error),
    /// It is older than this code can use.
    #[error("Postgres 15 or newer is needed, this server is version {0}")]
    TooOld(i32),
    /// A commit would not be durable.
    #[error("synchronous_commit is {0}; it must be on, or acknowledged data could be lost")]
    NotDurable(String),
    /// Chinese text could not be searched.
    #[error("the database's LC_CTYPE is {0}; create it with C.UTF-8 or another UTF-8 locale")]
    CharacterType(String),
    /// The tables could not be brought up to date.
    #[error("the database could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The tables are older than this code.
    #[error("the database lacks migration {0}; run `migrate` first")]
    Behind(i64),
}

/// A service's database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: Arc<PgPool>,
    pools: Pools,
    committed: Arc<Notify>,
    writes: TaskTracker,
    /// Whether a write was ever cut off between its beginning and its end.
    cut_off: Arc<AtomicBool>,
    /// Connections that are older than this are not used any more.
    renewed_at: Arc<Mutex<Instant>>,
}

impl Db {
    /// Connects and checks that the server keeps its promises.
    ///
    /// # Errors
    /// See [`Error`]; nothing is retried here.
    pub async fn connect(url: &str, name: &str, limits: &Limits) -> Result<Self, Error> {
        let options = url
            .parse::<PgConnectOptions>()
            .map_err(Error::Address)?
            .application_name(name)
            .options([
                ("statement_timeout", millis(limits.statement)),
                ("lock_timeout", millis(limits.lock)),
                ("idle_in_transaction_session_timeout", millis(limits.idle_in_transaction)),
            ]);
        let renewed_at = Arc::new(Mutex::new(Instant::now()));
        let oldest = Arc::clone(&renewed_at);
        let pool = PgPoolOptions::new()
            .max_connections(limits.connections)
            .acquire_timeout(limits.acquire)
            .max_lifetime(limits.lifetime)
            .test_before_acquire(false)
            .before_acquire(move |connection, kept| {
                let renewed = oldest.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
                Box::pin(async move {
                    if kept.age > renewed {
                        return Ok(false);
                    }
                    // One that worked a moment ago works: to ask each time costs a busy service as
                    // much as a statement.
                    Ok(kept.idle_for < FRESH || connection.ping().await.is_ok())
                })
            })
            .after_release(|connection, _| {
                Box::pin(async move {
                    leave_transaction(connection).await?;
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .map_err(Error::Connect)?;
        let (committed, cut_off) = (Arc::default(), Arc::default());
        let pools = Pools::default();
        let pool = pools.add(pool);
        let writes = TaskTracker::new();
        let db = Self { pool, pools, committed, writes, cut_off, renewed_at };
        db.check().await?;
        Ok(db)
    }

    async fn check(&self) -> Result<(), Error> {
        let facts = sqlx::query!(
            r#"select current_setting('server_version_num')::int as "version!",
                      current_setting('synchronous_commit') as "commit!",
                      (select datctype from pg_database where datname = current_database()) as "ctype!""#
        )
        .fetch_one(&*self.pool)
        .await
        .map_err(Error::Connect)?;
        if facts.version < OLDEST_SERVER {
            return Err(Error::TooOld(facts.version));
        }
        if matches!(facts.commit.as_str(), "off" | "local") {
            return Err(Error::NotDurable(facts.commit));
        }
        if matches!(facts.ctype.as_str(), "C" | "POSIX") {
            return Err(Error::CharacterType(facts.ctype));
        }
        Ok(())
    }

    /// Brings kit's tables and the service's own up to date, one replica at a time. Migrations
    /// that a newer release has applied are left alone.
    ///
    /// # Errors
    /// [`Error::Migrate`] if a migration fails or an applied one was edited.
    pub async fn migrate(&self, own: Option<&Migrator>) -> Result<(), Error> {
        for migrator in [Some(&MESSAGING), own].into_iter().flatten() {
            tolerant(migrator).run(&*self.pool).await.map_err(Error::Migrate)?;
        }
        // Before anything is said, so that nothing falls into the default partition. Whoever reads for long
        // is in the way, as a backup is; then it is made later, by the relay.
        let made = sqlx::query_scalar!("select messaging.make_partitions(current_date - 1, 9)")
            .fetch_one(&*self.pool)
            .await;
        match made {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) =>
            {
                tracing::warn!(%error, "partitions could not be made yet");
            }
            made => {
                made.map_err(|error| Error::Migrate(error.into()))?;
            }
        }
        Ok(())
    }

    /// Checks, without changing anything, that every migration of this code is applied.
    ///
    /// # Errors
    /// [`Error::Behind`] names the first migration that is missing.
    pub async fn check_migrated(&self, own: Option<&Migrator>) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await.map_err(Error::Connect)?;
        for migrator in [Some(&MESSAGING), own].into_iter().flatten() {
            let applied = connection
                .list_applied_migrations(&migrator.table_name)
                .await
                .map_err(Error::Migrate)?;
            let missing = migrator.iter().find(|migration| {
                !applied.iter().any(|applied| applied.version == migration.version)
            });
            if let Some(migration) = missing {
                return Err(Error::Behind(migration.version));
            }
        }
        Ok(())
    }

    /// Opens a transaction for a task that nobody cancels: kit's own loops.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that may; nobody hangs up on a loop"
    )]
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let _waiting = self.pools.wait();
        self.pool.begin().await
    }

    /// The same database over connections of their own, `connections` of them at most. They belong to
    /// the runtime that this is called in, so that a runtime of its own waits for nobody else's tasks.
    /// They are for [`Db::write`], thousands of times a second: whether one comes back within a
    /// transaction is asked only once a write was cut off, since one that ended has ended it.
    pub fn beside(&self, connections: u32) -> Self {
        let cut_off = Arc::clone(&self.cut_off);
        let options = self.pool.options().clone().max_connections(connections).after_release(
            move |connection, _| {
                let cut_off = cut_off.load(Ordering::Relaxed);
                Box::pin(async move {
                    if cut_off {
                        leave_transaction(connection).await?;
                    }
                    Ok(true)
                })
            },
        );
        Self {
            cut_off: Arc::clone(&self.cut_off),
            renewed_at: Arc::clone(&self.renewed_at),
            pool: self.pools.add(options.connect_lazy_with((*self.pool.connect_options()).clone())),
            pools: self.pools.clone(),
            committed: Arc::clone(&self.committed),
            writes: self.writes.clone(),
        }
    }

    /// A connection to read with, outside any transaction.
    ///
    /// # Errors
    /// If none comes free within the limit.
    pub async fn read(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let _waiting = self.pools.wait();
        self.pool.acquire().await
    }

    /// How the connections are used at this moment, those of [`Db::beside`] among them.
    pub fn connections(&self) -> Use {
        self.pools.told()
    }

    /// Uses no connection any more that was opened before this moment. For when tables have changed: a statement
    /// that gives all columns of one (`select *`) was prepared for fewer, and Postgres refuses it from then on.
    pub fn renew_connections(&self) {
        *self.renewed_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The newest migrations that are applied, of kit and of the service, whoever applied them.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn newest_migrations(&self) -> Result<(i64, i64), sqlx::Error> {
        let newest = async |connection: &mut PgConnection, table: &'static str| {
            let there = format!("select to_regclass('{table}') is not null");
            let there = sqlx::raw_sql(AssertSqlSafe(there)).fetch_one(&mut *connection).await?;
            if !there.try_get::<bool, _>(0)? {
                return Ok::<i64, sqlx::Error>(0);
            }
            let newest = format!("select coalesce(max(version), 0)::bigint from {table}");
            sqlx::raw_sql(AssertSqlSafe(newest)).fetch_one(connection).await?.try_get(0)
        };
        let mut connection = self.read().await?;
        let own = newest(&mut connection, "_sqlx_migrations").await?;
        Ok((newest(&mut connection, "messaging._sqlx_migrations").await?, own))
    }

    /// Signalled after each commit of this process; what publishes waits for it.
    pub fn committed(&self) -> Arc<Notify> {
        Arc::clone(&self.committed)
    }

    /// Closes the connections, those of [`Db::beside`] by themselves.
    pub async fn close_connections(&self) {
        self.pool.close().await;
    }

    /// Waits for the writes that are running and closes all connections.
    pub async fn close(&self) {
        self.writes.close();
        self.writes.wait().await;
        self.pool.close().await;
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// The same migrations, tolerating newer ones: old and new pods run side by side.
fn tolerant(migrator: &Migrator) -> Migrator {
    Migrator {
        migrations: migrator.migrations.clone(),
        ignore_missing: true,
        locking: migrator.locking,
        no_tx: migrator.no_tx,
        table_name: migrator.table_name.clone(),
        create_schemas: migrator.create_schemas.clone(),
    }
}

/// The class of a database error, as seen by a caller who did nothing wrong.
///
/// Codes: Postgres manual, appendix A.
pub fn class(error: &sqlx::Error) -> Class {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Class::Unavailable,
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // Connection exceptions, lack of resources (disk full too), operator intervention,
            // locks that were not to be had, read-only after a failover.
            Some(code)
                if ["08", "53", "57", "58"].iter().any(|prefix| code.starts_with(prefix))
                    || matches!(code, "55P03" | "25006" | "25P03") =>
            {
                Class::Unavailable
            }
            Some("40001" | "40P01") => Class::Aborted,
            _ => Class::Internal,
        },
        _ => Class::Internal,
    }
}

/// Turns the violation of a named constraint into an error of the domain.
pub trait OnConstraint<T> {
    /// Gives `error()` if this failed because of the constraint `name`.
    ///
    /// # Errors
    /// The mapped error, or the database's own.
    fn on_constraint<E: From<sqlx::Error>>(
        self,
        name: &str,
        error: impl FnOnce() -> E,
    ) -> Result<T, E>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint<E: From<sqlx::Error>>(
        self,
        name: &str,
        error: impl FnOnce() -> E,
    ) -> Result<T, E> {
        self.map_err(|cause| match &cause {
            sqlx::Error::Database(database) if database.constraint() == Some(name) => error(),
            _ => cause.into(),
        })
    }
}

/// Checks that a statement changed exactly one row.
///
/// # Errors
/// [`sqlx::Error::RowNotFound`] if it changed none or several.
pub fn expect_one(result: &PgQueryResult) -> Result<(), sqlx::Error> {
    if result.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
