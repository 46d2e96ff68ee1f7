//! Work that the clock or an arrival drives: appending, and looking where the log ends.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use liuyan_kit::{
    host::{Host, WorkPace, Worked},
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

/// Appends what waits, as soon as `arrived` says so.
pub fn append_what_waits(host: &Host, app: &App, views: Views, arrived: Arc<Notify>) {
    let idle = Duration::from_millis(app.config.append_idle_ms);
    let app = app.clone();
    host.work("appending", WorkPace { idle, wake: Some(arrived) }, move || {
        let (app, views) = (app.clone(), views.clone());
        async move { append_some(&app, &views).await }
    });
}

/// Appends some of what waits; tells whether more may wait.
///
/// # Errors
/// If the database or routing is away; what waits goes on waiting.
pub async fn append_some(app: &App, views: &Views) -> Result<Worked, Error> {
    let waiting = append::waiting(&app.db, app.config.append_batch).await?;
    if waiting.is_empty() {
        return Ok(Worked::Idle);
    }
    let span = span_of(&waiting);
    let append = async {
        let views = views.of(&append::cases_to_view(&waiting)).await?;
        append::append(&app.db, &app.clock, waiting, views).await
    };
    let outcome = append.instrument(span).await?;
    if outcome.is_nothing() {
        return Ok(Worked::Idle);
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

/// Looks where the log ends, so that streams here hear what another replica appended.
pub fn watch_head(host: &Host, app: &App) {
    let idle = Duration::from_millis(app.config.head_poll_ms);
    let app = app.clone();
    host.work("watching-head", WorkPace { idle, wake: None }, move || {
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
