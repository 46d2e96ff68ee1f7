use liuyan_kit::{clock::from_proto, testing};
use liuyan_proto::liuyan::{common::v1::CaseState, routing::v1 as routing};

use crate::helpers::{House, SOON, a_message, a_reply, an_acceptance, reason, view};

#[tokio::test]
async fn an_approved_message_becomes_a_public_case_with_its_text() {
    let house = House::open().await;
    let message = a_message();
    house.approve(&message).await;
    let case = house.case_of(message.message_id).await;
    assert!(case.public);
    assert_eq!(case.assigned_by, "office_chosen");
    let view = view(&case);
    assert_eq!((view.title.as_str(), view.body.as_str()), ("a title", "a body"));
    assert_eq!((view.office_id.as_str(), view.division_code.as_str()), ("130102-g", "130102"));
    assert_eq!(view.state(), CaseState::Assigned);
    // Seven working days from Wednesday, 3 June 2026.
    let deadline = from_proto(view.deadline_at.as_ref().unwrap()).unwrap();
    assert_eq!(deadline, "2026-06-12T23:59:59.999999+08".parse().unwrap());
    assert_eq!(view.custody.len(), 1);
    assert_eq!(view.custody[0].until, None);
    assert_eq!(house.get_in_public(message.message_id).await.unwrap(), case);
    assert_eq!(
        house.story(&view.case_id).await,
        ["case-opened r1 public", "case-assigned r1 public"]
    );
}

#[tokio::test]
async fn a_private_message_is_never_public_and_its_text_is_never_fetched() {
    let house = House::open().await;
    let message = a_message().private();
    let case = house.a_case(&message).await;
    assert!(!case.public);
    assert_eq!(view(&case).title, "");
    assert!(!house.moderation.was_asked_for(message.message_id));
    let id = message.message_id;
    assert_eq!(reason(house.get_in_public(id).await), "CASE_NOT_FOUND");
    assert_eq!(reason(house.get(&house.clerk("130103-g"), id).await), "CASE_NOT_FOUND");
    for token in [house.clerk("130102-g"), house.clerk("130000-g"), house.author(id)] {
        assert_eq!(house.get(&token, id).await.unwrap(), case);
    }
    // Nor does an answer make it public.
    house.reply(&house.clerk("130102-g"), &view(&case).case_id, "done").await.unwrap();
    assert_eq!(reason(house.get_in_public(id).await), "CASE_NOT_FOUND");
    let list = routing::ListCasesRequest::default();
    let listed = house.public_cases().list_cases(list.clone()).await.unwrap().into_inner();
    assert_eq!(listed.cases, []);
    let viewer = house.token(&["case:view"], &[]);
    let batch = routing::BatchGetPublicCaseRequest { case_ids: vec![view(&case).case_id.clone()] };
    let views = house.cases(&viewer).batch_get_public_case(batch).await.unwrap().into_inner();
    assert_eq!(views.cases, []);
    assert!(house.story(&view(&case).case_id).await.iter().all(|event| event.ends_with("hidden")));
}

#[tokio::test]
async fn while_moderation_is_away_public_messages_wait_and_private_ones_do_not() {
    let house = House::open().await;
    house.moderation.set_away(true);
    let (public, private) = (a_message(), a_message().private());
    house.approve(&public).await;
    house.approve(&private).await;
    house.case_of(private.message_id).await;
    let operator = house.operator();
    assert_eq!(reason(house.get(&operator, public.message_id).await), "CASE_NOT_FOUND");
    house.moderation.set_away(false);
    assert!(house.case_of(public.message_id).await.public);
}

#[tokio::test]
async fn a_message_whose_text_is_missing_is_put_off_and_stops_nobody() {
    let house = House::open().await;
    let (lost, other) = (a_message(), a_message());
    house.moderation.set_away(true);
    house.approve(&lost).await;
    house.approve(&other).await;
    house.moderation.forget(lost.message_id);
    house.moderation.set_away(false);
    house.case_of(other.message_id).await;
    assert_eq!(house.count("select count(*) from openings where attempts > 0").await, 1);
    house.moderation.publish(lost.message_id, "found");
    house.advance_hours(1);
    assert_eq!(view(&house.case_of(lost.message_id).await).title, "found");
}

#[tokio::test]
async fn a_redaction_is_a_new_revision_with_the_new_text() {
    let house = House::open().await;
    let message = a_message();
    let case = house.a_case(&message).await;
    house.moderation.publish(message.message_id, "redacted");
    house.redact(message.message_id).await;
    let changed = testing::eventually("the text is the new one", SOON, || async {
        let case = house.get_in_public(message.message_id).await.unwrap();
        (view(&case).title == "redacted").then_some(case)
    })
    .await;
    assert_eq!(view(&changed).revision, 2);
    assert_ne!(changed.etag, case.etag);
    let story = house.story(&view(&case).case_id).await;
    assert_eq!(story.last().unwrap(), "case-text-changed r2 public");
    let open = "select count(*) from openings where redactions > redactions_applied";
    assert_eq!(house.count(open).await, 0);
}

#[tokio::test]
async fn a_redaction_before_the_case_opens_is_in_its_first_text() {
    let house = House::open().await;
    house.moderation.set_away(true);
    let message = a_message();
    house.approve(&message).await;
    house.redact(message.message_id).await;
    house.moderation.publish(message.message_id, "redacted");
    house.moderation.set_away(false);
    let case = house.case_of(message.message_id).await;
    assert_eq!((view(&case).title.as_str(), view(&case).revision), ("redacted", 1));
}

