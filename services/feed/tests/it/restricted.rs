//! What is not public is for the agency of the office that handles it, and for nobody else.

use futures::StreamExt as _;
use liuyan_proto::liuyan::{
    common::v1::PublicCase,
    feed::v1::{
        Event, ListEventsRequest, WatchEventsRequest, feed_service_server::FeedService as _,
        watch_events_request::Start, watch_events_response::Frame,
    },
};
use uuid::Uuid;

use crate::{
    helpers::{Case, House, acting, house, house_with},
    redaction::{SECRET, rows_with, secret_view},
};

const OWN: &str = "110100-s";
const SCOPES: &[&str] = &["feed:read", "case:work"];

async fn seen(house: &House, offices: &[&str], divisions: &[&str], scopes: &[&str]) -> Vec<Event> {
    let request = acting(offices, divisions, scopes, ListEventsRequest::default());
    house.grpc.list_events(request).await.unwrap().into_inner().events
}

#[tokio::test]
async fn a_private_case_is_for_its_office_alone_and_takes_no_revision() {
    for recent_events in [0, 100] {
        let house = house_with(|config| config.recent_events = recent_events).await;
        let mut case = Case::new();
        // Routing would show it by mistake: nothing of it is stored all the same.
        house.routing.shows(secret_view(&case));
        house.take(case.private(&[])).await;
        house.take(case.transferred_in_private("120000-s", &[])).await;
        house.take(case.private(&[])).await;
        assert_eq!(rows_with(&house, SECRET).await, 0);
        let mut public = Case::new();
        let opened = public.opened();
        house.routing.shows(public.view("public"));
        house.take(opened).await;

        let positions = async |offices: &[&str], scopes: &[&str]| {
            let events = seen(&house, offices, &[], scopes).await;
            events.iter().map(|event| event.position).collect::<Vec<_>>()
        };
        assert_eq!(positions(&[OWN], SCOPES).await, [1, 2, 4], "the second says that it is gone");
        assert_eq!(positions(&["120000-s"], SCOPES).await, [2, 3, 4]);
        assert_eq!(positions(&["310000-s"], SCOPES).await, [4]);
        assert_eq!(positions(&[OWN], &["feed:read"]).await, [4], "it may not read cases");
        assert_eq!(
            positions(&[OWN], &["case:work"]).await,
            [4],
            "it may not read the feed as itself"
        );
        assert_eq!(house.all().await.events.len(), 1);

        let events = seen(&house, &[OWN], &[], SCOPES).await;
        let ids_and_codes = PublicCase {
            case_id: case.id.to_string(),
            message_id: case.message_id.to_string(),
            office_id: OWN.to_owned(),
            division_code: "110100".to_owned(),
            kind: "complaint".to_owned(),
            state: 1,
            ..PublicCase::default()
        };
        assert_eq!(events[0].case.as_ref(), Some(&ids_and_codes));
        let revisions: Vec<_> =
            events.iter().map(|it| (it.restricted, it.subject_revision)).collect();
        assert_eq!(revisions, [(true, 0), (true, 0), (false, 1)]);
    }
}

#[tokio::test]
async fn who_may_act_for_an_accused_office_never_learns_of_the_case_also_not_of_before() {
    let house = house().await;
    let mut case = Case::new();
    house.take(case.private(&[])).await;
    let two = &[OWN, "110000-s"];
    assert_eq!(seen(&house, two, &[], SCOPES).await.len(), 1, "nobody is accused yet");
    house.take(case.private(&["110000-s"])).await;
    assert_eq!(seen(&house, two, &[], SCOPES).await.len(), 0);
    assert_eq!(seen(&house, &["110000-s"], &[], SCOPES).await.len(), 0);
    assert_eq!(seen(&house, &[OWN], &["110000"], SCOPES).await.len(), 0);
    assert_eq!(seen(&house, &[OWN], &[], SCOPES).await.len(), 2);
}

#[tokio::test]
async fn an_office_that_lost_a_case_because_it_is_the_accused_does_not_learn_who_has_it() {
    let house = house().await;
    let mut case = Case::new();
    house.take(case.private(&[])).await;
    house.take(case.transferred_in_private("120000-s", &[OWN])).await;
    let told: Vec<u64> =
        seen(&house, &[OWN], &[], SCOPES).await.iter().map(|event| event.position).collect();
    assert_eq!(told, [1], "what it was told while it handled the case, and no more");
    assert_eq!(seen(&house, &["120000-s"], &[], SCOPES).await.len(), 1);
}

#[tokio::test]
async fn a_public_case_that_is_kept_private_later_is_taken_back_first() {
    let house = house().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(secret_view(&case));
    house.take(opened).await;
    house.routing.hides(&case);
    house.take(case.private(&["110000-s"])).await;
    house.take(case.private(&["110000-s"])).await;
    let all = house.all().await.events;
    let types: Vec<_> = all.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(types, ["liuyan.routing.v1.case-opened", "liuyan.feed.v1.case-hidden"]);
    assert_eq!(rows_with(&house, SECRET).await, 0);
    assert_eq!(seen(&house, &[OWN], &[], SCOPES).await.len(), 3);
}

#[tokio::test]
async fn a_stream_says_of_which_offices_it_gives_what_is_restricted() {
    let house = house().await;
    let mut case = Case::new();
    house.take(case.private(&[])).await;
    for (scopes, offices, events) in
        [(SCOPES, vec![OWN.to_owned()], 1), (&["feed:read"], vec![], 0)]
    {
        for start in [Start::Earliest(true), Start::Snapshot(true)] {
            let request = WatchEventsRequest { start: Some(start), ..Default::default() };
            let stream =
                house.grpc.watch_events(acting(&[OWN], &[], scopes, request)).await.unwrap();
            let mut stream = stream.into_inner();
            let Some(Frame::Opened(opened)) = stream.next().await.unwrap().unwrap().frame else {
                panic!("a stream begins with Opened")
            };
            assert_eq!(opened.restricted_office_ids, offices);
            let mut given = 0;
            loop {
                match stream.next().await.unwrap().unwrap().frame {
                    Some(Frame::Batch(batch)) => given += batch.events.len(),
                    Some(Frame::CaughtUp(_)) => break,
                    _ => {}
                }
            }
            assert_eq!(given, events);
        }
    }
}

#[tokio::test]
async fn an_agency_knows_its_own_act_by_the_request_that_it_made() {
    let house = house().await;
    let mut case = Case::new();
    let request_id = Uuid::from_u128(77);
    let said = [case.opened(), case.accepted_by(request_id)];
    house.routing.shows(case.view("t"));
    house.hear(&said).await;
    house.append().await;
    let causes: Vec<_> =
        house.all().await.events.into_iter().map(|event| event.causation_id).collect();
    assert_eq!(causes, [String::new(), request_id.to_string()]);
}
