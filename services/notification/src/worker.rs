//! Work that the clock or an arrival drives: sending, and measuring what waits.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    host::{Host, WorkPace, Worked},
    telemetry,
};

use crate::{app::App, domain::address::Channel, error::Error, store::queue};

/// Sends what is due, each channel by its own worker: a slow one keeps nobody else waiting.
pub(crate) fn send(host: &Host, app: &Arc<App>) {
    for (name, channel) in [("mailing", Channel::Email), ("calling", Channel::Webhook)] {
        let (app, stopping) = (Arc::clone(app), host.stopping());
        let pace = WorkPace { idle: app.config.sending.idle(), wake: Some(app.wakes.of(channel)) };
        host.work(name, pace, move || {
            let (app, stopping) = (Arc::clone(&app), stopping.clone());
            async move { app.deliver(channel, &stopping).await.map(|_| Worked::Idle) }
        });
    }
}

/// Measures what waits, for whoever watches the board.
pub(crate) fn measure(host: &Host, app: &Arc<App>) {
    let app = Arc::clone(app);
    let idle = Duration::from_millis(u64::from(app.config.measure_ms));
    host.work("measuring", WorkPace { idle, wake: None }, move || {
        let app = Arc::clone(&app);
        async move { measure_once(&app).await.map(|()| Worked::Idle) }
    });
}

async fn measure_once(app: &App) -> Result<(), Error> {
    for channel in [Channel::Email, Channel::Webhook] {
        let (waiting, age) = app.waiting(channel).await?;
        let labels = [("service", "notification"), ("channel", channel.as_str())];
        telemetry::gauge("deliveries_waiting", waiting, &labels);
        telemetry::gauge("deliveries_oldest_age_seconds", age, &labels);
    }
    let waiting = queue::waiting_events(&mut *app.db.read().await?).await?;
    telemetry::gauge("events_waiting", waiting, &[("service", "notification")]);
    Ok(())
}