#[tokio::test]
async fn a_redaction_of_a_private_message_changes_nothing() {
    let house = House::open().await;
    let message = a_message().private();
    let case = house.a_case(&message).await;
    house.redact(message.message_id).await;
    testing::eventually("the redaction is settled", SOON, || async {
        let open = "select count(*) from openings where redactions > redactions_applied";
        (house.count(open).await == 0).then_some(())
    })
    .await;
    assert_eq!(house.get(&house.operator(), message.message_id).await.unwrap(), case);
    assert!(!house.moderation.was_asked_for(message.message_id));
}

#[tokio::test]
async fn what_comes_from_another_system_keeps_its_time() {
    let house = House::open().await;
    let message = a_message().written_at("2019-03-04T09:00:00+08");
    let case = house.a_case(&message).await;
    let written = from_proto(view(&case).submitted_at.as_ref().unwrap()).unwrap();
    assert_eq!(written, "2019-03-04T09:00:00+08".parse().unwrap());
    assert_eq!(view(&case).custody[0].from, view(&case).submitted_at);
    let opened = testing::said::<routing::CaseOpened>(house.db()).await;
    let refer = opened[0].event.case.as_ref().unwrap();
    assert_eq!(refer.occurred_at, view(&case).submitted_at);
}

#[tokio::test]
async fn an_approval_that_comes_again_opens_nothing_again() {
    let house = House::open().await;
    let message = a_message();
    house.a_case(&message).await;
    house.approve(&message).await;
    house.a_case(&a_message()).await;
    assert_eq!(house.count("select count(*) from cases").await, 2);
    assert_eq!(house.count("select count(*) from openings where state = 'pending'").await, 0);
}

#[tokio::test]
async fn a_message_whose_case_cannot_be_opened_stops_nobody() {
    let house = House::open().await;
    house.moderation.set_away(true);
    let messages = [
        a_message(),
        a_message().numbered("twice"),
        a_message(),
        a_message().numbered("twice"),
        a_message(),
    ];
    for message in &messages {
        house.approve(message).await;
    }
    house.moderation.set_away(false);
    for message in [&messages[0], &messages[2], &messages[4]] {
        house.case_of(message.message_id).await;
    }
    testing::eventually("only one waits", SOON, || async {
        let waiting = "select count(*) from openings where state = 'pending' and attempts > 0";
        (house.count(waiting).await == 1).then_some(())
    })
    .await;
    assert_eq!(house.count("select count(*) from cases").await, 4);
}

/// How many stored answers hold these words.
async fn answers_with(house: &House, words: &str) -> i64 {
    let query =
        "select count(*) from requests where position(convert_to($1, 'UTF8') in response) > 0";
    let mut connection = house.db().read().await.unwrap();
    sqlx::query_scalar(query).bind(words).fetch_one(&mut *connection).await.unwrap()
}

#[tokio::test]
async fn what_was_redacted_is_in_no_stored_answer_and_who_asks_again_is_told_of_the_case_as_it_is()
{
    let house = House::open().await;
    let message = a_message().titled("with a phone number");
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    let (accept, reply) = (an_acceptance(&case_id), a_reply(&case_id, "It is done."));
    house.cases(&clerk).accept_case(accept.clone()).await.unwrap();
    let first = house.cases(&clerk).reply_to_case(reply.clone()).await.unwrap().into_inner();
    assert_eq!(answers_with(&house, "with a phone number").await, 2);
    house.moderation.publish(message.message_id, "without it");
    house.redact(message.message_id).await;
    testing::eventually("the text is the new one", SOON, || async {
        let case = house.get_in_public(message.message_id).await.unwrap();
        (view(&case).title == "without it").then_some(())
    })
    .await;
    assert_eq!(answers_with(&house, "with a phone number").await, 0);
    let again = house.cases(&clerk).reply_to_case(reply).await.unwrap().into_inner();
    assert_eq!(again.reply_id, first.reply_id);
    assert_eq!(view(again.case.as_ref().unwrap()).title, "without it");
    let again = house.cases(&clerk).accept_case(accept.clone()).await.unwrap().into_inner();
    assert_eq!(view(again.case.as_ref().unwrap()).replies.len(), 1);
    // Who may not do it is told nothing, though nothing would be done.
    let stranger = house.cases(&house.clerk("130104-g")).accept_case(accept).await;
    assert_eq!(reason(stranger), "CASE_NOT_YOURS");
    assert_eq!(house.count("select count(*) from replies").await, 1, "nothing is done twice");
    house.is_whole().await;
}

#[tokio::test]
async fn answers_are_given_again_for_some_days_and_forgotten_then() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    let accept = an_acceptance(&case_id);
    house.cases(&house.clerk("130102-g")).accept_case(accept.clone()).await.unwrap();
    house.advance_hours(25);
    let young = an_acceptance(&view(&house.a_case(&a_message()).await).case_id);
    house.cases(&house.clerk("130102-g")).accept_case(young).await.unwrap();
    let kept = "select count(*) from requests where response <> ''";
    assert_eq!(house.count(kept).await, 2, "a day is promised");
    house.advance_hours(2 * 24);
    testing::eventually("the older answer is forgotten", SOON, || async {
        (house.count(kept).await == 1).then_some(())
    })
    .await;
    let again = house.cases(&house.clerk("130102-g")).accept_case(accept).await.unwrap();
    let again = again.into_inner().case.unwrap();
    assert_eq!(view(&again).case_id, case_id);
    assert_eq!(house.count("select count(*) from requests").await, 2);
    house.is_whole().await;
}
