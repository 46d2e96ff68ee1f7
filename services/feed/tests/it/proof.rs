//! A lost row is noticed, whichever it is.

use liuyan_feed::CHECKS;
use liuyan_proto::liuyan::feed::v1::{
    PublishTestEventRequest, feed_service_server::FeedService as _,
};
use sqlx::Connection as _;
use uuid::Uuid;

use crate::helpers::{Case, by, house};

/// Counts what does not add up. In a running system, the versions that must be somewhere are those
/// of the events of cases in routing's outbox, up to the position; here they are all versions.
const BREACHES: &str = "
with places as (
    select case_id, version from pending
    union all select case_id, version from log
    union all select case_id, version from withheld
),
counted as (
    select case_id, sum(shown) as revision, sum(kept_back) as withheld, sum(special) as restricted
    from (
        select case_id, 1 - restricted::int as shown, 0 as kept_back, restricted::int as special from log
        union all select case_id, 0, 1, 0 from withheld
    ) as each_event group by case_id
)
select (select count(*) from (select 1 where (select count(*) from head) <> 1) as no_head)
     + (select count(*) from head
        where position <> (select count(*) from log)
           or position <> (select coalesce(max(position), 0) from log))
     + (select count(*) from subjects full join counted using (case_id)
        where (subjects.revision, subjects.withheld, subjects.restricted)
              is distinct from (counted.revision, counted.withheld, counted.restricted))
     + (select count(*) from messaging.positions
        cross join generate_series(1, positions.version) as version
        where source = 'routing' and not exists (
            select from places
            where places.case_id = positions.subject_id and places.version = version.version
        ))
     + (select count(*) from places where not exists (
            select from messaging.positions
            where source = 'routing' and subject_id = case_id and positions.version >= places.version
        ))";

#[tokio::test]
async fn a_lost_row_of_any_table_is_noticed() {
    let house = house().await;
    let (mut shown, mut hidden, mut private) = (Case::new(), Case::new(), Case::new());
    let said = [shown.opened(), hidden.opened(), private.opened_in_private(), shown.accepted()];
    house.routing.shows(shown.view("a"));
    house.routing.shows(hidden.view("b"));
    house.hear(&said).await;
    house.append().await;
    house.routing.hides(&hidden);
    house.take(hidden.withdrawn()).await;
    let mut restricted = Case::new();
    house.take(restricted.private(&[])).await;
    house.hear(&[shown.replied(), private.withdrawn()]).await;
    house.archive("").await;
    house.archive("agency").await;
    let request = PublishTestEventRequest {
        subscription_id: "archive".into(),
        request_id: Uuid::from_u128(1).to_string(),
    };
    house.grpc.publish_test_event(by("", request)).await.unwrap();

    let own = CHECKS.iter().map(|(_, sql)| format!("({sql})")).collect::<Vec<_>>().join(" + ");
    let breaches = format!("{BREACHES} + {own}");
    let breaches = || sqlx::AssertSqlSafe(breaches.clone());
    let mut connection = house.db.read().await.unwrap();
    let none: i64 = sqlx::query_scalar(breaches()).fetch_one(&mut *connection).await.unwrap();
    assert_eq!(none, 0, "everything adds up");
    for (table, rows) in [
        ("head", 1),
        ("pending", 2),
        ("log", 5),
        ("payloads", 5),
        ("stretches", 1),
        ("subjects", 4),
        ("withheld", 1),
        ("subscribers", 2),
        ("subscriptions", 2),
        ("parked_events", 1),
    ] {
        let places: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select ctid::text from {table}")))
                .fetch_all(&mut *connection)
                .await
                .unwrap();
        assert_eq!(places.len(), rows, "{table}");
        for place in places {
            let mut lost = connection.begin().await.unwrap();
            let delete = format!("delete from {table} where ctid = '{place}'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(delete)).execute(&mut *lost).await.unwrap();
            let breaches: i64 = sqlx::query_scalar(breaches()).fetch_one(&mut *lost).await.unwrap();
            assert!(breaches > 0, "a lost row of {table} is noticed");
            lost.rollback().await.unwrap();
        }
    }
}
