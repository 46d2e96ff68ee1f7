use jiff::Timestamp;
use liuyan_kit::{clock::to_proto, id, testing};
use liuyan_proto::liuyan::{
    common::v1::{Historical, Outcome},
    routing::v1 as routing,
};
use uuid::Uuid;

use crate::helpers::{House, Message, SOON, a_message, a_reply, reason, view};

struct Answered {
    message: Message,
    case_id: String,
    reply_id: String,
}

async fn an_answered_case(house: &House) -> Answered {
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let reply = house.reply(&house.clerk("130102-g"), &case_id, "done").await.unwrap();
    Answered { message, case_id, reply_id: reply.reply_id }
}

fn a_rating(case: &Answered, resolution: u32) -> routing::RateReplyRequest {
    routing::RateReplyRequest {
        case_id: case.case_id.clone(),
        reply_id: case.reply_id.clone(),
        request_id: id::v7(testing::now()).to_string(),
        resolution,
        attitude: 4,
        speed: 4,
        historical: None,
    }
}

#[tokio::test]
async fn the_author_rates_and_changes_the_rating_for_14_days() {
    let house = House::open().await;
    let case = an_answered_case(&house).await;
    let message_id = case.message.message_id;
    let before = house.get_in_public(message_id).await.unwrap();
    let rate = async |rating| {
        let author = house.author(message_id);
        house.cases(&author).rate_reply(rating).await.map(tonic::Response::into_inner)
    };
    let first = rate(a_rating(&case, 5)).await.unwrap();
    assert_eq!(first.label, "very_satisfied");
    house.advance_hours(14 * 24);
    let second = rate(a_rating(&case, 1)).await.unwrap();
    assert_eq!(second.label, "fairly_satisfied");
    assert_eq!(second.changeable_until, first.changeable_until);
    house.advance_hours(1);
    assert_eq!(reason(rate(a_rating(&case, 1)).await), "RATING_FINAL");

    assert_eq!(house.count("select count(*) from ratings").await, 1);
    assert_eq!(house.count("select rating_count::bigint from cases").await, 1);
    let said = testing::said::<routing::RatingChanged>(house.db()).await;
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].event.reply_id, case.reply_id);
    assert_eq!(house.get_in_public(message_id).await.unwrap(), before, "nobody sees it yet");
}

#[tokio::test]
async fn only_the_author_rates_and_only_a_reply() {
    let house = House::open().await;
    let case = an_answered_case(&house).await;
    let somebody = house.author(Uuid::from_u128(7));
    let rating = a_rating(&case, 5);
    assert_eq!(
        reason(house.cases(&somebody).rate_reply(rating.clone()).await),
        "MESSAGE_NOT_YOURS"
    );
    let clerk = house.clerk("130102-g");
    assert_eq!(reason(house.cases(&clerk).rate_reply(rating.clone()).await), "SCOPE_MISSING");
    let author = house.author(case.message.message_id);
    let mut cases = house.cases(&author);
    let no_reply =
        routing::RateReplyRequest { reply_id: case.case_id.clone(), ..a_rating(&case, 5) };
    assert_eq!(reason(cases.rate_reply(no_reply).await), "REPLY_NOT_FOUND");
    let wrong = routing::RateReplyRequest { speed: 0, ..a_rating(&case, 6) };
    assert_eq!(reason(cases.rate_reply(wrong).await), "REQUEST_INVALID");
    let same = cases.rate_reply(rating.clone()).await.unwrap().into_inner();
    assert_eq!(cases.rate_reply(rating).await.unwrap().into_inner(), same);
    assert_eq!(house.count("select request_count::bigint from cases").await, 2);
}

