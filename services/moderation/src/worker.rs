//! Screening, and a watch over appeals, as work that never ends.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    host::{Host, WorkPace, Worked},
    telemetry,
};
use tokio::sync::Notify;

use crate::{app::App, error::Error};

/// How often old fingerprints are looked for.
const FORGETTING: Duration = Duration::from_secs(600);

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

/// Says of appeals that are overdue, once each, and measures how many are open.
pub(crate) fn watch_appeals(host: &Host, app: &Arc<App>) {
    let app = Arc::clone(app);
    let idle = Duration::from_secs(u64::from(app.config.work.overdue_seconds.max(1)));
    host.work("appeals", WorkPace { idle, wake: None }, move || {
        let app = Arc::clone(&app);
        async move {
            let said = app.say_overdue().await?;
            let (open, overdue) = app.open_appeals().await?;
            telemetry::gauge("moderation_appeals", open, &[("state", "open")]);
            telemetry::gauge("moderation_appeals", overdue, &[("state", "overdue")]);
            let backlog = app.backlog().await?;
            let (decided, wrong) = app.sample().await?;
            telemetry::gauge("moderation_sample", decided.into(), &[("outcome", "decided")]);
            telemetry::gauge("moderation_sample", wrong.into(), &[("outcome", "wrong")]);
            telemetry::gauge("moderation_backlog", backlog.backlog.into(), &[]);
            if said > 0 {
                tracing::warn!(appeals = said, "appeals were not decided in time");
                return Ok::<_, Error>(Worked::More);
            }
            Ok(Worked::Idle)
        }
    });
}

/// Takes up the set of rules that is in force, on every replica.
pub(crate) fn follow_rules(host: &Host, app: &Arc<App>) {
    let app = Arc::clone(app);
    let pace = WorkPace { idle: app.config.rules_idle(), wake: None };
    host.work("rules", pace, move || {
        let app = Arc::clone(&app);
        async move {
            app.follow_rules().await?;
            Ok::<_, Error>(Worked::Idle)
        }
    });
}

/// Tries sets of rules on messages of the past.
pub(crate) fn try_rules(host: &Host, app: &Arc<App>) {
    let app = Arc::clone(app);
    let pace = WorkPace { idle: app.config.rules_idle(), wake: None };
    host.work("rule trials", pace, move || {
        let app = Arc::clone(&app);
        async move {
            match app.try_some().await? {
                false => Ok::<_, Error>(Worked::Idle),
                true => Ok(Worked::More),
            }
        }
    });
}

/// Forgets fingerprints that are too old.
pub(crate) fn forget(host: &Host, app: &Arc<App>) {
    let app = Arc::clone(app);
    let pace = WorkPace { idle: FORGETTING, wake: None };
    host.work("fingerprints", pace, move || {
        let app = Arc::clone(&app);
        async move {
            match app.forget_some().await? {
                0 => Ok::<_, Error>(Worked::Idle),
                _ => Ok(Worked::More),
            }
        }
    });
}
