//! How often somebody may submit, and who goes before whom.

use std::time::Duration;

use futures::future::join_all;
use jiff::SignedDuration;
use liuyan_kit::{auth::Caller, grpc::CLIENT_ADDRESS};
use liuyan_proto::liuyan::intake::v1::{
    Column, SubmitMessageRequest, SubmitMessageResponse, intake_service_server::IntakeService as _,
};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::{
    columns::{a_column, create},
    helpers::{
        Desk, a_message_by, a_submission, a_submission_of, account, agency, anonymous, as_caller,
        caller, count, reason, service,
    },
};

fn told(status: &Status) -> (Code, String, String, Duration) {
    let info = status.get_details_error_info().unwrap();
    let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    (status.code(), info.reason, info.metadata.get("limit").cloned().unwrap_or_default(), wait)
}

async fn from_address(
    desk: &Desk,
    who: &Caller,
    address: &'static str,
    request: SubmitMessageRequest,
) -> Result<SubmitMessageResponse, Status> {
    let mut request = as_caller(who, request);
    request.metadata_mut().insert(CLIENT_ADDRESS, address.parse().unwrap());
    desk.grpc.submit_message(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn an_author_is_limited_by_phone_or_account_and_retries_cost_nothing() {
    let desk = Desk::with(|config| config.rates.author_per_hour = 2).await.told().await;
    let by = |phone: &str| a_submission_of(a_message_by("Wang", phone));
    let first = by("13800001111");
    let taken = desk.submit(first.clone()).await.unwrap();
    desk.submit(by("13800001111")).await.unwrap();
    let refused = desk.submit(by("13800001111")).await.unwrap_err();
    assert_eq!(
        told(&refused),
        (
            Code::ResourceExhausted,
            "AUTHOR_LIMIT_REACHED".to_owned(),
            "author".to_owned(),
            Duration::from_secs(1_800)
        )
    );
    assert_eq!(desk.submit(first).await.unwrap(), taken);
    desk.submit(by("13900002222")).await.unwrap();
    let citizen = account(Uuid::from_u128(7));
    for _ in 0..2 {
        desk.submit_as(&citizen, a_submission()).await.unwrap();
    }
    let refused = desk.submit_as(&citizen, a_submission()).await.unwrap_err();
    assert_eq!(reason(&refused), "AUTHOR_LIMIT_REACHED");
    desk.clock.advance(SignedDuration::from_secs(1_800));
    desk.submit_as(&citizen, a_submission()).await.unwrap();
    // Whoever neither signs in nor leaves a phone is limited by the address alone.
    for _ in 0..5 {
        desk.submit(a_submission()).await.unwrap();
    }
}

#[tokio::test]
async fn an_account_is_limited_whatever_phones_it_leaves() {
    let desk = Desk::with(|config| config.rates.author_per_hour = 3).await.told().await;
    let citizen = account(Uuid::from_u128(7));
    let by = |phone: &str| a_submission_of(a_message_by("Wang", phone));
    for phone in ["13800000001", "13800000002", "13800000003"] {
        desk.submit_as(&citizen, by(phone)).await.unwrap();
    }
    for request in [by("13800000004"), a_submission()] {
        let refused = desk.submit_as(&citizen, request).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "AUTHOR_LIMIT_REACHED")
        );
    }
    // What an account writes takes nothing from whoever has the phone.
    desk.submit(by("13800000001")).await.unwrap();
}

#[tokio::test]
async fn strangers_who_leave_somebody_s_phone_do_not_lock_their_account_out() {
    let desk = Desk::with(|config| config.rates.author_per_hour = 2).await.told().await;
    let by = || a_submission_of(a_message_by("Wang", "13800001111"));
    for _ in 0..2 {
        desk.submit(by()).await.unwrap();
    }
    assert_eq!(reason(&desk.submit(by()).await.unwrap_err()), "AUTHOR_LIMIT_REACHED");
    let other = account(Uuid::from_u128(8));
    for _ in 0..2 {
        desk.submit_as(&other, by()).await.unwrap();
    }
    desk.submit_as(&account(Uuid::from_u128(7)), by()).await.unwrap();
}

