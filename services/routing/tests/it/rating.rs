use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::{common::v1::Outcome, routing::v1 as routing};
use uuid::Uuid;

use crate::helpers::{House, Message, a_message, reason, view};

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
