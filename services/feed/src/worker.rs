//! Work that the clock or an arrival drives: appending, and looking where the log ends.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use liuyan_kit::{
    host::{Bell, Host, WorkPace, Worked},
    telemetry,
};
use tokio::sync::Notify;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::{
    app::{App, append, troubles::Of},
    error::Error,
    routing::Views,
    store::pending::{self, Heard},
};

/// How often what waits is measured.
const MEASURE: Duration = Duration::from_secs(5);

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

/// Appends some of what waits; tells whether more may wait. Cases that have to wait for something are tried
/// again when nothing else is left to do, and now and then while there is.
///
/// # Errors
/// If the database or routing is away; what waits goes on waiting.
pub async fn append_some(app: &App, views: &Views) -> Result<Worked, Error> {
    let batch = app.config.append_batch;
    let waiting = append::waiting(&app.db, batch, &app.held.all()).await?;
    let busy = !waiting.is_empty();
    if busy {
        let cases: BTreeSet<Uuid> = waiting.iter().map(|heard| heard.case_id).collect();
        append_these(app, views, &Vec::from_iter(cases), waiting).await?;
    }
    let rest = if busy { app.config.append_idle_ms } else { 0 };
    let held = app.held.next(usize::from(batch), Duration::from_millis(rest));
    let mut moved = false;
    if !held.is_empty() {
        let waiting = append::waiting_of(&app.db, &held).await?;
        let still: HashSet<Uuid> = waiting.iter().map(|heard| heard.case_id).collect();
        // Another process may have appended its events.
        let gone = held.iter().filter(|case_id| !still.contains(case_id));
        gone.for_each(|case_id| app.troubles.end(Of::Case(*case_id)));
        moved = append_these(app, views, &held, waiting).await?;
    }
    Ok(if busy || moved { Worked::More } else { Worked::Idle })
}

/// Appends events of cases, and notes which of the cases have to wait; tells whether anything found its
/// place.
async fn append_these(
    app: &App,
    views: &Views,
    cases: &[Uuid],
    mut waiting: Vec<Heard>,
) -> Result<bool, Error> {
    let span = span_of(&waiting);
    let append = async {
        let (in_objects, mut late) = app.in_objects(&append::cases_to_rewrite(&waiting)).await?;
        waiting.retain(|heard| !late.contains(&heard.case_id));
        let known = append::Known {
            views: views.of(&append::cases_to_view(&waiting)).await?,
            in_objects,
            stretch_events: i64::from(app.config.stretch_events),
        };
        let outcome = append::append(&app.db, &app.clock, waiting, known).await?;
        late.extend(&outcome.waiting);
        app.held.tried(cases, &late);
        Ok::<_, Error>(outcome)
    };
    let outcome = append.instrument(span).await?;
    if outcome.is_nothing() {
        return Ok(false);
    }
    if outcome.in_objects {
        app.rewritten.notify_one();
    }
    app.tail.refresh().await?;
    Ok(true)
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

/// Measures what waits, for whoever watches the board: how much, and since when.
pub fn measure(host: &Host, app: &App) {
    let app = app.clone();
    host.work("measuring", WorkPace { idle: MEASURE, wake: None }, move || {
        let app = app.clone();
        async move { measure_once(&app).await.map(|()| Worked::Idle) }
    });
}

async fn measure_once(app: &App) -> Result<(), Error> {
    let (waiting, oldest) = pending::depth(&mut *app.db.read().await?).await?;
    let age = oldest.map_or(0, |oldest| app.clock.now().duration_since(oldest).as_secs().max(0));
    let labels = [("service", "feed")];
    telemetry::gauge("events_pending", waiting, &labels);
    telemetry::gauge("events_pending_oldest_age_seconds", age, &labels);
    Ok(())
}
