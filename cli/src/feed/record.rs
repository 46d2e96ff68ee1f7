//! `liuyan feed record`: the events of a feed, to be served again by `liuyan feed sandbox`.

use std::path::Path;

use liuyan_feed_client::v1::ListEventsRequest;

use super::{
    at::{At, called, failed},
    json,
};
use crate::{error::Error, output};

/// Which feed, and how much of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    at: At,
    /// Stop after so many events.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Prints events from the oldest on. Traces name a board's own requests, and are left out.
pub(crate) async fn run(dir: &Path, options: Options) -> Result<(), Error> {
    let feed = options.at.feed(dir)?;
    let mut client = feed.client().await.map_err(failed)?;
    let (mut cursor, mut left) = (String::new(), options.limit.unwrap_or(usize::MAX));
    loop {
        let request = ListEventsRequest { cursor, page_size: 500, ..ListEventsRequest::default() };
        let request = feed.request(request).await.map_err(failed)?;
        let page = client.list_events(request).await.map_err(called)?.into_inner();
        for mut event in page.events.into_iter().take(left) {
            event.traceparent.clear();
            output::json(&json::of("Event", &event)?);
            left -= 1;
        }
        if page.caught_up || left == 0 {
            return Ok(());
        }
        cursor = page.cursor;
    }
}
