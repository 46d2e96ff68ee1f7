//! Promises with dates, and the gate that replies pass.

use liuyan_kit::testing;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, PromiseState},
    routing::v1 as routing,
};
use tonic_types::StatusExt as _;

use crate::helpers::{House, SOON, a_message, a_reply, asks, reason, view};

fn promising(case_id: &str, days: &[&str]) -> routing::ReplyToCaseRequest {
    let promises = days.iter().map(|due_on| routing::PromiseDraft {
        due_on: (*due_on).to_owned(),
        what: "The lamps will be mended.".to_owned(),
    });
    routing::ReplyToCaseRequest {
        promises: promises.collect(),
        ..a_reply(case_id, "We will do it.")
    }
}

async fn promised(house: &House, days: &[&str]) -> (uuid::Uuid, routing::Case) {
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let mut cases = house.cases(&house.clerk("130102-g"));
    let replied = cases.reply_to_case(promising(&case_id, days)).await.unwrap().into_inner();
    (message.message_id, replied.case.unwrap())
}

fn states(case: &routing::Case) -> Vec<PromiseState> {
    view(case).replies[0].promises.iter().map(|promise| promise.state()).collect()
}

#[tokio::test]
async fn a_promise_is_kept_in_time_or_opens_the_case_again_once() {
    let house = House::open().await;
    let (message_id, case) = promised(&house, &["2026-06-05", "2026-06-10"]).await;
    let case_id = view(&case).case_id.clone();
    assert_eq!(states(&case), [PromiseState::Open, PromiseState::Open]);
    let keep = |promise_id: &str| {
        let (promise_id, reason) = (promise_id.to_owned(), "They burn.".to_owned());
        asks!(KeepPromiseRequest, &case_id, promise_id: promise_id, reason: reason)
    };
    let first = view(&case).replies[0].promises[0].promise_id.clone();
    let mut cases = house.cases(&house.clerk("130102-g"));
    let kept = cases.keep_promise(keep(&first)).await.unwrap().into_inner().case.unwrap();
    assert_eq!(states(&kept), [PromiseState::Kept, PromiseState::Open]);
    assert_eq!(reason(cases.keep_promise(keep(&first)).await), "PROMISE_SETTLED");
    let unknown = liuyan_kit::id::v7(liuyan_kit::testing::now()).to_string();
    assert_eq!(reason(cases.keep_promise(keep(&unknown)).await), "PROMISE_NOT_FOUND");
    cases.close_case(asks!(CloseCaseRequest, &case_id, outcome: 1)).await.unwrap();

    let replicas = [house.replica().await, house.replica().await];
    house.advance_hours(9 * 24);
    for replica in replicas {
        replica.break_promises().await.unwrap();
    }
    let open = testing::eventually("the promise is broken", SOON, || async {
        let case = house.get_in_public(message_id).await.ok()?;
        (states(&case)[1] == PromiseState::Broken).then_some(case)
    })
    .await;
    assert_eq!((view(&open).state(), view(&open).closed_at), (CaseState::Accepted, None));
    let story = house.story(&case_id).await;
    assert_eq!(story.iter().filter(|it| it.starts_with("promise-broken")).count(), 1);
    let said = testing::said::<routing::CaseReopened>(house.db()).await;
    assert_eq!((said.len(), said[0].event.cause.as_str()), (1, "promise_broken"));
    let office_id = "130102-g".to_owned();
    let figures = routing::GetReplyFiguresRequest { office_id };
    let figures = house.public_cases().get_reply_figures(figures).await.unwrap().into_inner();
    assert_eq!((figures.replies, figures.promises, figures.kept, figures.broken), (1, 2, 1, 1));
    house.is_whole().await;
}

#[tokio::test]
async fn a_promise_has_a_day_that_is_not_over_and_words() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    let mut cases = house.cases(&house.clerk("130102-g"));
    for (days, field) in [
        (&["2026-06-02"][..], "promises.due_on"),
        (&["2036-06-02"][..], "promises.due_on"),
        (&["soon"][..], "promises.due_on"),
        (&["2026-07-01"; 6][..], "promises"),
    ] {
        let status = cases.reply_to_case(promising(&case_id, days)).await.unwrap_err();
        let told = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(told[0].field, field, "{days:?}");
    }
    assert_eq!(house.count("select count(*) from replies").await, 0);
}

fn words(from: usize, until: usize) -> String {
    (from..until).map(|n| format!("word{n} ")).collect()
}

