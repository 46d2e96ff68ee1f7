//! Officials read what is not public where intake keeps it, and each look is recorded.

use liuyan_kit::testing;
use liuyan_proto::liuyan::{common::v1::PublicCase, routing::v1 as routing};
use liuyan_routing::CHECKS;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::helpers::{House, Message, SOON, a_message, an_acceptance, reason, view};

/// Who looked at which case, by name.
async fn looks(house: &House) -> Vec<(String, String)> {
    let looks = "select case_id::text, caller from looks order by caller, case_id";
    let mut connection = house.db().read().await.unwrap();
    sqlx::query_as(looks).fetch_all(&mut *connection).await.unwrap()
}

fn words(view: &PublicCase) -> [&str; 5] {
    [&view.title, &view.body, &view.demand, &view.details, &view.place]
}

const NONE: [&str; 5] = [""; 5];
const WHOLE: [&str; 5] =
    ["secret title", "secret body", "secret demand", "secret details", "secret place"];

/// The case of a message whose text intake keeps.
async fn a_secret_case(house: &House, message: &Message) -> String {
    house.intake.keep(message.message_id, "secret");
    let case = house.a_case(message).await;
    assert_eq!(words(view(&case)), WHOLE, "an operator reads it");
    view(&case).case_id.clone()
}

#[tokio::test]
async fn the_office_reads_what_is_private_at_each_look_and_nothing_of_it_is_kept_or_listed() {
    let house = House::open().await;
    let message = a_message().private();
    let case_id = a_secret_case(&house, &message).await;
    let operator = (case_id.clone(), format!("{}/somebody", testing::issuer().name));
    assert_eq!(looks(&house).await, std::slice::from_ref(&operator));

    let clerk = house.official(&["case:read", "case:work"], &[], &["130102-g"]);
    let first = house.get(&clerk, message.message_id).await.unwrap();
    assert_eq!(words(view(&first)), WHOLE);
    let again = house.get(&clerk, message.message_id).await.unwrap();
    assert_eq!(again, first, "a look changes nothing of the case, also not its etag");
    let theirs = (case_id.clone(), "identity/an official".to_owned());
    let mut expected = [operator, theirs.clone(), theirs];
    expected.sort();
    assert_eq!(looks(&house).await, expected);
    let asked = house.intake.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[1].message_ids, [message.message_id.to_string()]);
    let purpose = format!("case {case_id} looked at by identity/an official");
    assert_eq!(asked[1].purpose, purpose);
    let own = &asked[1].authorization;
    assert!(own.starts_with("Bearer ") && !own.contains(&clerk), "the service asks for itself");

    let mut cases = house.cases(&clerk);
    for own in [true, false] {
        let request = routing::ListCasesRequest { own, ..Default::default() };
        let listed = cases.list_cases(request).await.unwrap().into_inner().cases;
        assert_eq!(listed.len(), 1);
        assert_eq!(words(view(&listed[0])), NONE);
    }
    let accepted = cases.accept_case(an_acceptance(&case_id)).await.unwrap().into_inner();
    assert_eq!(words(view(&accepted.case.unwrap())), NONE, "that answer is stored");
    let request = routing::SearchCasesRequest { query: "secret".to_owned(), ..Default::default() };
    assert_eq!(house.public_cases().search_cases(request).await.unwrap().into_inner().hits, []);
    assert_eq!(looks(&house).await.len(), 3);
    assert_eq!(house.intake.asked().len(), 3);
    let kept = "select count(*) from cases where has_text or title || body || place <> ''";
    assert_eq!(house.count(kept).await, 0);
    for (name, check) in CHECKS {
        assert_eq!(house.count(check).await, 0, "{name}");
    }
}

#[tokio::test]
async fn an_office_reads_no_text_but_the_one_that_was_judged() {
    let house = House::open().await;
    let message = a_message().private();
    a_secret_case(&house, &message).await;
    house.intake.keep_revision(message.message_id, 2, "mended");
    let clerk = house.official(&["case:read", "case:work"], &[], &["130102-g"]);
    let case = house.get(&clerk, message.message_id).await.unwrap();
    assert_eq!(words(view(&case)), NONE, "nobody has judged what intake gave");
    assert!(house.intake.asked().iter().all(|asked| asked.revisions == [1]));
    house.intake.keep(message.message_id, "secret");
    let case = house.get(&clerk, message.message_id).await.unwrap();
    assert_eq!(words(view(&case)), WHOLE);
}

