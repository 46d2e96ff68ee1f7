//! Screening, as work that never ends.

use std::sync::Arc;

use liuyan_kit::host::{Host, WorkPace, Worked};
use tokio::sync::Notify;

use crate::{app::App, error::Error};

/// Screens whatever waits, woken by `arrived`.
pub(crate) fn screen(host: &Host, app: &Arc<App>, arrived: Arc<Notify>) {
    let app = Arc::clone(app);
    let pace = WorkPace { idle: app.config.screening_idle(), wake: Some(arrived) };
    host.work("screening", pace, move || {
        let app = Arc::clone(&app);
        async move {
            match app.screen_some().await? {
                0 => Ok::<_, Error>(Worked::Idle),
                _ => Ok(Worked::More),
            }
        }
    });
}
