//! A program of before stretches appends beside this one, as while both are rolled out.

use liuyan_kit::{
    clock::{to_db, to_proto},
    id,
};
use liuyan_proto::liuyan::feed::v1::Event;
use prost::Message as _;
use uuid::Uuid;

use crate::helpers::{Case, House, house_with, now, titles};

/// What that program says when it appends.
const INSERT: &str = "insert into log (
    position, event_id, case_id, subject_revision, version, type, recorded_at,
    office_id, division_code, kind, domain, state, hidden, payload, former_office_id,
    former_division_code
)
select * from unnest(
    $1::bigint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::text[],
    $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::integer[],
    $13::boolean[], $14::bytea[], $15::text[], $16::text[]
)";

/// Appends so many events of a new case as that program does, in one statement.
async fn append_as_before(house: &House, events: i64, title: &str) -> Vec<Event> {
    let mut connection = house.db.read().await.unwrap();
    let case = Case::new();
    let end: i64 =
        sqlx::query_scalar("select position from head").fetch_one(&mut *connection).await.unwrap();
    let positions: Vec<i64> = (end + 1..=end + events).collect();
    let began = now();
    let at = |place: i64| began + jiff::SignedDuration::from_micros(place);
    let written = positions.iter().zip(1..).map(|(position, revision)| Event {
        id: id::v7(began).to_string(),
        r#type: "liuyan.routing.v1.case-accepted".to_owned(),
        source: "routing".to_owned(),
        subject: format!("cases/{}", case.id),
        recorded_time: Some(to_proto(at(*position))),
        position: position.unsigned_abs(),
        subject_revision: revision,
        case: Some(case.view(title)),
        ..Event::default()
    });
    let written: Vec<Event> = written.collect();
    let each = |text: &str| vec![text.to_owned(); positions.len()];
    let ids: Vec<Uuid> = written.iter().map(|event| event.id.parse().unwrap()).collect();
    sqlx::query_scalar::<_, i64>(INSERT)
        .bind(&positions)
        .bind(&ids)
        .bind(vec![case.id; positions.len()])
        .bind((1..=events).collect::<Vec<_>>())
        .bind((1..=events).collect::<Vec<_>>())
        .bind(each("liuyan.routing.v1.case-accepted"))
        .bind(positions.iter().map(|place| to_db(at(*place))).collect::<Vec<_>>())
        .bind(each(case.office_id))
        .bind(each(case.division_code))
        .bind(each(case.kind))
        .bind(each(""))
        .bind(vec![1_i32; positions.len()])
        .bind(vec![false; positions.len()])
        .bind(written.iter().map(Event::encode_to_vec).collect::<Vec<_>>())
        .bind(vec![None::<String>; positions.len()])
        .bind(vec![None::<String>; positions.len()])
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    sqlx::query_scalar::<_, i64>(
        "insert into subjects (case_id, revision, withheld, hidden) values ($1, $2, 0, false)",
    )
    .bind(case.id)
    .bind(events)
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    sqlx::query_scalar::<_, i64>("update head set position = $1, recorded_at = $2")
        .bind(end + events)
        .bind(to_db(at(end + events)))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    house.app.tail.refresh().await.unwrap();
    written
}

#[tokio::test]
async fn what_an_older_program_appends_is_read_by_this_one_and_both_go_on() {
    let house = house_with(|config| {
        config.stretch_events = 4;
        config.export_after_days = 0;
        config.recent_events = 0;
    })
    .await;
    let first = append_as_before(&house, 3, "older").await;
    assert_eq!(house.all().await.events, first);
    let mut case = Case::new();
    let said = [case.opened(), case.accepted()];
    house.routing.shows(case.view("newer"));
    house.hear(&said).await;
    house.append().await;
    let more = append_as_before(&house, 9_998, "older again").await;
    let page = house.all().await.events;
    assert_eq!(titles(&page[..6]), ["older", "older", "older", "newer", "newer", "older again"]);
    assert_eq!(page[5..], more[..495]);
    assert_eq!(house.count("select count(*) from payloads").await, 10_003);
    assert_eq!(house.breaches().await, Vec::<&str>::new(), "also over the end of a stretch");
}
