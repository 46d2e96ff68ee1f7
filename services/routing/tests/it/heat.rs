//! What many people write of.

use liuyan_kit::testing;
use liuyan_proto::liuyan::routing::v1::{
    self as routing, suggestion_service_client::SuggestionServiceClient,
};

use crate::helpers::{House, SOON, a_message, reason};

async fn hot(
    house: &House,
    request: routing::ListHotProblemsRequest,
) -> routing::ListHotProblemsResponse {
    let mut public = SuggestionServiceClient::new(house.board.channel("routing"));
    public.list_hot_problems(request).await.unwrap().into_inner()
}

fn of(division: &str) -> routing::ListHotProblemsRequest {
    routing::ListHotProblemsRequest { division_code: division.to_owned(), ..Default::default() }
}

/// A title of characters that no other matter has.
fn title(matter: u32, from: u32) -> &'static str {
    let at = |n: u32| char::from_u32(0x4e00 + matter * 60 + n);
    (from..from + 12).filter_map(at).collect::<String>().leak()
}

#[tokio::test]
async fn what_many_write_of_is_told_by_division_and_without_what_is_public_no_more() {
    let house = House::open().await;
    let of_one: Vec<_> = (0..4).map(|n| a_message().titled(title(0, n))).collect();
    let elsewhere: Vec<_> =
        (0..3).map(|n| a_message().titled(title(0, n)).to("130104-g")).collect();
    let others = (1..96).map(|matter| a_message().titled(title(matter, 0)));
    let hidden = (0..3).map(|n| a_message().titled(title(99, n)).private());
    let all: Vec<_> =
        of_one.iter().chain(&elsewhere).cloned().chain(others).chain(hidden).collect();
    for message in &all {
        house.approve(message).await;
    }
    testing::eventually("every message has a case", SOON, || async {
        (house.count("select count(*) from cases").await == 105).then_some(())
    })
    .await;
    let county = hot(&house, of("130102")).await;
    assert_eq!((county.compared, county.enough, county.problems.len()), (102, true, 1));
    let problem = &county.problems[0];
    assert_eq!((problem.cases, problem.lately, problem.case_ids.len()), (4, 4, 4));
    assert!(of_one.iter().any(|message| message.title() == problem.title), "{problem:?}");
    let province = hot(&house, of("130000")).await;
    assert_eq!(province.problems[0].cases, 7);
    assert_eq!(hot(&house, of("130105")).await.problems.len(), 0);

    // Within the minute in which nothing is looked for anew, what is hidden is gone all the same.
    for message in &of_one[..2] {
        house.wish_to_withdraw(message.message_id).await;
    }
    testing::eventually("two are withdrawn", SOON, || async {
        (house.count("select count(*) from cases where public").await == 100).then_some(())
    })
    .await;
    assert_eq!(hot(&house, of("130102")).await.problems.len(), 0);
    assert_eq!(hot(&house, of("130000")).await.problems[0].cases, 5);
    house.advance_minutes(2);
    let later = hot(&house, of("130000")).await;
    assert_eq!((later.compared, later.problems[0].cases), (100, 5));
}

#[tokio::test]
async fn few_messages_tell_nothing_and_say_so() {
    let house = House::open().await;
    let empty = hot(&house, of("130000")).await;
    assert_eq!((empty.compared, empty.enough, empty.problems.len()), (0, false, 0));
    let mut public = SuggestionServiceClient::new(house.board.channel("routing"));
    assert_eq!(reason(public.list_hot_problems(of("99")).await), "DIVISION_NOT_FOUND");
    let long = routing::ListHotProblemsRequest { days: 367, page_size: -1, ..of("130000") };
    assert_eq!(reason(public.list_hot_problems(long).await), "REQUEST_INVALID");
}
