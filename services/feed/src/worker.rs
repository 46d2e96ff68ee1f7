//! Work that the clock or an arrival drives: appending, and looking where the log ends.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use liuyan_kit::{
    host::{Bell, Host, WorkPace, Worked},
    telemetry,
};
use tokio::sync::Notify;
use tracing::{Instrument as _, Span};

use crate::{
    app::{App, append},
    error::Error,
    routing::Views,
    store::pending::Heard,
};

/// Appends what waits, as soon as `arrived` says so, and tells the other replicas by `bell`.
pub fn append_what_waits(host: &Host, app: &App, views: Views, arrived: Arc<Notify>, bell: Bell) {
    let idle = Duration::from_millis(app.config.append_idle_ms);
    let app = app.clone();
    host.work("appending", WorkPace { idle, wake: Some(arrived) }, move || {
        let (app, views, bell) = (app.clone(), views.clone(), bell.clone());
        async move {
            let worked = append_some(&app, &views).await?;
            if worked == Worked::More {
                bell.ring().await;
            }
            Ok::<_, Error>(worked)
        }
    });
}

/// Appends some of what waits; tells whether more may wait.
///
/// # Errors
/// If the database or routing is away; what waits goes on waiting.
pub async fn append_some(app: &App, views: &Views) -> Result<Worked, Error> {
    let mut waiting = append::waiting(&app.db, app.config.append_batch).await?;
    if waiting.is_empty() {
        return Ok(Worked::Idle);
    }
    let span = span_of(&waiting);
    let append = async {
        let (in_objects, late) = app.in_objects(&append::cases_to_rewrite(&waiting)).await?;
        waiting.retain(|heard| !late.contains(&heard.case_id));
        let known = append::Known {
            views: views.of(&append::cases_to_view(&waiting)).await?,
            in_objects,
            stretch_events: i64::from(app.config.stretch_events),
        };
        append::append(&app.db, &app.clock, waiting, known).await
    };
    let outcome = append.instrument(span).await?;
    if outcome.is_nothing() {
        return Ok(Worked::Idle);
    }
    if outcome.in_objects {
        app.rewritten.notify_one();
    }
    app.tail.refresh().await?;
    Ok(Worked::More)
}

/// The span of an append, which many events have caused. Each event keeps its own trace in the log.
fn span_of(waiting: &[Heard]) -> Span {
    let span = tracing::info_span!("events.append", events = waiting.len());
    let causes: BTreeSet<&str> =
        waiting.iter().filter_map(|heard| heard.traceparent.as_deref()).collect();
    for cause in causes {
        telemetry::link(&span, Some(cause));
    }
    span
}

/// Makes objects of old stretches, writes those anew in which something was taken back, and ends what is
/// kept no longer. The readiness condition `stretches`, which is not required, says what went wrong, and names
/// each stretch and case that waits because an object is damaged.
pub fn look_after_stretches(host: &Host, app: &App) {
    let idle = Duration::from_millis(app.config.export_idle_ms);
    let pace = WorkPace { idle, wake: Some(Arc::clone(&app.rewritten)) };
    let (app, readiness) = (app.clone(), host.readiness());
    host.work("looking-after-stretches", pace, move || {
        let (app, readiness) = (app.clone(), readiness.clone());
        async move {
            let worked = app.look_after_stretches().await;
            let condition = match &worked {
                Ok(_) => app.troubles.told().map_or(Ok(()), Err),
                Err(error) => Err(error.to_string()),
            };
            readiness.set("stretches", condition);
            worked
        }
    });
}

/// Looks where the log ends, so that streams here hear what another replica appended: when it rings, and
/// now and then, because a ring may be lost.
pub fn watch_head(host: &Host, app: &App, rung: Arc<Notify>) {
    let idle = Duration::from_millis(app.config.head_poll_ms);
    let app = app.clone();
    host.work("watching-head", WorkPace { idle, wake: Some(rung) }, move || {
        let app = app.clone();
        async move { app.tail.refresh().await.map(|()| Worked::Idle) }
    });
}

/// Looks what has become of the subscriptions that have streams here.
pub fn watch_subscriptions(host: &Host, app: &App) {
    let idle = Duration::from_millis(app.config.subscriptions_poll_ms);
    let app = app.clone();
    host.work("watching-subscriptions", WorkPace { idle, wake: None }, move || {
        let app = app.clone();
        async move { app.streams.look(&app.db).await.map(|()| Worked::Idle) }
    });
}
