//! Events by their ids, and the one form that an event has as JSON.

use liuyan_feed::domain::cursor::Cursor;
use liuyan_proto::{
    json,
    liuyan::feed::v1::{
        BatchGetEventsRequest, BatchGetEventsResponse, ListEventsRequest,
        feed_service_server::FeedService as _,
    },
};
use serde_json::Value;
use tonic::Code;
use uuid::Uuid;

use crate::helpers::{Case, House, acting, fields, house, house_with, reason};

async fn look_up(house: &House, event_ids: &[Uuid]) -> BatchGetEventsResponse {
    let event_ids = event_ids.iter().map(Uuid::to_string).collect();
    let request = BatchGetEventsRequest { event_ids, read_mask: None };
    house.client.clone().batch_get_events(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn an_event_is_found_by_its_id_with_the_cursor_behind_it() {
    let house = house().await;
    let mut case = Case::new();
    let said = [case.opened(), case.accepted(), case.replied()];
    let ids = said.each_ref().map(|event| event.event_id);
    house.routing.shows(case.view("shown"));
    house.hear(&said[..2]).await;
    house.append().await;
    let all = house.all().await.events;

    let found = look_up(&house, &[ids[1], ids[2], ids[0], Uuid::nil()]).await;
    let events: Vec<_> = found.events.iter().map(|it| it.event.clone().unwrap()).collect();
    assert_eq!(events, all, "in the order of the log; the third one is not there yet");
    assert!(found.withheld_event_ids.is_empty());
    let cursor = found.events[0].cursor.clone();
    let after = house.list(ListEventsRequest { cursor, ..Default::default() }).await.unwrap();
    assert_eq!(after.events, all[1..]);
    assert_eq!(Cursor::parse(&found.events[1].cursor).unwrap().position, 2);

    house.hear(&said[2..]).await;
    house.append().await;
    assert_eq!(look_up(&house, &[ids[2]]).await.events.len(), 1);
}

#[tokio::test]
async fn what_never_will_be_in_the_log_is_named_and_what_is_others_is_not() {
    let house = house().await;
    let (mut hidden, mut private) = (Case::new(), Case::new());
    let never = hidden.opened_in_private();
    let restricted = private.private(&[]);
    let ids = [never.event_id, restricted.event_id];
    house.hear(&[never, restricted]).await;
    house.append().await;
    let found = look_up(&house, &ids).await;
    assert!(found.events.is_empty());
    assert_eq!(found.withheld_event_ids, [ids[0].to_string()]);

    let request = BatchGetEventsRequest {
        event_ids: vec![ids[1].to_string()],
        ..BatchGetEventsRequest::default()
    };
    let own = acting(&[private.office_id], &[], &["feed:read", "case:work"], request);
    let found = house.grpc.batch_get_events(own).await.unwrap().into_inner();
    assert!(found.events[0].event.as_ref().unwrap().restricted, "its office is given it");
}

#[tokio::test]
async fn every_fault_of_a_look_up_is_told_at_once() {
    let house = house().await;
    let mut event_ids = vec![Uuid::nil().to_string(); 501];
    event_ids[1] = "1".to_owned();
    let read_mask = Some(prost_types::FieldMask { paths: vec!["nothing".to_owned()] });
    let request = BatchGetEventsRequest { event_ids, read_mask };
    let refused = house.client.clone().batch_get_events(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::InvalidArgument, "REQUEST_INVALID")
    );
    assert_eq!(fields(&refused), ["read_mask.paths[0]", "event_ids", "event_ids[1]"]);
}

#[tokio::test]
async fn an_event_is_the_same_json_in_an_object_as_by_the_contract() {
    let house = house_with(|config| {
        config.stretch_events = 2;
        config.export_after_days = 0;
        config.recent_events = 0;
    })
    .await;
    let mut case = Case::new();
    let said = [case.opened(), case.accepted_by(Uuid::from_u128(7))];
    house.routing.shows(case.view("a \"title\""));
    house.hear(&said).await;
    house.append().await;
    house.export().await;
    let object = house.objects().await.into_values().next().unwrap();
    let lines = object.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let in_object: Vec<Value> = lines.filter_map(|line| line.get("event").cloned()).collect();
    let by_grpc = house.all().await.events;
    let by_contract = by_grpc.iter().map(|event| json::event(event).unwrap());
    let by_contract = by_contract.map(|event| serde_json::to_value(event).unwrap());
    assert_eq!(in_object, by_contract.collect::<Vec<_>>());
    assert_eq!(in_object[1]["causationId"], Uuid::from_u128(7).to_string());
}
