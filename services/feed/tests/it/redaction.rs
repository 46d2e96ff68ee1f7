use liuyan_feed::app::append::Known;
use liuyan_proto::liuyan::{
    common::v1::{PublicCase, Reply},
    feed::v1::{Clause, EventFilter, ListEventsRequest},
};

use crate::helpers::{Case, House, house, titles};

pub(crate) const SECRET: &str = "Fengtai-1187";

/// How many rows of all tables hold a word, as text or in bytes.
pub(crate) async fn rows_with(house: &House, word: &str) -> i64 {
    let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut connection = house.db.read().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', nspname, relname)
         from pg_class join pg_namespace on pg_namespace.oid = relnamespace
         where nspname in ('public', 'messaging') and relkind = 'r'",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    assert!(tables.len() > 5);
    let mut rows = 0;
    for table in tables {
        let sql = format!(
            "select count(*) from {table} as t where row_to_json(t)::text like $1 or row_to_json(t)::text like $2"
        );
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(format!("%{word}%"))
            .bind(format!("%{hex}%"))
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        rows += found;
    }
    rows
}

pub(crate) fn secret_view(case: &Case) -> PublicCase {
    let reply = Reply { reply_id: "r".to_owned(), body: SECRET.to_owned(), ..Reply::default() };
    PublicCase { body: SECRET.to_owned(), replies: vec![reply], ..case.view(SECRET) }
}

#[tokio::test]
async fn a_case_taken_back_is_reduced_to_ids_everywhere() {
    let house = house().await;
    let mut case = Case::new();
    let said = [case.opened(), case.replied()];
    house.routing.shows(secret_view(&case));
    house.hear(&said).await;
    house.append().await;
    assert_eq!(titles(&house.all().await.events), [SECRET, SECRET]);
    assert_eq!(rows_with(&house, SECRET).await, 2, "the search can find it");

    let withdrawn = case.withdrawn();
    house.routing.hides(&case);
    house.take(withdrawn.clone()).await;

    assert_eq!(rows_with(&house, SECRET).await, 0);
    let events = house.all().await.events;
    assert_eq!(events.len(), 3);
    for event in &events {
        let ids_only = PublicCase {
            case_id: case.id.to_string(),
            message_id: case.message_id.to_string(),
            ..PublicCase::default()
        };
        assert_eq!(event.case.as_ref(), Some(&ids_only));
        assert_eq!(event.subject, format!("cases/{}", case.id));
        assert!(event.time.is_some() && event.recorded_time.is_some());
    }
    assert!(events[..2].iter().all(|event| event.redaction.is_some()));
    assert_eq!(events[0].id, said[0].event_id.to_string());
    let hidden = &events[2];
    assert_eq!(hidden.r#type, "liuyan.feed.v1.case-hidden");
    assert_eq!(hidden.source, "feed");
    assert_eq!(hidden.id, withdrawn.event_id.to_string());
    assert_eq!((hidden.position, hidden.subject_revision), (3, 3));
}

#[tokio::test]
async fn a_case_is_taken_back_once_and_may_come_again() {
    let house = house().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(case.view("first"));
    house.take(opened).await;
    house.routing.hides(&case);
    house.take(case.withdrawn()).await;
    house.take(case.withdrawn()).await;
    assert_eq!(house.all().await.events.len(), 2);
    let accepted = case.accepted();
    house.routing.shows(case.view("again"));
    house.take(accepted).await;
    let changed = case.text_changed();
    house.routing.shows(case.view("mended"));
    house.take(changed).await;
    assert_eq!(titles(&house.all().await.events), ["", "", "mended", "mended"]);
}

#[tokio::test]
async fn what_is_taken_back_before_it_was_shown_is_never_shown() {
    let house = house().await;
    let mut case = Case::new();
    let said = [case.opened(), case.withdrawn()];
    house.routing.shows(secret_view(&case));
    house.hear(&said).await;
    house.append().await;
    assert!(house.all().await.events.is_empty());
    assert_eq!(rows_with(&house, SECRET).await, 0);
}

#[tokio::test]
async fn an_event_that_takes_back_stops_an_append_that_is_under_way() {
    let house = house().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(secret_view(&case));
    house.hear(&[opened]).await;
    let waiting = liuyan_feed::app::append::waiting(&house.db, 256, &[]).await.unwrap();
    let views = house.views.of(&[case.id]).await.unwrap();
    let known = Known { views, stretch_events: 4, ..Known::default() };
    house.hear(&[case.withdrawn()]).await;
    let clock = &house.app.clock;
    liuyan_feed::app::append::append(&house.db, clock, waiting, known).await.unwrap();
    house.append().await;
    assert!(house.all().await.events.is_empty());
    assert_eq!(house.count("select count(*) from withheld").await, 2);
}

#[tokio::test]
async fn a_changed_text_is_put_into_all_stored_events_of_the_case() {
    let house = house().await;
    let (mut case, mut other) = (Case::new(), Case::new());
    let said = [case.opened(), other.opened(), case.replied()];
    house.routing.shows(secret_view(&case));
    house.routing.shows(other.view("other"));
    // One by one: between cases that come in one batch there is no order.
    for event in said {
        house.hear(&[event]).await;
    }
    house.append().await;

    let changed = case.text_changed();
    let reply = Reply { reply_id: "r".to_owned(), body: "mended".to_owned(), ..Reply::default() };
    house.routing.shows(PublicCase { replies: vec![reply], ..case.view("mended") });
    house.take(changed).await;

    assert_eq!(rows_with(&house, SECRET).await, 0);
    let events = house.all().await.events;
    assert_eq!(titles(&events), ["mended", "mended", "other", "mended"]);
    let redacted: Vec<_> = events.iter().map(|event| event.redaction.is_some()).collect();
    assert_eq!(redacted, [true, true, false, false]);
    assert_eq!(events[1].case.as_ref().unwrap().replies[0].body, "mended");
}

#[tokio::test]
async fn another_process_forgets_what_was_taken_back() {
    let house = house().await;
    let other = house.replica().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(secret_view(&case));
    house.take(opened).await;
    other.tail.refresh().await.unwrap();
    let holds = |word: &'static str| {
        other.tail.recent(0, 1, |mut entries| {
            Iterator::any(&mut entries, |entry| {
                entry.payload.windows(word.len()).any(|it| it == word.as_bytes())
            })
        })
    };
    assert_eq!(holds(SECRET), Some(true));
    house.routing.hides(&case);
    house.take(case.withdrawn()).await;
    other.tail.refresh().await.unwrap();
    assert_eq!(holds(SECRET), None);
}

#[tokio::test]
async fn a_reader_of_elsewhere_hears_that_a_case_was_taken_back() {
    let house = house().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(case.view("t"));
    house.take(opened).await;
    house.routing.hides(&case);
    house.take(case.withdrawn()).await;
    let elsewhere = Clause { office_ids: vec!["310000-s".to_owned()], ..Clause::default() };
    let filter = Some(EventFilter { any_of: vec![elsewhere] });
    let page = house.list(ListEventsRequest { filter, ..Default::default() }).await.unwrap();
    let types: Vec<_> = page.events.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(types, ["liuyan.feed.v1.case-hidden"]);
}
