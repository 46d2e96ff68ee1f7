//! Following with a cursor of one's own.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use liuyan_feed_client::{
    Checkpoint, Error, Feed, Handler, RunError, Start, Step, Watch, Watcher, What, v1::Event,
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::double::{Double, Turn, batch, caught_up, goodbye, opened, progress, snapshot_end};

/// Every wait of a test ends here.
const SOON: Duration = Duration::from_secs(10);

async fn next(watcher: &mut Watcher) -> Step {
    tokio::time::timeout(SOON, watcher.next()).await.expect("a step comes soon").unwrap().unwrap()
}

/// The next events, and what was told before them.
async fn events(watcher: &mut Watcher) -> (Vec<u64>, Vec<What>) {
    let mut told = Vec::new();
    loop {
        let step = next(watcher).await;
        match step.what {
            What::Events(events) => {
                return (events.iter().map(|event| event.position).collect(), told);
            }
            what => told.push(what),
        }
    }
}

fn with_file(feed: &Feed, path: &Path) -> Result<Watcher, Error> {
    feed.watch(Watch { checkpoint: Some(path.to_owned()), ..Watch::default() })
}

fn refusal(code: Code, reason: &str, metadata: &[(&str, &str)]) -> Turn {
    let metadata: std::collections::HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let details = ErrorDetails::with_error_info(reason, "liuyan", metadata);
    Turn::Refuse(Status::with_error_details(code, "said", details))
}

#[tokio::test]
async fn a_broken_stream_is_resumed_where_it_was_left() {
    let broken = Err(Status::unknown("h2 protocol error"));
    let (double, feed) = Double::with([
        Turn::Frames(vec![Ok(opened(0)), Ok(batch(1..=2)), broken]),
        Turn::Frames(vec![Ok(opened(2)), Ok(batch(3..=3))]),
    ])
    .await;
    let mut watcher = feed.watch(Watch::default()).unwrap();
    assert_eq!(events(&mut watcher).await.0, [1, 2]);
    let (positions, told) = events(&mut watcher).await;
    assert_eq!(positions, [3]);
    assert!(told.iter().any(|what| matches!(what, What::Broken { .. })), "{told:?}");
    assert_eq!(double.starts(), ["Some(Earliest(true))", "c2"]);
}

#[tokio::test]
async fn a_goodbye_is_heeded_and_no_failure() {
    let pause = Duration::from_millis(300);
    let (double, feed) = Double::with([
        Turn::Frames(vec![Ok(opened(0)), Ok(batch(1..=1)), Ok(goodbye(1, "SHUTDOWN", pause))]),
        Turn::Frames(vec![Ok(opened(1)), Ok(batch(2..=2))]),
    ])
    .await;
    let mut watcher = feed.watch(Watch::default()).unwrap();
    events(&mut watcher).await;
    let began = Instant::now();
    let (positions, told) = events(&mut watcher).await;
    assert_eq!(positions, [2]);
    assert!(began.elapsed() >= pause, "{:?}", began.elapsed());
    assert!(matches!(told.as_slice(), [What::Goodbye(_), What::Opened(_)]), "{told:?}");
    assert_eq!(double.starts()[1], "c1");
}

#[tokio::test]
async fn a_stream_that_has_gone_silent_is_left() {
    let (double, feed) = Double::with([
        Turn::Silence(vec![opened(0), batch(1..=1)]),
        Turn::Frames(vec![Ok(opened(1)), Ok(batch(2..=2))]),
    ])
    .await;
    let mut watcher = feed.watch(Watch::default()).unwrap();
    events(&mut watcher).await;
    let began = Instant::now();
    assert_eq!(events(&mut watcher).await.0, [2]);
    assert!(began.elapsed() >= Duration::from_millis(250), "three heartbeats are waited for");
    assert_eq!(double.starts()[1], "c1");
}