#[tokio::test]
async fn a_closed_case_may_be_rated_and_a_rating_does_not_disturb_a_clerk() {
    let house = House::open().await;
    let case = an_answered_case(&house).await;
    let etag = house.get_in_public(case.message.message_id).await.unwrap().etag;
    let author = house.author(case.message.message_id);
    house.cases(&author).rate_reply(a_rating(&case, 2)).await.unwrap();
    let closing = routing::CloseCaseRequest {
        case_id: case.case_id.clone(),
        etag,
        request_id: id::v7(testing::now()).to_string(),
        outcome: Outcome::Explained.into(),
        ..Default::default()
    };
    house.cases(&house.clerk("130102-g")).close_case(closing).await.unwrap();
    house.cases(&author).rate_reply(a_rating(&case, 3)).await.unwrap();
}

#[tokio::test]
async fn a_rating_is_final_after_14_days_and_said_once_by_any_number_of_replicas() {
    let house = House::open().await;
    let case = an_answered_case(&house).await;
    let message_id = case.message.message_id;
    let author = house.author(message_id);
    house.cases(&author).rate_reply(a_rating(&case, 5)).await.unwrap();
    house.advance_hours(10 * 24);
    let author = house.author(message_id);
    let changed = house.cases(&author).rate_reply(a_rating(&case, 2)).await.unwrap().into_inner();
    house.advance_hours(4 * 24);
    let replicas = [house.replica().await, house.replica().await, house.replica().await];
    for replica in &replicas {
        assert_eq!(replica.finalise_ratings().await.unwrap(), 0, "it may be changed still");
    }
    house.advance_minutes(1);
    for _ in 0..3 {
        let rounds = replicas
            .clone()
            .map(|replica| tokio::spawn(async move { replica.finalise_ratings().await.unwrap() }));
        for round in rounds {
            round.await.unwrap();
        }
    }
    let said = testing::eventually("the rating is said", SOON, || async {
        Some(testing::said::<routing::CaseRated>(house.db()).await).filter(|said| !said.is_empty())
    })
    .await;
    assert_eq!(said.len(), 1);
    let rated = &said[0].event;
    assert_eq!((rated.resolution, rated.attitude, rated.speed), (2, 4, 4));
    assert_eq!(rated.reply_id, case.reply_id);
    assert_eq!(rated.case.as_ref().unwrap().occurred_at, changed.changeable_until);
    let days = changed.changeable_until.unwrap().seconds - rated.rated_at.unwrap().seconds;
    assert_eq!(days, 14 * 24 * 3_600);
    let author = house.author(message_id);
    assert_eq!(reason(house.cases(&author).rate_reply(a_rating(&case, 1)).await), "RATING_FINAL");
}

#[tokio::test]
async fn whoever_reads_the_log_learns_of_a_rating_when_it_is_final_and_not_which() {
    let house = House::open().await;
    let case = an_answered_case(&house).await;
    let id = case.message.message_id;
    let logged_for = async |token: &str| {
        let all = routing::ListActsRequest { case_id: case.case_id.clone(), ..Default::default() };
        house.cases(token).list_acts(all).await.unwrap().into_inner().acts
    };
    let logged = async || {
        let told = logged_for(&house.clerk("130102-g")).await;
        assert_eq!(told, logged_for(&house.operator()).await);
        told
    };
    let before = logged().await;
    for marks in [5, 2] {
        let author = house.author(id);
        house.cases(&author).rate_reply(a_rating(&case, marks)).await.unwrap();
        assert_eq!(logged().await, before, "nor that it was changed");
    }
    // What is done next is numbered as if nobody had rated.
    house.reply(&house.clerk("130102-g"), &case.case_id, "done once more").await.unwrap();
    let between = logged().await;
    let numbers: Vec<u32> = between.iter().map(|act| act.position).collect();
    assert_eq!(numbers, (1..=u32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    house.advance_hours(14 * 24);
    house.advance_minutes(1);
    // It comes by itself, perhaps between the looks of two.
    testing::eventually("the rating is in the log", SOON, || async {
        Some(logged_for(&house.clerk("130102-g")).await).filter(|acts| acts.len() > between.len())
    })
    .await;
    let after = logged().await;
    let rated = after.last().unwrap();
    assert_eq!((rated.action.as_str(), rated.actor.as_str()), ("reply-rated", "routing"));
    assert_eq!(rated.detail, format!("reply={}", case.reply_id), "its marks are not there");
    // What an earlier program entered at once is not shown.
    let entered = "set local session_replication_role = replica;
                   update acts set actor = 'intake/x' where action = 'reply-rated'";
    let mut connection = house.db().read().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("begin; {entered}; commit")))
        .execute(&mut *connection)
        .await
        .unwrap();
    drop(connection);
    assert_eq!(logged().await, between);
}

