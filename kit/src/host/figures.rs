//! How a host is, in numbers for Prometheus. `docs/operations/metrics.md` explains each.

use std::time::Duration;

use tokio::time::sleep;

use super::Readiness;
use crate::{db::Db, telemetry};

/// How often the numbers are told.
const LOOK: Duration = Duration::from_secs(1);

/// Tells conditions and connections for as long as it runs. `db` is the host's database once it has one.
pub(super) async fn tell(service: &'static str, readiness: Readiness, db: impl Fn() -> Option<Db>) {
    loop {
        for condition in readiness.report().conditions {
            let labels = [("service", service), ("condition", condition.name.as_str())];
            telemetry::gauge("liuyan_ready_condition", i64::from(condition.holds), &labels);
        }
        if let Some(connections) = db().map(|db| db.connections()) {
            let of = [("service", service)];
            telemetry::gauge("database_connections_limit", connections.limit.into(), &of);
            telemetry::gauge("database_connections_waiting", connections.waiting.into(), &of);
            for (state, number) in [("used", connections.used), ("idle", connections.idle)] {
                let labels = [("service", service), ("state", state)];
                telemetry::gauge("database_connections", number.into(), &labels);
            }
        }
        sleep(LOOK).await;
    }
}
