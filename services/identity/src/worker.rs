//! Forgetting what has served its time, as work that never ends. Safe in several replicas: rows
//! are deleted by whoever locks them first.

use std::{sync::Arc, time::Duration};

use liuyan_kit::host::{Host, WorkPace, Worked};

use crate::{app::App, error::Error};

/// How often it is looked for.
const IDLE: Duration = Duration::from_secs(60);

/// Forgets ended sessions, old answers and old counts of wrong tries.
pub(crate) fn prune(host: &Host, app: &Arc<App>) {
    let app = Arc::clone(app);
    host.work("pruning", WorkPace { idle: IDLE, wake: None }, move || {
        let app = Arc::clone(&app);
        async move {
            let more = app.prune_some().await?;
            Ok::<_, Error>(if more { Worked::More } else { Worked::Idle })
        }
    });
}
