//! Counting, as work that never ends, and measuring what waits.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    host::{Host, WorkPace, Worked},
    telemetry,
};
use tokio::{sync::Notify, time::sleep};

use crate::{app::App, error::Error, store::pending};

/// How often what waits is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// Counts whatever waits, woken by `arrived`. Every replica runs this; the database lets one at a
/// time write.
pub(crate) fn count(host: &Host, app: &Arc<App>, arrived: Arc<Notify>) {
    let (app, stopping) = (Arc::clone(app), host.stopping());
    let pace = WorkPace { idle: app.config.idle(), wake: Some(arrived) };
    host.work("counting", pace, move || {
        let (app, stopping) = (Arc::clone(&app), stopping.clone());
        async move {
            let round = app.count_some().await?;
            if round.more {
                return Ok::<_, Error>(Worked::More);
            }
            if round.events > 0 {
                // What comes meanwhile about the same messages is counted with one write.
                tokio::select! {
                    () = stopping.cancelled() => {}
                    () = sleep(app.config.gather()) => {}
                }
            }
            Ok(Worked::Idle)
        }
    });
}

/// Measures what waits, for whoever watches the board: how much, and since when.
pub(crate) fn measure(host: &Host, app: &Arc<App>) {
    let app = Arc::clone(app);
    host.work("measuring", WorkPace { idle: MEASURE, wake: None }, move || {
        let app = Arc::clone(&app);
        async move { measure_once(&app).await.map(|()| Worked::Idle) }
    });
}

async fn measure_once(app: &App) -> Result<(), Error> {
    let (waiting, oldest) = pending::depth(&mut *app.db.read().await?).await?;
    let age = oldest.map_or(0, |oldest| app.clock.now().duration_since(oldest).as_secs().max(0));
    let labels = [("service", "stats")];
    telemetry::gauge("events_pending", waiting, &labels);
    telemetry::gauge("events_pending_oldest_age_seconds", age, &labels);
    Ok(())
}
