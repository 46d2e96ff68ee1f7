//! Losing any row by hand is noticed from what is left.

use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::routing::v1 as routing;

use crate::helpers::{House, a_message, view};

/// Each gives the number of contradictions; all are 0 as long as nothing is lost.
///
/// The two that begin with "heard" stand for a comparison with what the other service said: a
/// position alone does not tell the type of its events. In this test, moderation says nothing but
/// approvals and intake nothing but wishes.
const CHECKS: &[(&str, &str)] = &[
    (
        "approved = cased",
        "select count(*) from openings o full join cases c using (message_id)
         where o.message_id is null or (o.state = 'done') <> (c.case_id is not null)",
    ),
    (
        "heard = approved",
        "select count(*) from messaging.positions p
         full join openings o on p.subject_id = o.message_id and p.source = 'moderation'
         where p.source is null or (p.source = 'moderation' and o.message_id is null)",
    ),
    (
        "heard = wished",
        "select count(*) from messaging.positions p
         full join withdrawals w on p.subject_id = w.message_id and p.source = 'intake'
         where p.source is null or (p.source = 'intake' and w.message_id is null)",
    ),
    (
        "a settled wish is there",
        "select count(*) from withdrawals w
         full join (select message_id, 'withdrawn' as state from cases where outcome = 'withdrawn'
                    union all
                    select message_id, 'refused' from messaging.outbox
                    join cases on subject_id = case_id
                    where type = 'liuyan.routing.v1.withdrawal-refused') done using (message_id)
         where coalesce(w.state, '') <> coalesce(done.state, 'waiting')",
    ),
    (
        "said of cases = cases",
        "select count(*) from cases c full join messaging.outbox o
             on o.subject_id = c.case_id and o.version = 1
         where c.case_id is null and o.type = 'liuyan.routing.v1.case-opened'
            or c.case_id is not null and o.event_id is null",
    ),
    (
        "children are counted",
        "select count(*) from cases c
         where reply_count <> (select count(*) from replies r where r.case_id = c.case_id)
            or custody_count <> (select count(*) from custody u where u.case_id = c.case_id)
            or rating_count <> (select count(*) from ratings t where t.case_id = c.case_id)
            or request_count <> (select count(*) from requests q where q.case_id = c.case_id)",
    ),
    (
        "no child without a case",
        "select count(*) from (select case_id from replies union all select case_id from custody
             union all select case_id from ratings union all select case_id from requests) child
         left join cases c using (case_id) where c.case_id is null",
    ),
    (
        "custody is without gaps",
        "select count(*) from (
             select c.opened_at, c.closed_at, min(u.held_from) as first,
                    nullif(max(coalesce(u.held_until, 'infinity')), 'infinity') as last,
                    sum(coalesce(u.held_until, u.held_from) - u.held_from)
                        filter (where c.closed_at is not null) as held
             from cases c left join custody u using (case_id) group by c.case_id
         ) as held
         where first is distinct from opened_at or last is distinct from closed_at
            or held is distinct from closed_at - opened_at",
    ),
    (
        "lists are whole",
        "select count(*) from directory_lists l full join directory_contents c on l.list = c.list
         where (l.rows, l.sha256) is distinct from (c.rows, c.sha256)",
    ),
];

/// A case withdrawn, one refused, one closed with replies and a rating.
async fn a_busy_house() -> House {
    let house = House::open().await;
    let (closed, refused, withdrawn) = (a_message(), a_message(), a_message().private());
    let clerk = house.clerk("130102-g");
    for message in [&closed, &refused] {
        let case_id = view(&house.a_case(message).await).case_id.clone();
        let reply_id = house.reply(&clerk, &case_id, "done").await.unwrap().reply_id;
        let rating = routing::RateReplyRequest {
            case_id: case_id.clone(),
            reply_id,
            request_id: id::v7(testing::now()).to_string(),
            resolution: 3,
            attitude: 3,
            speed: 3,
        };
        let author = house.author(message.message_id);
        house.cases(&author).rate_reply(rating).await.unwrap();
    }
    let closing = routing::CloseCaseRequest {
        case_id: view(&house.case_of(closed.message_id).await).case_id.clone(),
        request_id: id::v7(testing::now()).to_string(),
        outcome: 1,
        ..Default::default()
    };
    house.advance_minutes(20);
    house.cases(&clerk).close_case(closing).await.unwrap();
    house.wish_to_withdraw(refused.message_id).await;
    house.wish_to_withdraw(withdrawn.message_id).await;
    house.a_case(&withdrawn).await;
    testing::eventually("every wish is settled", crate::helpers::SOON, || async {
        let waiting = "select count(*) from withdrawals where state = 'waiting'";
        (house.count(waiting).await == 0).then_some(())
    })
    .await;
    house
}

#[tokio::test]
async fn a_lost_row_of_any_table_is_noticed() {
    let house = a_busy_house().await;
    for (name, check) in CHECKS {
        assert_eq!(house.count(check).await, 0, "{name}");
    }
    let mut connection = house.db().read().await.unwrap();
    for table in
        ["openings", "withdrawals", "cases", "custody", "replies", "ratings", "requests", "offices"]
    {
        let rows: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
                .fetch_one(&mut *connection)
                .await
                .unwrap();
        assert!(rows > 0, "{table}");
        for row in 0..rows.min(8) {
            let lose = format!(
                "begin; set local session_replication_role = replica;
                 delete from {table}
                 where ctid = (select ctid from {table} order by ctid offset {row} limit 1)"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(lose)).execute(&mut *connection).await.unwrap();
            let mut contradictions = 0;
            for (_, check) in CHECKS {
                let found: i64 =
                    sqlx::query_scalar(*check).fetch_one(&mut *connection).await.unwrap();
                contradictions += found;
            }
            assert!(contradictions > 0, "row {row} of {table} is lost and nobody notices");
            sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
        }
    }
}
