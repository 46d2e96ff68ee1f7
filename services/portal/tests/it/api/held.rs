//! What is held on an author, as programs ask for it and have it erased.

use std::sync::{Arc, Mutex};

use http::header;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::intake::v1::{self as intake, author_selector::By};
use serde_json::json;

use super::client::{get, post};
use crate::{portal::Running, samples::refused, staff::REQUEST};

const MESSAGE: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f81";

/// intake gives a document in pages of one message.
fn gives(portal: &Running) -> Arc<Mutex<Vec<(String, By)>>> {
    let asked: Arc<Mutex<Vec<(String, By)>>> = Arc::default();
    let told = Arc::clone(&asked);
    portal.fake.on_with(
        "IntakeService/ExportAuthorData",
        move |headers, ask: intake::ExportAuthorDataRequest| {
            let bearer = headers["authorization"].to_str().unwrap().to_owned();
            told.lock().unwrap().push((bearer, ask.author.unwrap().by.unwrap()));
            let last = ask.page_token == "more";
            let number = usize::from(last);
            let document = json!({
                "form": "liuyan-author-data-v1", "complete": last, "messages": [{"n": number}],
            });
            Ok(intake::ExportAuthorDataResponse {
                document: document.to_string().into_bytes().into(),
                messages: 1,
                next_page_token: if last { String::new() } else { "more".to_owned() },
            })
        },
    );
    asked
}

/// intake erases what it is asked to.
fn erases(portal: &Running) -> Arc<Mutex<Vec<intake::EraseAuthorDataRequest>>> {
    let asked: Arc<Mutex<Vec<intake::EraseAuthorDataRequest>>> = Arc::default();
    let told = Arc::clone(&asked);
    portal.fake.on("IntakeService/EraseAuthorData", move |ask: intake::EraseAuthorDataRequest| {
        told.lock().unwrap().push(ask);
        Ok(intake::EraseAuthorDataResponse { contacts: 2, messages: 1 })
    });
    asked
}

#[tokio::test]
async fn all_that_is_held_comes_as_one_document_for_whoever_brings_a_token() {
    let portal = Running::start().await;
    let asked = gives(&portal);
    let of_message = format!("/api/v1/messages/{MESSAGE}/author-data");
    for path in [of_message.as_str(), "/api/v1/author-data"] {
        get(&portal, path).send().await.problem(401, "TOKEN_MISSING");
        let answer = get(&portal, path).bearer("the-token").send().await;
        let document = answer.ok();
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        assert_eq!(document["complete"], true);
        assert_eq!(document["messages"], json!([{"n": 0}, {"n": 1}]));
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 4, "two pages for each");
    assert!(asked.iter().all(|(bearer, _)| bearer == "Bearer the-token"));
    assert_eq!(asked[0].1, By::MessageId(MESSAGE.to_owned()));
    assert_eq!(asked[2].1, By::OwnAccount(true));
}

#[tokio::test]
async fn what_intake_refuses_to_give_or_to_erase_is_a_problem() {
    let portal = Running::start().await;
    portal.fake.on("IntakeService/ExportAuthorData", |_: intake::ExportAuthorDataRequest| {
        Err::<intake::ExportAuthorDataResponse, _>(refused(Class::Denied, "OTHER_MESSAGE", &[]))
    });
    portal.fake.on("IntakeService/EraseAuthorData", |_: intake::EraseAuthorDataRequest| {
        Err::<intake::EraseAuthorDataResponse, _>(refused(Class::Unavailable, "JOURNAL_AWAY", &[]))
    });
    let data = format!("/api/v1/messages/{MESSAGE}/author-data");
    get(&portal, &data).bearer("another").send().await.problem(403, "OTHER_MESSAGE");
    let erase = post(&portal, "/api/v1/author-data/erase").bearer("mine").json(&json!({}));
    let answer = erase.header("idempotency-key", REQUEST).send().await;
    answer.problem(503, "JOURNAL_AWAY");
    assert_eq!(answer.header(header::RETRY_AFTER), "7");
}

#[tokio::test]
async fn an_erasure_is_asked_for_once_and_says_what_went() {
    let portal = Running::start().await;
    let asked = erases(&portal);
    let of_message = format!("/api/v1/messages/{MESSAGE}/erase");
    for (path, too) in [(of_message.as_str(), true), ("/api/v1/author-data/erase", false)] {
        let body = if too { json!({"messages_too": true}) } else { json!({}) };
        let call = || post(&portal, path).json(&body);
        call().header("idempotency-key", REQUEST).send().await.problem(401, "TOKEN_MISSING");
        let unnamed = call().bearer("the-token").send().await;
        assert_eq!(unnamed.status.as_u16(), 400, "{}", unnamed.text());
        let odd = post(&portal, path).json(&json!({"messages_to": true})).bearer("the-token");
        let odd = odd.header("idempotency-key", REQUEST).send().await;
        assert_eq!(odd.status.as_u16(), 400, "{}", odd.text());
        let done = call().bearer("the-token").header("idempotency-key", REQUEST).send().await;
        assert_eq!(done.ok(), json!({"contacts": 2, "messages": 1}));
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2, "nothing is erased by what can't be read");
    assert!(asked.iter().all(|it| it.request_id == REQUEST));
    assert_eq!(asked[0].author.as_ref().unwrap().by, Some(By::MessageId(MESSAGE.to_owned())));
    assert_eq!((asked[0].messages_too, asked[1].messages_too), (true, false));
    assert_eq!(asked[1].author.as_ref().unwrap().by, Some(By::OwnAccount(true)));
}
