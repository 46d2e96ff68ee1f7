//! Counting, as work that never ends.

use std::sync::Arc;

use liuyan_kit::host::{Host, WorkPace, Worked};
use tokio::{sync::Notify, time::sleep};

use crate::{app::App, error::Error};

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
