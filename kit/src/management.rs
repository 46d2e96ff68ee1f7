//! What operators and machines ask a service, on a port of its own: `/livez` (does it run),
//! `/readyz` (can it work, and if not, why), `/metrics` (Prometheus).

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{host::Readiness, telemetry};

/// Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers until `stopping`; it is the last thing to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    stopping: CancellationToken,
) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(readiness);
    let served =
        axum::serve(listener, router).with_graceful_shutdown(stopping.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the management port ended");
    }
}

async fn readyz(State(readiness): State<Readiness>) -> impl IntoResponse {
    let report = readiness.report();
    let code = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(report))
}

async fn metrics() -> impl IntoResponse {
    match telemetry::render() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, TEXT_FORMAT)], text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            let nothing = [(header::CONTENT_TYPE, TEXT_FORMAT)];
            (StatusCode::INTERNAL_SERVER_ERROR, nothing, String::new())
        }
    }
}