#[tokio::test]
async fn what_the_board_asks_for_is_waited() {
    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(700)));
    let busy = Status::with_error_details(Code::ResourceExhausted, "busy", details);
    let (_, feed) =
        Double::with([Turn::Refuse(busy), Turn::Frames(vec![Ok(opened(0)), Ok(batch(1..=1))])])
            .await;
    let mut watcher = feed.watch(Watch::default()).unwrap();
    let began = Instant::now();
    assert_eq!(events(&mut watcher).await.0, [1]);
    assert!(began.elapsed() >= Duration::from_millis(700), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_place_that_is_no_longer_kept_is_told_and_the_oldest_event_follows() {
    let expired = refusal(Code::OutOfRange, "CURSOR_EXPIRED", &[("earliest_cursor", "c40")]);
    let (double, feed) =
        Double::with([expired, Turn::Frames(vec![Ok(opened(40)), Ok(batch(41..=41))])]).await;
    let mut watcher = feed.watch(Watch::default()).unwrap();
    let (positions, told) = events(&mut watcher).await;
    assert_eq!(positions, [41]);
    assert!(matches!(told.first(), Some(What::Expired)), "{told:?}");
    assert_eq!(double.starts()[1], "c40");
}

#[tokio::test]
async fn events_that_repeat_in_another_life_of_the_log_are_left_out() {
    let told = [("new_epoch", "next"), ("nearest_cursor", "c1")];
    let (_, feed) = Double::with([
        Turn::Frames(vec![
            Ok(opened(0)),
            Ok(batch(1..=3)),
            Ok(goodbye(3, "FEED_EPOCH_CHANGED", Duration::ZERO)),
        ]),
        refusal(Code::FailedPrecondition, "FEED_EPOCH_CHANGED", &told),
        Turn::Frames(vec![Ok(opened(1)), Ok(batch(2..=4))]),
    ])
    .await;
    let mut watcher = feed.watch(Watch::default()).unwrap();
    assert_eq!(events(&mut watcher).await.0, [1, 2, 3]);
    watcher.commit().await.unwrap();
    let (positions, told) = events(&mut watcher).await;
    assert_eq!(positions, [4]);
    let changed = |what: &What| matches!(what, What::EpochChanged { epoch } if epoch == "next");
    assert!(told.iter().any(changed), "{told:?}");
}

#[tokio::test]
async fn the_next_process_goes_on_after_what_was_committed() {
    let (folder, place) = (tempfile::tempdir().unwrap(), "place.json");
    let path = folder.path().join(place);
    let (double, feed) = Double::with([
        Turn::Silence(vec![opened(0), batch(1..=2), batch(3..=4)]),
        Turn::Silence(vec![opened(2), batch(3..=4)]),
    ])
    .await;
    let mut watcher = with_file(&feed, &path).unwrap();
    assert_eq!(events(&mut watcher).await.0, [1, 2]);
    watcher.commit().await.unwrap();
    assert_eq!(events(&mut watcher).await.0, [3, 4]);
    watcher.done("e3");
    assert!(matches!(with_file(&feed, &path), Err(Error::CheckpointHeld(_))));
    // Killed before the commit: only the first step is on the disk.
    drop(watcher);
    assert_eq!(Checkpoint::read(&path).unwrap().position, 2);
    let mut watcher = with_file(&feed, &path).unwrap();
    assert_eq!(events(&mut watcher).await.0, [3, 4], "what was not committed comes again");
    assert_eq!(double.starts()[1], "c2");
}

struct Fails {
    at: u64,
    done: Vec<u64>,
}

impl Handler for Fails {
    type Error = u64;

    async fn handle(&mut self, event: &Event) -> Result<(), u64> {
        if event.position == self.at {
            self.at = 0;
            return Err(event.position);
        }
        self.done.push(event.position);
        Ok(())
    }
}

#[tokio::test]
async fn an_event_that_the_handler_fails_on_comes_again_and_those_before_it_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("place.json");
    let end = || Ok(goodbye(3, "END_CURSOR", Duration::ZERO));
    let (_, feed) = Double::with([
        Turn::Frames(vec![Ok(opened(0)), Ok(batch(1..=3)), end()]),
        Turn::Frames(vec![Ok(opened(0)), Ok(batch(1..=3)), end()]),
    ])
    .await;
    let mut handler = Fails { at: 2, done: Vec::new() };
    let mut watcher = with_file(&feed, &path).unwrap();
    let failed = watcher.run(&mut handler).await;
    assert!(matches!(failed, Err(RunError::Handler(2))));
    drop(watcher);
    assert_eq!(Checkpoint::read(&path).unwrap().event_ids, ["e1"], "it is known across processes");
    with_file(&feed, &path).unwrap().run(&mut handler).await.unwrap();
    assert_eq!(handler.done, [1, 2, 3]);
    assert_eq!(Checkpoint::read(&path).unwrap().position, 3);
}

