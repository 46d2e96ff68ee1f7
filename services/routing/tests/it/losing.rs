//! Losing any row by hand is noticed from what is left.

use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::routing::v1 as routing;
use liuyan_routing::{CHECKS, Check};

use crate::helpers::{House, a_message, a_reply, an_acceptance, asks, view};

/// These stand for a comparison with what the other service said: a position alone does not tell
/// the type of its events. In this test, moderation says nothing but approvals and intake nothing
/// but wishes.
const HEARD: &[Check] = &[
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
];

/// A case withdrawn, one refused, one closed with replies and a final rating, one transferred, and
/// an editor's office.
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
            historical: None,
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
    // Whoever looks at what is private is recorded.
    house.a_case(&a_message().private()).await;
    let moved = house.a_case(&a_message()).await;
    house.transfer(&clerk, &view(&moved).case_id, "130104-g").await.unwrap();
    handle(&house).await;
    let office = routing::Office {
        office_id: "130102-new".to_owned(),
        division_code: "130102".to_owned(),
        level: routing::Level::County.into(),
        role: "bureau".to_owned(),
        title: "New bureau".to_owned(),
        parent_office_id: "130102-g".to_owned(),
        open: true,
        ..Default::default()
    };
    house.editor().put_office(routing::PutOfficeRequest { office: Some(office) }).await.unwrap();
    crate::tables::edit(&house).await;
    crate::common::busy(&house).await;
    crate::consultations::busy(&house).await;
    crate::results::are_told(&house, 2).await;
    house.advance_hours(15 * 24);
    testing::eventually("the ratings are final", crate::helpers::SOON, || async {
        let open = "select count(*) from ratings where final_at is null";
        (house.count(open).await == 0).then_some(())
    })
    .await;
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

/// Cases that were given back twice and decided, that waited, were corrected, and are overdue.
async fn handle(house: &House) {
    let decided = view(&house.a_case(&a_message()).await).case_id.clone();
    for (by, to) in [("130102-g", "130104-g"), ("130104-g", "130105-g")] {
        let (office_id, rule) = (to.to_owned(), "rule 12".to_owned());
        let back = asks!(ReturnCaseRequest, &decided, office_id: office_id, rule: rule);
        house.cases(&house.clerk(by)).return_case(back).await.unwrap();
    }
    house.transfer(&house.clerk("130100-g"), &decided, "130104-g").await.unwrap();
    let waiting = view(&house.a_case(&a_message().about("enquiry", "7")).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    house.cases(&clerk).accept_case(an_acceptance(&waiting)).await.unwrap();
    let pause = asks!(PauseCaseRequest, &waiting, question: "Which?".to_owned());
    house.cases(&clerk).pause_case(pause).await.unwrap();
    let what = "It will be checked.".to_owned();
    let promised = routing::ReplyToCaseRequest {
        promises: vec![routing::PromiseDraft { due_on: "2026-06-30".to_owned(), what }],
        ..a_reply(&waiting, "It is done.")
    };
    let replied = house.cases(&clerk).reply_to_case(promised).await.unwrap().into_inner();
    let reply_id = replied.reply_id;
    let (body, reason) = ("It was done.".to_owned(), "a word".to_owned());
    let correct =
        asks!(CorrectReplyRequest, &waiting, reply_id: reply_id, body: body, reason: reason);
    house.cases(&clerk).correct_reply(correct).await.unwrap();
}

/// Two models, of which the second one is in force.
async fn models(house: &House) {
    let put = "update model_subjects set model_count = 2, publication_count = 2 where subject = 'domain';
         insert into models (subject, version, state, requested_at, requested_by, request_id, trained_at,
                             learnt_until, bytes, sha256)
         select 'domain', version, 'trained', now(), 'an editor', gen_random_uuid(), now(), now(), 'b',
                sha256('b')
         from generate_series(1, 2) as version;
         insert into model_publications (subject, position, version, published_at, published_by,
                                         request_id, note)
         select 'domain', version, version, now(), 'an editor', gen_random_uuid(), ''
         from generate_series(1, 2) as version";
    let mut connection = house.db().read().await.unwrap();
    sqlx::raw_sql(put).execute(&mut *connection).await.unwrap();
}

#[tokio::test]
async fn a_lost_row_of_any_table_is_noticed() {
    let house = a_busy_house().await;
    models(&house).await;
    for (name, check) in CHECKS.iter().chain(HEARD) {
        assert_eq!(house.count(check).await, 0, "{name}");
    }
    let mut connection = house.db().read().await.unwrap();
    for table in [
        "openings",
        "withdrawals",
        "cases",
        "custody",
        "transfers",
        "replies",
        "ratings",
        "requests",
        "case_words",
        "looks",
        "acts",
        "pauses",
        "reply_versions",
        "precedents",
        "steps",
        "promises",
        "model_subjects",
        "models",
        "model_publications",
        "offices",
        "divisions",
        "holidays",
        "calendar_years",
        "deadlines",
        "competences",
        "common_problems",
        "common_cases",
        "model_cases",
        "consultations",
        "consultation_statements",
        "consultation_citations",
        "consultation_tellings",
    ] {
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
            for (_, check) in CHECKS.iter().chain(HEARD) {
                let found: i64 =
                    sqlx::query_scalar(*check).fetch_one(&mut *connection).await.unwrap();
                contradictions += found;
            }
            assert!(contradictions > 0, "row {row} of {table} is lost and nobody notices");
            sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_done_and_never_said_is_noticed() {
    let house = a_busy_house().await;
    let case_id = view(&house.a_case(&a_message().about("enquiry", "7")).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    let reason = "A test is needed.".to_owned();
    let extend = asks!(ExtendDeadlineRequest, &case_id, days: 5, reason: reason);
    house.cases(&clerk).extend_deadline(extend).await.unwrap();
    let helper = "130104-g".to_owned();
    let reason = "They know the place.".to_owned();
    let invite = asks!(InviteHelperRequest, &case_id, office_id: helper, reason: reason);
    house.cases(&clerk).invite_helper(invite).await.unwrap();
    let mut connection = house.db().read().await.unwrap();
    for what in [
        "case-accepted",
        "case-paused",
        "case-resumed",
        "case-extended",
        "helper-invited",
        "promise-made",
        "case-rated",
    ] {
        let lose = format!(
            "begin; set local session_replication_role = replica;
             delete from messaging.outbox where type = 'liuyan.routing.v1.{what}'"
        );
        let lost = sqlx::raw_sql(sqlx::AssertSqlSafe(lose)).execute(&mut *connection).await;
        assert!(lost.unwrap().rows_affected() > 0, "{what}");
        let mut contradictions = 0;
        for (_, check) in CHECKS {
            let found: i64 = sqlx::query_scalar(*check).fetch_one(&mut *connection).await.unwrap();
            contradictions += found;
        }
        assert!(contradictions > 0, "{what} was never said and nobody notices");
        sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
    }
}
