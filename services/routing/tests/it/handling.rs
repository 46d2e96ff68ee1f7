//! Waiting for the author, more time, help, corrections, and what is worked on again.

use liuyan_kit::testing;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, PublicCase, PublicState},
    routing::v1 as routing,
};
use uuid::Uuid;

use crate::helpers::{House, a_message, an_acceptance, asks, reason, view};

fn day(case: &routing::Case) -> String {
    let at = view(case).deadline_at.as_ref().and_then(liuyan_kit::clock::from_proto).unwrap();
    at.to_string()[..10].to_owned()
}

async fn accepted(house: &House) -> (Uuid, String, String) {
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    house.cases(&clerk).accept_case(an_acceptance(&case_id)).await.unwrap();
    (message.message_id, case_id, clerk)
}

fn question() -> String {
    "Which building is it?".to_owned()
}

#[tokio::test]
async fn a_wait_for_the_author_is_seen_moves_the_date_and_is_ended_by_either() {
    let house = House::open().await;
    let (message_id, case_id, clerk) = accepted(&house).await;
    let pause = asks!(PauseCaseRequest, &case_id, question: question());
    let paused = house.cases(&clerk).pause_case(pause).await.unwrap().into_inner().case.unwrap();
    assert_eq!(
        (paused.question.as_str(), day(&paused).as_str()),
        ("Which building is it?", "2026-06-12")
    );
    assert!(view(&paused).pauses[0].until.is_none());
    // Everybody sees that it waits, and the author for what.
    let public = house.get_in_public(message_id).await.unwrap();
    assert_eq!((public.question.as_str(), view(&public).pauses.len()), ("", 1));
    let author = house.author(message_id);
    assert_eq!(house.get(&author, message_id).await.unwrap().question, question());

    let again = asks!(PauseCaseRequest, &case_id, question: question());
    assert_eq!(reason(house.cases(&clerk).pause_case(again).await), "CASE_PAUSED");
    assert_eq!(reason(house.transfer(&clerk, &case_id, "130104-g").await), "CASE_PAUSED");
    let other = house.author(liuyan_kit::id::v7(testing::now()));
    let resume = asks!(ResumeCaseRequest, &case_id);
    assert_eq!(reason(house.cases(&other).resume_case(resume).await), "CASE_NOT_YOURS");

    // Wednesday to Monday: Thursday, Friday and Monday.
    house.advance_hours(5 * 24);
    let author = house.author(message_id);
    let resume = asks!(ResumeCaseRequest, &case_id);
    let resumed = house.cases(&author).resume_case(resume).await.unwrap().into_inner();
    let resumed = resumed.case.unwrap();
    assert_eq!(day(&resumed), "2026-06-17");
    assert!(view(&resumed).pauses[0].until.is_some() && resumed.question.is_empty());
    let clerk = house.clerk("130102-g");
    let resume = asks!(ResumeCaseRequest, &case_id);
    assert_eq!(reason(house.cases(&clerk).resume_case(resume).await), "CASE_NOT_PAUSED");
    // An answer ends a wait, too.
    let pause = asks!(PauseCaseRequest, &case_id, question: question());
    house.cases(&clerk).pause_case(pause).await.unwrap();
    house.reply(&clerk, &case_id, "It is done.").await.unwrap();
    let story = house.story(&case_id).await;
    let tail = ["case-paused r5 public", "case-resumed r6 public", "case-replied r7 public"];
    assert_eq!(story[story.len() - 3..], tail);
    house.is_whole().await;
}