#[tokio::test]
async fn the_gate_stops_what_was_answered_to_others_and_counts_who_overrides_it() {
    let house = House::open().await;
    let first = view(&house.a_case(&a_message()).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    house.reply(&clerk, &first, &words(0, 60)).await.unwrap();
    // The same case may be answered alike, and another office's words are its own.
    house.reply(&clerk, &first, &words(0, 60)).await.unwrap();
    let message = a_message();
    let second = view(&house.a_case(&message).await).case_id.clone();
    assert_eq!(reason(house.reply(&clerk, &second, &words(0, 59)).await), "REPLY_ALIKE");
    let check = routing::CheckReplyRequest { case_id: second.clone(), body: words(0, 59) };
    let checked = house.cases(&clerk).check_reply(check).await.unwrap().into_inner();
    assert_eq!((checked.verdict.as_str(), checked.stopped), ("alike", true));
    assert!(checked.likeness > 0.9 && checked.compared == 1, "{checked:?}");
    assert_eq!(checked.as_near, None, "one other question is too few");
    let because = "It is the same street.".to_owned();
    let request =
        routing::ReplyToCaseRequest { override_reason: because, ..a_reply(&second, &words(0, 59)) };
    house.cases(&clerk).reply_to_case(request).await.unwrap();
    let public = house.get_in_public(message.message_id).await.unwrap();
    assert!(view(&public).replies[0].gate_overridden);
    let said = testing::said::<routing::CaseReplied>(house.db()).await;
    let overridden: Vec<bool> = said.iter().map(|said| said.event.gate_overridden).collect();
    assert_eq!(overridden, [false, false, true]);
    let figures = routing::GetReplyFiguresRequest { office_id: "130102-g".to_owned() };
    let figures = house.public_cases().get_reply_figures(figures).await.unwrap().into_inner();
    assert_eq!((figures.replies, figures.gate_overridden), (3, 1));
    house.is_whole().await;
}

#[tokio::test]
async fn a_correction_passes_the_gate_as_an_answer_does_and_stays_marked() {
    let house = House::open().await;
    let clerk = house.clerk("130102-g");
    let mut replied = Vec::new();
    for body in [words(0, 60), "The lamps will be mended by Friday".to_owned()] {
        let message = a_message();
        let case_id = view(&house.a_case(&message).await).case_id.clone();
        let reply_id = house.reply(&clerk, &case_id, &body).await.unwrap().reply_id;
        replied.push((message.message_id, case_id, reply_id));
    }
    let (message_id, case_id, reply_id) = &replied[1];
    let correct = |body: String| {
        let because = "It is the same street".to_owned();
        asks!(CorrectReplyRequest, case_id, reply_id: reply_id.clone(), body: body, reason: because)
    };
    let marked = || async {
        let office_id = "130102-g".to_owned();
        let figures = routing::GetReplyFiguresRequest { office_id };
        let figures = house.public_cases().get_reply_figures(figures).await.unwrap().into_inner();
        let public = house.get_in_public(*message_id).await.unwrap();
        (view(&public).replies[0].gate_overridden, figures.gate_overridden)
    };
    let mut cases = house.cases(&clerk);
    cases.correct_reply(correct("The lamps will be mended by Monday".to_owned())).await.unwrap();
    assert_eq!(marked().await, (false, 0));
    // What comes from another system has passed no gate, corrected or not.
    let now = liuyan_kit::clock::Clock::now(&*house.clock);
    let occurred_at = Some(liuyan_kit::clock::to_proto(now));
    let historical = liuyan_proto::liuyan::common::v1::Historical { occurred_at };
    let imported =
        routing::CorrectReplyRequest { historical: Some(historical), ..correct(words(1, 60)) };
    house.cases(&house.operator()).correct_reply(imported).await.unwrap();
    assert_eq!(marked().await, (false, 0));
    cases.correct_reply(correct(words(0, 59))).await.unwrap();
    assert_eq!(marked().await, (true, 1));
    let logged = "select count(*) from acts where action = 'reply-corrected'
                    and detail like '% gate=alike' and note = 'It is the same street'";
    assert_eq!(house.count(logged).await, 1);
    cases.correct_reply(correct("The lamps were mended on Monday".to_owned())).await.unwrap();
    assert_eq!(marked().await, (true, 1));
    house.is_whole().await;
}

#[tokio::test]
async fn the_gate_stops_what_shares_nothing_with_the_question_and_lets_an_import_pass() {
    let house = House::open().await;
    let title =
        "The lamps in the old lane by the river have been dark since the storm of last week";
    let case_id = view(&house.a_case(&a_message().titled(title)).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    let stopped = house.reply(&clerk, &case_id, &words(0, 30)).await;
    assert_eq!(reason(stopped), "REPLY_UNRELATED");
    let message = a_message().titled(title).written_at("2019-03-04T09:00:00+08");
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let at = "2019-03-05T09:00:00+08".parse().unwrap();
    let occurred_at = Some(liuyan_kit::clock::to_proto(at));
    let request = routing::ReplyToCaseRequest {
        historical: Some(liuyan_proto::liuyan::common::v1::Historical { occurred_at }),
        ..a_reply(&case_id, &words(0, 30))
    };
    house.cases(&house.operator()).reply_to_case(request).await.unwrap();
}