#[tokio::test]
async fn the_first_event_behind_a_filter_that_chooses_nothing_is_not_far_from_the_kept_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("place.json");
    let (_, feed) = Double::with([Turn::Silence(vec![opened(0), caught_up(7), progress(8)])]).await;
    let mut watcher = with_file(&feed, &path).unwrap();
    while !matches!(next(&mut watcher).await.what, What::Progress(_)) {}
    watcher.commit().await.unwrap();
    let kept = Checkpoint::read(&path).unwrap();
    assert_eq!((kept.position, kept.epoch.as_str()), (8, "life"));
}

#[tokio::test]
async fn a_snapshot_ends_where_events_begin_and_is_resumed_in_its_middle() {
    let broken = Err(Status::unknown("h2 protocol error"));
    let (double, feed) = Double::with([
        Turn::Frames(vec![Ok(opened(9)), Ok(batch(2..=3)), broken]),
        Turn::Silence(vec![opened(9), batch(7..=7), snapshot_end(9), caught_up(9), batch(10..=10)]),
    ])
    .await;
    let watch = Watch { start: Start::Snapshot(true), ..Watch::default() };
    let mut watcher = feed.watch(watch).unwrap();
    assert_eq!(events(&mut watcher).await.0, [2, 3]);
    assert_eq!(events(&mut watcher).await.0, [7]);
    let step = next(&mut watcher).await;
    assert!(matches!(step.what, What::SnapshotEnd), "{step:?}");
    assert_eq!((step.cursor.as_str(), step.position), ("c9", 9));
    let (positions, told) = events(&mut watcher).await;
    assert_eq!(positions, [10]);
    assert!(matches!(told.as_slice(), [What::CaughtUp]), "{told:?}");
    assert_eq!(double.starts(), ["Some(Snapshot(true))", "c3"]);
}

#[tokio::test]
async fn what_stays_wrong_ends_it() {
    let malformed = refusal(Code::InvalidArgument, "CURSOR_MALFORMED", &[]);
    let (_, feed) = Double::with([malformed]).await;
    let mut watcher = feed.watch(Watch::default()).unwrap();
    let Err(Error::Refused(refused)) = watcher.next().await else { panic!("it is refused") };
    assert_eq!(refused.reason, "CURSOR_MALFORMED");
}

#[tokio::test]
async fn a_token_that_nobody_renews_ends_it() {
    let expired = refusal(Code::Unauthenticated, "CREDENTIAL_EXPIRED", &[]);
    let (_, feed) = Double::with([expired]).await;
    let mut watcher = feed.watch(Watch::default()).unwrap();
    assert!(matches!(watcher.next().await, Err(Error::Usage(_))));
}

#[tokio::test]
async fn tries_may_be_counted() {
    let feed = Feed::new(&liuyan_feed_client::Settings::new("http://127.0.0.1:9")).unwrap();
    let mut watcher = feed.watch(Watch { tries: Some(2), ..Watch::default() }).unwrap();
    assert!(matches!(next(&mut watcher).await.what, What::Broken { .. }));
    assert!(matches!(watcher.next().await, Err(Error::Unreachable(_))));
}