#[tokio::test]
async fn a_deadline_is_extended_once_with_a_reason_and_in_time() {
    let house = House::open().await;
    let (_, case_id, clerk) = accepted(&house).await;
    let extend = |days| {
        let reason = "The survey takes time.".to_owned();
        asks!(ExtendDeadlineRequest, &case_id, days: days, reason: reason)
    };
    for days in [0, 31] {
        let refused = house.cases(&clerk).extend_deadline(extend(days)).await;
        assert_eq!(reason(refused), "REQUEST_INVALID");
    }
    let extended = house.cases(&clerk).extend_deadline(extend(3)).await.unwrap().into_inner();
    let extended = extended.case.unwrap();
    assert_eq!(day(&extended), "2026-06-17");
    assert!(view(&extended).extended_at.is_some());
    assert_eq!(reason(house.cases(&clerk).extend_deadline(extend(3)).await), "DEADLINE_EXTENDED");
    let late = view(&house.a_case(&a_message()).await).case_id.clone();
    house.advance_hours(30 * 24);
    let clerk = house.clerk("130102-g");
    let request = routing::ExtendDeadlineRequest { case_id: late, ..extend(3) };
    assert_eq!(reason(house.cases(&clerk).extend_deadline(request).await), "DEADLINE_PASSED");
    house.is_whole().await;
}

#[tokio::test]
async fn a_helper_sees_the_case_whole_and_the_lead_answers() {
    let house = House::open().await;
    let message = a_message().private().accusing(&["130105-g"]);
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let (clerk, helper) = (house.clerk("130102-g"), house.clerk("130104-g"));
    assert_eq!(reason(house.get(&helper, message.message_id).await), "CASE_NOT_FOUND");
    let invite = |office: &str| {
        let reason = "You know the pipes.".to_owned();
        asks!(InviteHelperRequest, &case_id, office_id: office.to_owned(), reason: reason)
    };
    for (office, expected) in [
        ("130105-g", "OFFICE_ACCUSED"),
        ("nowhere", "OFFICE_NOT_FOUND"),
        ("130102-g", "OFFICE_HAS_IT"),
    ] {
        assert_eq!(reason(house.cases(&clerk).invite_helper(invite(office)).await), expected);
    }
    house.cases(&clerk).invite_helper(invite("130104-g")).await.unwrap();
    let again = house.cases(&clerk).invite_helper(invite("130104-g")).await;
    assert_eq!(reason(again), "OFFICE_HELPS_ALREADY");
    let seen = house.get(&helper, message.message_id).await.unwrap();
    assert_eq!(view(&seen).helper_office_ids, ["130104-g"]);
    let inbox = routing::ListCasesRequest { own: true, ..Default::default() };
    let inbox = house.cases(&helper).list_cases(inbox).await.unwrap().into_inner().cases;
    assert_eq!(inbox.len(), 1);
    assert_eq!(reason(house.reply(&helper, &case_id, "It is done.").await), "CASE_NOT_YOURS");
    house.reply(&clerk, &case_id, "It is done.").await.unwrap();
    let said = testing::said::<routing::HelperInvited>(house.db()).await;
    assert_eq!(said[0].event.helper_office_id, "130104-g");
    house.is_whole().await;
}

fn corrected(view: &PublicCase) -> (&str, bool) {
    (view.replies[0].body.as_str(), view.replies[0].corrected_at.is_some())
}

#[tokio::test]
async fn a_corrected_reply_is_found_by_its_new_words_and_keeps_the_old_ones_for_officials() {
    let house = House::open().await;
    let (message_id, case_id, clerk) = accepted(&house).await;
    let reply_id = house.reply(&clerk, &case_id, "The heating is shut").await.unwrap().reply_id;
    let correct = |reply_id: &str| {
        asks!(
            CorrectReplyRequest, &case_id, reply_id: reply_id.to_owned(),
            body: "The heating is mended".to_owned(), reason: "A wrong word".to_owned(),
        )
    };
    let wrong = house
        .cases(&clerk)
        .correct_reply(correct(&liuyan_kit::id::v7(testing::now()).to_string()))
        .await;
    assert_eq!(reason(wrong), "REPLY_NOT_FOUND");
    house.cases(&clerk).correct_reply(correct(&reply_id)).await.unwrap();
    let public = house.get_in_public(message_id).await.unwrap();
    assert_eq!(corrected(view(&public)), ("The heating is mended", true));
    for (word, hits) in [("mended", 1), ("shut", 0)] {
        let request = routing::SearchCasesRequest { query: word.to_owned(), ..Default::default() };
        let found = house.public_cases().search_cases(request).await.unwrap().into_inner();
        assert_eq!(found.hits.len(), hits, "{word}");
    }
    let kept = "select count(*) from reply_versions where body = 'The heating is shut'";
    assert_eq!(house.count(kept).await, 1);
    house.is_whole().await;
}