#[tokio::test]
async fn an_import_tells_when_a_reply_was_rated_and_an_old_rating_is_final_at_once() {
    let house = House::open().await;
    let message = a_message().written_at("2019-03-04T09:00:00+08");
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let at = |at: &str| {
        Some(Historical { occurred_at: Some(to_proto(at.parse::<Timestamp>().unwrap())) })
    };
    let reply = routing::ReplyToCaseRequest {
        historical: at("2019-03-08T09:00:00+08"),
        ..a_reply(&case_id, "done")
    };
    let reply = house.cases(&house.operator()).reply_to_case(reply).await.unwrap().into_inner();
    let case = Answered { message, case_id, reply_id: reply.reply_id };
    let rating =
        |when: &str| routing::RateReplyRequest { historical: at(when), ..a_rating(&case, 5) };
    let author = house.author(case.message.message_id);
    let refused = house.cases(&author).rate_reply(rating("2019-03-09T09:00:00+08")).await;
    assert_eq!(reason(refused), "HISTORICAL_NOT_ALLOWED");
    let own = format!("author:message/{}", case.message.message_id);
    let importer = house.token(&[&own, "message:import"], &[]);
    let mut cases = house.cases(&importer);
    for wrong in ["2019-03-08T08:59:59+08", "2026-06-03T10:00:01+08"] {
        assert_eq!(reason(cases.rate_reply(rating(wrong)).await), "REQUEST_INVALID", "{wrong}");
    }
    let answer = cases.rate_reply(rating("2019-03-09T09:00:00+08")).await.unwrap().into_inner();
    let until = at("2019-03-23T09:00:00+08").unwrap().occurred_at;
    assert_eq!(answer.changeable_until, until);
    let said = testing::eventually("the rating is said", SOON, || async {
        testing::said::<routing::CaseRated>(house.db()).await.pop()
    })
    .await;
    assert_eq!(said.event.case.as_ref().unwrap().occurred_at, until);
    assert_eq!(reason(cases.rate_reply(a_rating(&case, 1)).await), "RATING_FINAL");
    assert_eq!(
        reason(cases.rate_reply(rating("2019-03-10T09:00:00+08")).await),
        "RATING_FINAL",
        "nor by an import"
    );
}

#[tokio::test]
async fn only_the_author_sees_the_ratings_and_until_when_they_may_be_changed() {
    let house = House::open().await;
    let case = an_answered_case(&house).await;
    let id = case.message.message_id;
    let author = house.author(id);
    assert_eq!(house.get(&author, id).await.unwrap().ratings, []);
    let answer = house.cases(&author).rate_reply(a_rating(&case, 5)).await.unwrap().into_inner();
    let expected = routing::Rating {
        reply_id: case.reply_id.clone(),
        resolution: 5,
        attitude: 4,
        speed: 4,
        changeable_until: answer.changeable_until,
    };
    assert_eq!(house.get(&author, id).await.unwrap().ratings, std::slice::from_ref(&expected));
    let all = routing::ListCasesRequest::default();
    let listed = house.cases(&author).list_cases(all).await.unwrap().into_inner().cases;
    assert_eq!(listed[0].ratings, [expected]);
    for token in [house.clerk("130102-g"), house.operator(), house.author(Uuid::from_u128(7))] {
        assert_eq!(house.get(&token, id).await.unwrap().ratings, []);
    }
    assert_eq!(house.get_in_public(id).await.unwrap().ratings, []);
}
