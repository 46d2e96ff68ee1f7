//! What happens by the clock.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    host::{Host, WorkPace, Worked},
    id,
};
use tokio::sync::Notify;

use crate::app::{App, Round, Swept};

/// How often the journal of erasures is read: at start, which is what counts, and now and then.
const REPLAY: Duration = Duration::from_secs(24 * 3_600);
/// How often requests are pruned.
const PRUNING: Duration = Duration::from_secs(3_600);
/// How often files are swept.
const SWEEPING: Duration = Duration::from_secs(3_600);

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

/// Erases again what a restored backup brought back.
pub fn replay_erasures(host: &Host, app: &App) {
    let app = app.clone();
    host.work("erasures", WorkPace { idle: REPLAY, wake: None }, move || {
        let app = app.clone();
        async move {
            let touched = app.replay_erasures().await?;
            if touched > 0 {
                tracing::warn!(touched, "messages were erased again, as the journal says");
            }
            Ok::<_, crate::error::Error>(Worked::Idle)
        }
    });
}

/// Removes files that no message has named in time, and objects that nothing knows.
pub fn sweep_files(host: &Host, app: &App) {
    let app = app.clone();
    host.work("sweeping", WorkPace { idle: SWEEPING, wake: None }, move || {
        let app = app.clone();
        async move {
            let swept = app.sweep_files().await?;
            if swept.unused + swept.unknown > 0 {
                let Swept { unused, unknown } = swept;
                tracing::info!(unused, unknown, "files without a message were removed");
            }
            Ok::<_, crate::error::Error>(Worked::Idle)
        }
    });
}

/// Destroys names and phones that are no longer needed.
pub fn forget_contacts(host: &Host, app: &App) {
    let app = app.clone();
    host.work("retention", WorkPace { idle: PRUNING, wake: None }, move || {
        let app = app.clone();
        async move {
            let (forgotten, more) = app.forget_contacts().await?;
            if forgotten > 0 {
                tracing::info!(forgotten, "names and phones of ended messages were destroyed");
            }
            Ok::<_, crate::error::Error>(if more { Worked::More } else { Worked::Idle })
        }
    });
}

/// Wraps authors' keys anew by the newest key of the ring.
pub fn rewrap_keys(host: &Host, app: &App) {
    let app = app.clone();
    host.work("rewrapping", WorkPace { idle: PRUNING, wake: None }, move || {
        let app = app.clone();
        async move {
            Ok::<_, crate::error::Error>(match app.rewrap_keys().await? {
                Round::Goes => Worked::More,
                Round::Over(remaining) => {
                    if remaining > 0 {
                        tracing::info!(remaining, "authors' keys are wrapped by an older key");
                    }
                    Worked::Idle
                }
            })
        }
    });
}