#[tokio::test]
async fn an_author_asks_on_and_an_official_works_again_on_what_was_closed() {
    let house = House::open().await;
    let (message_id, case_id, clerk) = accepted(&house).await;
    let reply_id = house.reply(&clerk, &case_id, "It is done.").await.unwrap().reply_id;
    let ask_on = |ground: &str| {
        let (reply_id, ground) = (reply_id.clone(), ground.to_owned());
        asks!(AskFollowUpRequest, &case_id, reply_id: reply_id, ground: ground)
    };
    let author = house.author(message_id);
    let mut asking = house.cases(&author);
    assert_eq!(reason(asking.ask_follow_up(ask_on("because")).await), "REQUEST_INVALID");
    assert_eq!(reason(house.cases(&clerk).ask_follow_up(ask_on("unclear")).await), "SCOPE_MISSING");
    let asked = asking.ask_follow_up(ask_on("unclear")).await.unwrap().into_inner().case.unwrap();
    assert_eq!(view(&asked).public_state(), PublicState::InProgress);
    assert_eq!(reason(asking.ask_follow_up(ask_on("unclear")).await), "CASE_STILL_OPEN");
    let told = house.get(&clerk, message_id).await.unwrap().follow_ups;
    let said: Vec<_> = told.iter().map(|it| (it.reply_id.as_str(), it.ground.as_str())).collect();
    assert_eq!(said, [(reply_id.as_str(), "unclear")]);
    assert!(house.get_in_public(message_id).await.unwrap().follow_ups.is_empty());
    house.wish_to_withdraw(message_id).await;
    house.reply(&clerk, &case_id, "It is done, here is how.").await.unwrap();
    let close = asks!(CloseCaseRequest, &case_id, outcome: 1);
    house.cases(&clerk).close_case(close).await.unwrap();
    let reopen = || asks!(ReopenCaseRequest, &case_id, reason: "It leaks again.".to_owned());
    let supervisor = house.official(&["case:read", "case:supervise"], &["130100"], &[]);
    let open = house.cases(&supervisor).reopen_case(reopen()).await.unwrap().into_inner();
    let open = open.case.unwrap();
    assert_eq!((view(&open).state(), view(&open).closed_at), (CaseState::Accepted, None));
    assert!(view(&open).custody.last().unwrap().until.is_none());
    assert_eq!(reason(house.cases(&clerk).reopen_case(reopen()).await), "CASE_STILL_OPEN");
    let close = || asks!(CloseCaseRequest, &case_id, outcome: 1);
    assert_eq!(reason(house.cases(&clerk).close_case(close()).await), "REPLY_FIRST");
    house.is_whole().await;
}

#[tokio::test]
async fn supervisors_watch_the_cases_of_their_divisions_and_list_them() {
    let house = House::open().await;
    let (message_id, case_id, clerk) = accepted(&house).await;
    let supervise = || asks!(SuperviseCaseRequest, &case_id, reason: "It is urgent.".to_owned());
    let supervisor = house.official(&["case:read", "case:supervise"], &["130100"], &[]);
    let elsewhere = house.official(&["case:read", "case:supervise"], &["110000"], &[]);
    assert_eq!(reason(house.cases(&clerk).supervise_case(supervise()).await), "SCOPE_MISSING");
    assert_eq!(reason(house.cases(&elsewhere).supervise_case(supervise()).await), "CASE_NOT_YOURS");
    house.cases(&supervisor).supervise_case(supervise()).await.unwrap();
    let again = house.cases(&supervisor).supervise_case(supervise()).await;
    assert_eq!(reason(again), "CASE_SUPERVISED");
    let watched = routing::ListCasesRequest { supervised: true, ..Default::default() };
    for (token, cases) in [(&supervisor, 1), (&elsewhere, 0)] {
        let listed = house.cases(token).list_cases(watched.clone()).await.unwrap().into_inner();
        assert_eq!(listed.cases.len(), cases);
    }
    let public = house.public_cases().list_cases(watched).await.unwrap().into_inner();
    assert_eq!(public.cases, [], "who is watched is no business of everybody's");
    assert!(house.get_in_public(message_id).await.unwrap().supervised_at.is_none());
    assert!(house.get(&supervisor, message_id).await.unwrap().supervised_at.is_some());
    house.is_whole().await;
}

