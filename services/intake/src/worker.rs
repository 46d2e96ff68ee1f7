//! What happens by the clock.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    host::{Host, WorkPace, Worked},
    id,
};
use tokio::sync::Notify;

use crate::app::App;

/// How often requests are pruned.
const PRUNING: Duration = Duration::from_secs(3_600);

/// Reads the directory anew whenever routing has told something, and every few seconds in case
/// another replica has heard it.
pub fn refresh_directory(host: &Host, app: &App, heard: Arc<Notify>) {
    let idle = Duration::from_secs(u64::from(app.config().directory_refresh_seconds.max(1)));
    let app = app.clone();
    host.work("directory", WorkPace { idle, wake: Some(heard) }, move || {
        let app = app.clone();
        async move { app.refresh_directory().await.map(|()| Worked::Idle) }
    });
}

/// Gives the entries of the transparency log their places and signs its heads. Every replica tries;
/// the one that holds the lease does it.
pub fn sequence(host: &Host, app: &App) {
    let idle = Duration::from_millis(app.config().log.poll_ms.max(10));
    let (app, holder) = (app.clone(), id::v7(app.now()));
    host.work("log", WorkPace { idle, wake: None }, move || {
        let app = app.clone();
        async move {
            let more = app.sequence_once(holder).await?;
            Ok::<_, crate::error::Error>(if more { Worked::More } else { Worked::Idle })
        }
    });
}

/// Forgets requests that nobody will repeat any more.
pub fn prune_requests(host: &Host, app: &App) {
    let app = app.clone();
    host.work("pruning", WorkPace { idle: PRUNING, wake: None }, move || {
        let app = app.clone();
        async move {
            let pruned = app.prune_requests().await?;
            if pruned > 0 {
                tracing::info!(pruned, "old requests were forgotten");
            }
            Ok::<_, crate::error::Error>(Worked::Idle)
        }
    });
}
