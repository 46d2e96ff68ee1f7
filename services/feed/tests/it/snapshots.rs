//! A reader that begins with the present view of each case.

use liuyan_proto::liuyan::feed::v1::{
    BatchLimits, Clause, EventFilter, WatchEventsRequest, WatchEventsResponse,
    watch_events_request::Start, watch_events_response::Frame,
};

use crate::helpers::{Case, House, Watching, house, house_with, reason, titles};

fn from(start: Start) -> WatchEventsRequest {
    WatchEventsRequest { start: Some(start), ..WatchEventsRequest::default() }
}

/// The titles of the frames up to the end of the snapshot, and the cursor of that end.
async fn snapshot(stream: &mut Watching) -> (Vec<String>, WatchEventsResponse) {
    let mut seen = Vec::new();
    loop {
        let response = stream.next().await.expect("the stream has not ended");
        match &response.frame {
            Some(Frame::Batch(batch)) => {
                assert_eq!(response.cursor_time, None, "older events follow");
                seen.extend(titles(&batch.events).into_iter().map(str::to_owned));
            }
            Some(Frame::SnapshotEnd(_)) => return (seen, response),
            _ => {}
        }
    }
}

/// Five cases with three events each, the third of which is taken back.
async fn five(house: &House) -> Vec<Case> {
    let mut cases = Vec::new();
    for at in 0..5 {
        let mut case = Case::new();
        for event in [case.opened(), case.accepted(), case.replied()] {
            house.routing.shows(case.view(&format!("case {at}")));
            house.take(event).await;
        }
        cases.push(case);
    }
    house.routing.hides(&cases[2]);
    let withdrawn = cases[2].withdrawn();
    house.take(withdrawn).await;
    cases
}

#[tokio::test]
async fn a_snapshot_gives_each_case_once_and_then_what_happens() {
    for exported in [false, true] {
        let house = house_with(|config| {
            config.stretch_events = 4;
            config.export_after_days = 0;
        })
        .await;
        let mut cases = five(&house).await;
        if exported {
            house.export().await;
        }
        let mut stream = house.watch(from(Start::Snapshot(true))).await;
        let (seen, end) = snapshot(&mut stream).await;
        assert_eq!(seen, ["case 0", "case 1", "case 3", "case 4"]);
        assert_eq!(end.position, 16);
        stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;
        let closed = cases[0].closed();
        house.routing.shows(cases[0].view("closed"));
        house.take(closed).await;
        let frame = stream.until(|frame| matches!(frame, Frame::Batch(_))).await;
        let Some(Frame::Batch(batch)) = frame.frame else { panic!("until() gives a batch") };
        assert_eq!(titles(&batch.events), ["closed"]);
        // The end's cursor is one of the log, which every call takes.
        let mut again = house.watch(from(Start::Cursor(end.cursor))).await;
        let frame = again.until(|frame| matches!(frame, Frame::Batch(_))).await;
        assert_eq!(frame.position, 17);
    }
}

#[tokio::test]
async fn a_snapshot_is_resumed_in_the_middle_and_nothing_of_meanwhile_is_missing() {
    let house = house().await;
    let mut cases = five(&house).await;
    let batch = Some(BatchLimits { max_events: 1, max_bytes: 0 });
    let request = WatchEventsRequest { batch, ..from(Start::Snapshot(true)) };
    let mut stream = house.watch(request).await;
    stream.until(|frame| matches!(frame, Frame::Batch(_))).await;
    let second = stream.until(|frame| matches!(frame, Frame::Batch(_))).await;
    drop(stream);
    // Meanwhile something happens to a case that was given, to one that was not, and there is a new one.
    for at in [0, 4] {
        let closed = cases[at].closed();
        house.routing.shows(cases[at].view(&format!("closed {at}")));
        house.take(closed).await;
    }
    let mut new = Case::new();
    let opened = new.opened();
    house.routing.shows(new.view("new"));
    house.take(opened).await;

    let mut stream = house.watch(from(Start::Cursor(second.cursor.clone()))).await;
    let (seen, end) = snapshot(&mut stream).await;
    assert_eq!(seen, ["case 3", "case 4"], "as of the place at which it was begun");
    assert_eq!(end.position, 16);
    let mut after = Vec::new();
    while after.len() < 3 {
        let frame = stream.until(|frame| matches!(frame, Frame::Batch(_))).await;
        let Some(Frame::Batch(batch)) = frame.frame else { panic!("until() gives a batch") };
        after.extend(titles(&batch.events).into_iter().map(str::to_owned));
    }
    assert_eq!(after, ["closed 0", "closed 4", "new"]);

    let list = liuyan_proto::liuyan::feed::v1::ListEventsRequest {
        cursor: second.cursor,
        ..Default::default()
    };
    let refused = house.list(list).await.unwrap_err();
    assert_eq!(reason(&refused), "CURSOR_MALFORMED", "pages have no snapshots");
}

#[tokio::test]
async fn a_filter_chooses_cases_of_a_snapshot_by_where_they_are_now() {
    let house = house().await;
    let mut case = Case::new();
    let before = case.office_id;
    for event in [case.opened(), case.transferred("120000-s")] {
        house.routing.shows(case.view("moved"));
        house.take(event).await;
    }
    for (office, types, expected) in [
        (before, vec![], vec![]),
        ("120000-s", vec![], vec!["moved"]),
        ("120000-s", vec!["liuyan.routing.v1.case-closed".to_owned()], vec!["moved"]),
    ] {
        let clause =
            Clause { office_ids: vec![office.to_owned()], event_types: types, ..Clause::default() };
        let filter = Some(EventFilter { any_of: vec![clause] });
        let request = WatchEventsRequest { filter, ..from(Start::Snapshot(true)) };
        let (seen, _) = snapshot(&mut house.watch(request).await).await;
        assert_eq!(seen, expected);
    }
}