#[tokio::test]
async fn every_act_is_in_a_chained_log_that_shows_what_was_changed_behind_its_back() {
    let house = House::open().await;
    let (message_id, case_id, clerk) = accepted(&house).await;
    let pause = asks!(PauseCaseRequest, &case_id, question: question());
    house.cases(&clerk).pause_case(pause).await.unwrap();
    house.reply(&clerk, &case_id, "It is done.").await.unwrap();
    let list = |size, token: &str| routing::ListActsRequest {
        case_id: case_id.clone(),
        page_size: size,
        page_token: token.to_owned(),
    };
    let first = house.cases(&clerk).list_acts(list(2, "")).await.unwrap().into_inner();
    let actions: Vec<_> = first.acts.iter().map(|act| act.action.as_str()).collect();
    assert_eq!(actions, ["case-accepted", "case-paused"]);
    assert_eq!(first.acts[1].note, question());
    let rest = house.cases(&clerk).list_acts(list(2, &first.next_page_token)).await.unwrap();
    let rest = rest.into_inner();
    assert_eq!((rest.acts[0].action.as_str(), rest.next_page_token.as_str()), ("case-replied", ""));
    let beside = house.clerk("130104-g");
    assert_eq!(reason(house.cases(&beside).list_acts(list(0, "")).await), "CASE_NOT_YOURS");

    house.is_whole().await;
    let mut connection = house.db().read().await.unwrap();
    for harm in [
        "update acts set actor = 'identity/eve' where position = 2",
        "update acts set note = 'something else' where position = 2",
        "delete from acts where position = 3",
        "delete from acts where position = 1",
        "update acts set position = case position when 1 then -2 else -1 end where position < 3",
        "update cases set act_hash = null",
    ] {
        let harm = format!("begin; set local session_replication_role = replica; {harm}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(harm.clone())).execute(&mut *connection).await.unwrap();
        let mut breaches = 0;
        for (_, check) in liuyan_routing::CHECKS {
            let found: i64 = sqlx::query_scalar(*check).fetch_one(&mut *connection).await.unwrap();
            breaches += found;
        }
        assert!(breaches > 0, "{harm}");
        sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
    }
    drop(connection);
    // What officials wrote is gone with the message; the chain holds.
    house.erase(message_id).await;
    testing::eventually("the notes are gone", crate::helpers::SOON, || async {
        let left = "select count(*) from acts where note <> ''";
        (house.count(left).await == 0).then_some(())
    })
    .await;
    house.is_whole().await;
}

#[tokio::test]
async fn of_two_clerks_who_accept_at_once_one_does_and_what_is_far_too_long_is_refused() {
    let house = House::open().await;
    let case = house.a_case(&a_message()).await;
    let case_id = view(&case).case_id.clone();
    let (one, other) = (house.clerk("130102-g"), house.token(&["case:work"], &["130100-g"]));
    let accept = |token: String| {
        let mut cases = house.cases(&token);
        let etag = case.etag.clone();
        let request = routing::AcceptCaseRequest { etag, ..an_acceptance(&case_id) };
        tokio::spawn(async move { cases.accept_case(request).await.map(drop) })
    };
    let (one, other) = (accept(one), accept(other));
    let results = [one.await.unwrap(), other.await.unwrap()];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let refused = results.into_iter().find(Result::is_err).unwrap();
    assert_eq!(reason(refused), "ETAG_MISMATCH");
    let clerk = house.clerk("130102-g");
    let long = house.reply(&clerk, &case_id, &"x".repeat(50_000)).await;
    assert_eq!(reason(long), "REQUEST_INVALID");
    house.is_whole().await;
}
