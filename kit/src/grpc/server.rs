//! Serves the routes of a service, with everything that every service has.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rand::RngExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};

use super::{guard::Guarded, tls};
use crate::config;

/// As the client's; see `client`.
const KEEPALIVE: Duration = Duration::from_secs(20);
const KEEPALIVE_LIMIT: Duration = Duration::from_secs(10);
/// How much of a stream, and of a connection, may be under way to us: some hundreds of messages. The
/// default of 64 KiB lets a caller wait for our permission after every few dozen.
const STREAM_WINDOW: u32 = 1 << 19;
const CONNECTION_WINDOW: u32 = 1 << 21;

/// What is served, and how.
pub(crate) struct Serving {
    pub(crate) listener: TcpListener,
    pub(crate) routes: Routes,
    /// Full names of the services, for health and reflection.
    pub(crate) names: Vec<String>,
    pub(crate) guard: Guarded,
    pub(crate) health: HealthReporter,
    pub(crate) settings: config::Grpc,
    pub(crate) stopping: CancellationToken,
}

/// Says of all services whether they serve.
pub(crate) async fn set_health(health: &HealthReporter, names: &[String], serving: bool) {
    let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    for name in names.iter().map(String::as_str).chain([""]) {
        health.set_service_status(name, status).await;
    }
}

/// Makes the server, and gives its address and the task that serves until it is stopped and every
/// connection has ended.
pub(crate) fn serve(
    serving: Serving,
) -> anyhow::Result<(SocketAddr, impl Future<Output = ()> + Send + 'static)> {
    let Serving { listener, routes, names, guard, health, settings, stopping } = serving;
    let address = listener.local_addr()?;
    let mut routes = routes.add_service(tonic_health::pb::health_server::HealthServer::new(
        tonic_health::server::HealthService::from_health_reporter(health),
    ));
    if settings.reflection {
        routes = routes.add_service(reflection(&names).build_v1()?);
        // For tools that have not learnt the new one yet.
        routes = routes.add_service(reflection(&names).build_v1alpha()?);
    }
    let mut server = Server::builder()
        .max_concurrent_streams(settings.streams_per_connection)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_LIMIT))
        .tcp_nodelay(true);
    if settings.max_connection_age_s > 0 {
        // Only the age: with a grace period, tonic 0.14 announces nothing and cuts calls off. A
        // tenth more or less, so that connections that were made together do not end together.
        let age = Duration::from_secs(settings.max_connection_age_s);
        server = server.max_connection_age(age.mul_f64(rand::rng().random_range(0.9..1.1)));
    }
    let acceptor = tls::server(&settings.tls)?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let task = async move {
        let router = server.layer(guard).add_routes(routes);
        let stopped = stopping.cancelled_owned();
        let served = match acceptor {
            Some(acceptor) => {
                let encrypted = Arc::clone(&acceptor).accept(incoming);
                tokio::select! {
                    served = router.serve_with_incoming_shutdown(encrypted, stopped) => served,
                    () = acceptor.keep() => Ok(()),
                }
            }
            None => router.serve_with_incoming_shutdown(incoming, stopped).await,
        };
        if let Err(error) = served {
            tracing::error!(%error, "serving ended");
        }
    };
    Ok((address, task))
}

/// Tells the contracts of the services that are served here.
fn reflection(names: &[String]) -> tonic_reflection::server::Builder<'static> {
    let builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(liuyan_proto::DESCRIPTORS);
    names.iter().fold(builder, |builder, name| builder.with_service_name(name))
}
