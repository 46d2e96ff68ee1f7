//! Like cases that were answered.

use liuyan_proto::liuyan::routing::v1::{
    self as routing, suggestion_service_client::SuggestionServiceClient,
};

use crate::helpers::{House, a_message, reason, view};

async fn similar(house: &House, request: routing::FindSimilarRequest) -> Vec<(String, f64)> {
    let mut public = SuggestionServiceClient::new(house.board.channel("routing"));
    let found = public.find_similar(request).await.unwrap().into_inner().cases;
    found
        .into_iter()
        .map(|found| (found.hit.unwrap().case.unwrap().case_id, found.nearness))
        .collect()
}

fn like(title: &str) -> routing::FindSimilarRequest {
    routing::FindSimilarRequest { title: title.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn answered_public_cases_that_speak_of_the_same_are_found_the_nearest_first() {
    let house = House::open().await;
    let clerk = house.clerk("130102-g");
    let (mut made, mut erased) = (Vec::new(), None);
    for (title, answered, public) in [
        ("长安街小区暖气不热已经三天", true, true),
        ("幸福小区暖气不热", true, true),
        ("公交车太少等了一个小时", true, true),
        ("长安街小区暖气一直不热", false, true),
        ("长安街小区暖气不热没人管", true, false),
        ("长安街小区暖气不热冻病了", true, true),
    ] {
        let message = a_message().titled(title);
        let message = if public { message } else { message.private() };
        let case_id = view(&house.a_case(&message).await).case_id.clone();
        if answered {
            house.reply(&clerk, &case_id, "已派人维修。").await.unwrap();
        }
        erased = Some(message.message_id);
        made.push(case_id);
    }
    house.wish_to_withdraw(erased.unwrap()).await;
    house.erase(erased.unwrap()).await;
    liuyan_kit::testing::eventually("the last one is erased", crate::helpers::SOON, || async {
        (house.count("select count(*) from cases where has_text").await == 4).then_some(())
    })
    .await;

    let found = similar(&house, like("长安街小区暖气不热怎么办")).await;
    let ids: Vec<&String> = found.iter().map(|(case_id, _)| case_id).collect();
    assert_eq!(ids, [&made[0], &made[1]]);
    assert!(found[0].1 > found[1].1 && found[0].1 <= 1.0, "{found:?}");
    let without = routing::FindSimilarRequest {
        without_case_id: made[0].clone(),
        ..like("长安街小区暖气不热怎么办")
    };
    assert_eq!(similar(&house, without).await.len(), 1);
    let elsewhere = |code: &str| routing::FindSimilarRequest {
        division_code: code.to_owned(),
        ..like("长安街小区暖气不热怎么办")
    };
    assert_eq!(similar(&house, elsewhere("130000")).await.len(), 2);
    assert_eq!(similar(&house, elsewhere("110000")).await.len(), 0);
    assert_eq!(similar(&house, like("it's \\ a 'quote' & | ! <->")).await.len(), 0);
    let mut public = SuggestionServiceClient::new(house.board.channel("routing"));
    assert_eq!(reason(public.find_similar(elsewhere("99")).await), "DIVISION_NOT_FOUND");
}