#[tokio::test]
async fn nobody_else_reads_it_and_no_look_of_theirs_is_made() {
    let house = House::open().await;
    let private = a_message().private();
    let accusing = a_message().to("130102-g").accusing(&["130100-s"]);
    let public = a_message();
    a_secret_case(&house, &private).await;
    a_secret_case(&house, &accusing).await;
    house.a_case(&public).await;
    let before = (looks(&house).await, house.intake.asked().len());
    assert_eq!(before.0.len(), 2);

    let everything = ["case:work", "case:read", "case:any", "case:view", "message:import"];
    let beside = house.clerk("130103-g");
    let reader = house.token(&["case:view"], &[]);
    let nobody = house.token(&["unrelated"], &["130102-g"]);
    let accused = house.official(&everything, &[], &["130100-s"]);
    let under = house.official(&everything, &[], &["130102-g", "130000-g"]);
    for (token, message) in [
        (&beside, &private),
        (&reader, &private),
        (&nobody, &private),
        (&beside, &accusing),
        (&accused, &accusing),
        (&under, &accusing),
    ] {
        assert_eq!(reason(house.get(token, message.message_id).await), "CASE_NOT_FOUND");
    }
    let hidden = house.get_in_public(private.message_id).await;
    assert_eq!(reason(hidden), "CASE_NOT_FOUND");
    let author = house.author(private.message_id);
    let theirs = house.get(&author, private.message_id).await.unwrap();
    assert_eq!(words(view(&theirs)), NONE, "authors have theirs from intake");
    let clerk = house.clerk("130102-g");
    let shown = house.get(&clerk, public.message_id).await.unwrap();
    assert_eq!(view(&shown).title, "a title", "what is public is here");
    let case_ids = before.0.iter().map(|(case_id, _)| case_id.clone()).collect();
    let batch = routing::BatchGetPublicCaseRequest { case_ids };
    let batch = house.cases(&reader).batch_get_public_case(batch).await.unwrap().into_inner();
    assert_eq!(batch.cases, []);
    assert_eq!((looks(&house).await, house.intake.asked().len()), before);

    let owner = house.clerk("130000-g");
    let theirs = house.get(&owner, accusing.message_id).await.unwrap();
    assert_eq!(words(view(&theirs)), WHOLE);
    assert_eq!(looks(&house).await.len(), 3);
}

#[tokio::test]
async fn of_what_is_withdrawn_nobody_reads_any_more() {
    let house = House::open().await;
    let message = a_message().private();
    a_secret_case(&house, &message).await;
    house.wish_to_withdraw(message.message_id).await;
    testing::eventually("it is withdrawn", SOON, || async {
        let withdrawn = "select count(*) from cases where outcome = 'withdrawn'";
        (house.count(withdrawn).await == 1).then_some(())
    })
    .await;
    let case = house.get(&house.clerk("130102-g"), message.message_id).await.unwrap();
    assert_eq!(words(view(&case)), NONE);
    assert_eq!(looks(&house).await.len(), 1);
}

#[tokio::test]
async fn while_intake_is_away_a_look_fails_for_a_moment_and_all_else_goes_on() {
    let house = House::open().await;
    let (private, public) = (a_message().private(), a_message());
    let case_id = a_secret_case(&house, &private).await;
    house.a_case(&public).await;
    let clerk = house.clerk("130102-g");
    house.intake.set_away(true);
    let refused = house.get(&clerk, private.message_id).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.get_details_retry_info().is_some_and(|it| it.retry_delay.is_some()));
    assert_eq!(reason::<()>(Err(refused)), "TEXTS_UNAVAILABLE");
    house.get(&clerk, public.message_id).await.unwrap();
    house.get(&house.author(private.message_id), private.message_id).await.unwrap();
    let mut cases = house.cases(&clerk);
    let all = routing::ListCasesRequest::default();
    assert_eq!(cases.list_cases(all).await.unwrap().into_inner().cases.len(), 2);
    cases.accept_case(an_acceptance(&case_id)).await.unwrap();
    house.intake.set_away(false);
    let case = house.get(&clerk, private.message_id).await.unwrap();
    assert_eq!(words(view(&case)), WHOLE);
}

#[tokio::test]
async fn looks_at_the_same_moment_are_all_counted() {
    let house = House::open().await;
    let message = a_message().private();
    let case_id = a_secret_case(&house, &message).await;
    let clerk = house.clerk("130102-g");
    let look = || house.get(&clerk, message.message_id);
    let (a, b, c, d) = tokio::join!(look(), look(), look(), look());
    for case in [a, b, c, d] {
        assert_eq!(words(view(&case.unwrap())), WHOLE);
    }
    let counted: i32 = sqlx::query_scalar("select look_count from cases where case_id = $1")
        .bind(case_id.parse::<Uuid>().unwrap())
        .fetch_one(&mut *house.db().read().await.unwrap())
        .await
        .unwrap();
    assert_eq!((counted, looks(&house).await.len()), (5, 5));
}

#[tokio::test]
async fn a_look_at_files_is_recorded_and_only_for_who_sees_the_case_whole() {
    let house = House::open().await;
    let (private, public) = (a_message().private(), a_message());
    let secret = a_secret_case(&house, &private).await;
    let open = view(&house.a_case(&public).await).case_id.clone();
    let before = looks(&house).await.len();
    let ask = |token: &str, case_id: &str| {
        let request = routing::IssueAttachmentTokenRequest { case_id: case_id.to_owned() };
        let mut cases = house.cases(token);
        async move { cases.issue_attachment_token(request).await }
    };
    let clerk = house.clerk("130102-g");
    for (case_id, message) in [(&secret, &private), (&open, &public)] {
        let answer = ask(&clerk, case_id).await.unwrap().into_inner();
        assert_eq!(answer.message_id, message.message_id.to_string());
        assert!(!answer.attachment_token.is_empty());
    }
    assert_eq!(looks(&house).await.len(), before + 2, "also of a case that everybody may read");
    let beside = house.clerk("130103-g");
    for case_id in [&secret, &open] {
        assert_eq!(reason(ask(&beside, case_id).await.map(|_| ())), "CASE_NOT_FOUND");
    }
    let nobody = house.token(&["case:view"], &["130102-g"]);
    assert_eq!(ask(&nobody, &open).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(looks(&house).await.len(), before + 2);
}
