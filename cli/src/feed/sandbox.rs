//! `liuyan feed sandbox`: a feed of recorded events, without a board, for whoever writes a reader.

mod log;
mod service;

use std::{net::Ipv4Addr, path::PathBuf, sync::Arc, time::Duration};

use liuyan_feed_client::v1::feed_service_server::FeedServiceServer;
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};
use tokio_stream::wrappers::TcpListenerStream;

use self::{log::Log, service::Sandbox};
use crate::{args::Output, error::Error, output, serve::Signals};

/// The events of the made-up province, recorded from a board with samples.
const RECORDED: &str = include_str!("../../../clients/sandbox/events.jsonl");

/// What to serve, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The recorded events, a line of JSON each; those of the made-up province if not given.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The port on this machine; 0 takes a free one.
    #[arg(long, value_name = "N", default_value_t = 4010)]
    port: u16,
    /// Hold the second half of the events back, and add one of them every so many milliseconds.
    #[arg(long, value_name = "MS")]
    every_ms: Option<u64>,
}

/// Serves until it is told to stop.
pub(crate) async fn run(options: Options, output: Output) -> Result<(), Error> {
    let recorded = match &options.file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Error::Usage(format!("{}: {error}", path.display())))?,
        None => RECORDED.to_owned(),
    };
    let log = Arc::new(Log::read(&recorded)?);
    let all = log.len();
    let (grow, head) = watch::channel(if options.every_ms.is_some() { all / 2 } else { all });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
        .await
        .map_err(|error| Error::Usage(format!("port {}: {error}", options.port)))?;
    let address = listener.local_addr().map_err(Error::other("the address"))?;
    let mut signals = Signals::new()?;
    match output {
        Output::Json => {
            output::json(&json!({ "feed": format!("http://{address}"), "events": all }))
        }
        Output::Text => output::line(format_args!(
            "{all} recorded events are served at http://{address}\n\nTry, in another terminal:\n  \
             liuyan feed watch --endpoint http://{address}\n  liuyan feed check --endpoint http://{address}"
        )),
    }
    let every = options.every_ms.map(|every| Duration::from_millis(every.max(1)));
    let growth = async move {
        if let Some(every) = every {
            while *grow.borrow() < all {
                tokio::time::sleep(every).await;
                grow.send_modify(|head| *head += 1);
            }
        }
        // The sender stays: without it the readers would take the log for ended.
        std::future::pending::<()>().await;
        drop(grow);
    };
    let service = FeedServiceServer::new(Sandbox::new(log, head));
    let server = tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::select! {
        served = server => served.map_err(Error::other("the sandbox")),
        () = growth => Ok(()),
        () = signals.received() => Ok(()),
    }
}
