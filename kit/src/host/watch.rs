//! The connections of a host: made with patience, and looked at again and again.

use std::time::Duration;

use sqlx::Connection as _;
use tokio::time::{Instant, sleep};

use super::Readiness;
use crate::{
    config,
    db::{self, Db},
    messaging::Bus,
};

/// How long a database may stay away at the start; pods start in any order.
const DATABASE_LIMIT: Duration = Duration::from_secs(60);
/// How often the connections are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Connects to a database, and waits for one that is still starting.
pub(crate) async fn connect(name: &'static str, settings: &config::Database) -> anyhow::Result<Db> {
    let url = settings.address()?;
    let started = Instant::now();
    loop {
        match Db::connect(url.expose(), name, &settings.limits()).await {
            Ok(db) => return Ok(db),
            Err(db::Error::Connect(error)) if started.elapsed() < DATABASE_LIMIT => {
                tracing::warn!(service = name, %error, "the database is away; waiting");
                sleep(LOOK).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) async fn database(db: Db, readiness: Readiness) {
    let mut known = None;
    loop {
        sleep(LOOK).await;
        if let Ok(newest) = db.newest_migrations().await
            && known.replace(newest).is_some_and(|known| known != newest)
        {
            tracing::info!("a newer release has changed the tables; connections are renewed");
            db.renew_connections();
        }
        // A pool that is busy is no reason to take the service out: only its absence is.
        match ping(&db).await {
            Ok(()) | Err(sqlx::Error::PoolTimedOut) => readiness.set("database", Ok(())),
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) => readiness.set("database", Err(error.to_string())),
        }
    }
}

async fn ping(db: &Db) -> Result<(), sqlx::Error> {
    db.read().await?.ping().await
}

pub(super) async fn bus(bus: Bus, readiness: Readiness) {
    loop {
        let state = if bus.connected() {
            bus.check_server().map_err(|error| error.to_string())
        } else {
            Err("not connected".to_owned())
        };
        readiness.set("nats", state);
        sleep(LOOK).await;
    }
}