#[tokio::test]
async fn an_address_is_limited_if_a_service_of_the_house_tells_it() {
    let desk = Desk::with(|config| config.rates.address_per_minute = 2).await.told().await;
    let portal = service("portal");
    for _ in 0..2 {
        from_address(&desk, &portal, "192.0.2.1", a_submission()).await.unwrap();
    }
    let refused = from_address(&desk, &portal, "192.0.2.1", a_submission()).await.unwrap_err();
    assert_eq!(
        told(&refused),
        (
            Code::ResourceExhausted,
            "ADDRESS_LIMIT_REACHED".to_owned(),
            "address".to_owned(),
            Duration::from_secs(30)
        )
    );
    from_address(&desk, &portal, "192.0.2.2", a_submission()).await.unwrap();
    // What anybody else says of addresses is not believed, for better or worse.
    let as_if = caller("portal", &[]);
    for who in [&as_if, &anonymous(), &account(Uuid::from_u128(7))] {
        for _ in 0..3 {
            from_address(&desk, who, "192.0.2.1", a_submission()).await.unwrap();
        }
    }
    // The address is nowhere in the database.
    for table in ["messages", "requests"] {
        let sql = format!("select count(*) from {table} as it where it::text like '%192.0.2%'");
        let mut connection = desk.db.read().await.unwrap();
        let found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *connection).await.unwrap();
        assert_eq!(found, 0, "{table}");
    }
}

#[tokio::test]
async fn a_column_is_limited_by_its_own_minute_and_an_agency_without_one_by_the_board_s() {
    let desk = Desk::with(|config| config.rates.agency_per_minute = 2).await.told().await;
    create(&desk, Column { minute_quota: 3, ..a_column() }).await.unwrap();
    let submit = |who: &'static str| {
        let desk = &desk;
        async move { desk.submit_as(&agency(who), a_submission()).await }
    };
    for (who, free, expected) in
        [("province", 3, "COLUMN_LIMIT_REACHED"), ("village", 2, "AGENCY_LIMIT_REACHED")]
    {
        for _ in 0..free {
            submit(who).await.unwrap();
        }
        let refused = submit(who).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, expected)
        );
        assert!(told(&refused).3 > Duration::ZERO);
    }
    desk.clock.advance(SignedDuration::from_secs(60));
    submit("province").await.unwrap();
    submit("village").await.unwrap();
    // Imports have no limits.
    let importer = caller("importer", &["message:import", "message:submit"]);
    for _ in 0..5 {
        desk.submit_as(&importer, a_submission()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_equal_requests_at_two_replicas_are_one_message() {
    let desk = Desk::open().await;
    let other = desk.restarted().await;
    let request = a_submission_of(a_message_by("Wang", "13800001111"));
    let who = anonymous();
    let calls = (0..1_000).map(|n| {
        let grpc = if n % 2 == 0 { &desk.grpc } else { &other };
        grpc.submit_message(as_caller(&who, request.clone()))
    });
    let mut answers = Vec::new();
    let mut again = 0;
    for answer in join_all(calls).await {
        match answer {
            Ok(answer) => answers.push(answer.into_inner().encode_to_vec()),
            // Whoever finds no room is told when to come back, and then gets the same answer.
            Err(status) => {
                assert_eq!(reason(&status), "QUEUE_FULL");
                again += 1;
            }
        }
    }
    for _ in 0..again.min(10) {
        answers.push(desk.submit(request.clone()).await.unwrap().encode_to_vec());
    }
    assert!(answers.len() >= 500, "{}", answers.len());
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    for (query, expected) in [
        ("select count(*) from messages", 1),
        ("select count(*) from requests", 1),
        ("select messages::bigint from authors", 1),
        ("select count(*) from messaging.outbox", 1),
    ] {
        assert_eq!(count(&desk.db, query).await, expected, "{query}");
    }
}
