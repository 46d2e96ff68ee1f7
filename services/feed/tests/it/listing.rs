use std::time::{Duration, Instant};

use liuyan_proto::liuyan::feed::v1::{Clause, EventFilter, ListEventsRequest};
use prost_types::FieldMask;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::helpers::{Case, House, SOON, house, house_with, titles, told};

fn one(clause: Clause) -> Option<EventFilter> {
    Some(EventFilter { any_of: vec![clause] })
}

fn divisions(codes: &[&str], include_below: bool) -> Option<EventFilter> {
    let division_codes = codes.iter().map(|code| (*code).to_owned()).collect();
    one(Clause { division_codes, include_below, ..Clause::default() })
}

/// One opened case in each of these divisions, with the division as title.
async fn with_cases_in(house: &House, codes: &[&'static str]) {
    for code in codes {
        let mut case = Case { division_code: code, ..Case::new() };
        let opened = case.opened();
        house.routing.shows(case.view(code));
        house.take(opened).await;
    }
}

#[tokio::test]
async fn a_filter_chooses_divisions_with_those_below() {
    // With nothing in memory the database answers, and must answer the same.
    for recent_events in [0, 100] {
        let house = house_with(|config| config.recent_events = recent_events).await;
        with_cases_in(&house, &["110000", "110101", "120000", "", "110100"]).await;
        let table: [(Option<EventFilter>, &[&str]); 5] = [
            (None, &["110000", "110101", "120000", "", "110100"]),
            (divisions(&["110000"], true), &["110000", "110101", "110100"]),
            (divisions(&["110100"], true), &["110101", "110100"]),
            (divisions(&["110000", "120000"], false), &["110000", "120000"]),
            (divisions(&["310000"], true), &[]),
        ];
        for (filter, expected) in table {
            let request = ListEventsRequest { filter: filter.clone(), ..Default::default() };
            let page = house.list(request).await.unwrap();
            assert_eq!(titles(&page.events), expected, "{filter:?}");
            assert_eq!((page.position, page.caught_up), (5, true), "fresh whatever was chosen");
        }
    }
}

#[tokio::test]
async fn whoever_follows_an_office_learns_that_a_case_has_left_it() {
    for recent_events in [0, 100] {
        let house = house_with(|config| config.recent_events = recent_events).await;
        let mut case = Case::new();
        let first = case.office_id;
        for event in [case.opened(), case.transferred("120000-s"), case.accepted()] {
            house.routing.shows(case.view("t"));
            house.take(event).await;
        }
        for (office, expected) in [
            (first, ["case-opened", "case-transferred"].as_slice()),
            ("120000-s", &["case-transferred", "case-accepted"]),
            ("130000-s", &[]),
        ] {
            let filter = one(Clause { office_ids: vec![office.to_owned()], ..Clause::default() });
            let request = ListEventsRequest { filter, ..Default::default() };
            let events = house.list(request).await.unwrap().events;
            let types: Vec<_> =
                events.iter().map(|event| event.r#type.rsplit('.').next().unwrap()).collect();
            assert_eq!(types, expected, "{office}");
        }
    }
}

#[tokio::test]
async fn one_call_looks_at_so_many_events_and_no_more() {
    for recent_events in [0, 100] {
        let house = house_with(|config| {
            config.scan_events = 2;
            config.recent_events = recent_events;
        })
        .await;
        with_cases_in(&house, &["110000", "110000", "110000", "120000"]).await;
        let filter = divisions(&["120000"], false);
        let request = ListEventsRequest { filter: filter.clone(), ..Default::default() };
        let page = house.list(request).await.unwrap();
        assert_eq!((page.events.len(), page.position, page.caught_up), (0, 2, false));
        let request = ListEventsRequest { cursor: page.cursor, filter, ..Default::default() };
        let page = house.list(request).await.unwrap();
        assert_eq!((page.events.len(), page.position, page.caught_up), (1, 4, true));
    }
}

#[tokio::test]
async fn a_mask_gives_only_the_fields_it_names() {
    let house = house().await;
    with_cases_in(&house, &["110000"]).await;
    let paths = vec!["position".to_owned(), "case.title".to_owned()];
    let read_mask = Some(FieldMask { paths });
    let page = house.list(ListEventsRequest { read_mask, ..Default::default() }).await.unwrap();
    let event = &page.events[0];
    assert_eq!((event.position, event.id.as_str()), (1, ""));
    let case = event.case.as_ref().unwrap();
    assert_eq!((case.title.as_str(), case.case_id.as_str()), ("110000", ""));
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let house = house().await;
    let clause = Clause {
        event_types: vec!["liuyan.routing.v1.*".to_owned(), "case-replied".to_owned()],
        division_codes: vec!["11".to_owned()],
        kinds: vec![String::new()],
        states: vec![0, 3, 99],
        ..Clause::default()
    };
    let refused = house
        .list(ListEventsRequest {
            cursor: "x".to_owned(),
            filter: Some(EventFilter { any_of: vec![clause] }),
            read_mask: Some(FieldMask { paths: vec!["titel".to_owned()] }),
            page_size: -1,
            wait: Some(prost_types::Duration { seconds: 31, nanos: 0 }),
        })
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(told(&refused).0, "REQUEST_INVALID");
    let mut fields: Vec<String> = refused
        .get_details_bad_request()
        .unwrap()
        .field_violations
        .into_iter()
        .map(|violation| violation.field)
        .collect();
    fields.sort();
    let expected = [
        "cursor",
        "filter.any_of[0].division_codes[0]",
        "filter.any_of[0].event_types[1]",
        "filter.any_of[0].kinds[0]",
        "filter.any_of[0].states[0]",
        "filter.any_of[0].states[2]",
        "page_size",
        "read_mask.paths[0]",
        "wait",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn a_filter_has_limits() {
    let house = house().await;
    let too_many_clauses = EventFilter { any_of: vec![Clause::default(); 33] };
    let values = (0..201).map(|value| value.to_string()).collect();
    let too_many_values =
        EventFilter { any_of: vec![Clause { kinds: values, ..Clause::default() }] };
    for filter in [too_many_clauses, too_many_values] {
        let request = ListEventsRequest { filter: Some(filter), ..Default::default() };
        assert_eq!(house.list(request).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_call_that_waits_is_answered_by_the_next_event() {
    let house = house().await;
    let wait = Some(prost_types::Duration { seconds: 20, nanos: 0 });
    let mut client = house.client.clone();
    let waiting = tokio::spawn(async move {
        let request = ListEventsRequest { wait, ..Default::default() };
        client.list_events(request).await.unwrap().into_inner()
    });
    with_cases_in(&house, &["110000"]).await;
    let page = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert_eq!(page.events.len(), 1);
}

#[tokio::test]
async fn a_call_that_waits_in_vain_has_a_fresh_cursor() {
    let house = house().await;
    let wait = Some(prost_types::Duration { seconds: 0, nanos: 300_000_000 });
    let request =
        ListEventsRequest { wait, filter: divisions(&["310000"], true), ..Default::default() };
    let begun = Instant::now();
    let (page, ()) = tokio::join!(house.list(request), with_cases_in(&house, &["110000"]));
    let page = page.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!((page.events.len(), page.position), (0, 1));
    assert!(page.cursor_time.is_some());
}
