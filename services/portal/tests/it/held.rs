//! What is held on an author: kept as a file, and erased after a page that says what will happen.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_proto::liuyan::intake::v1::{self as intake, author_selector::By};

use crate::{
    browser::Browser,
    portal::Running,
    samples::{ANSWERED, ago, message},
};

const CODE: &str = "7K3QM2XW9T";

async fn opened(portal: &Running) -> Browser {
    portal.fake.on("IntakeService/LookUpMessage", |_: intake::LookUpMessageRequest| {
        Ok(intake::LookUpMessageResponse {
            message: Some(message(intake::MessageState::Approved)),
            author_token: "author-token".to_owned(),
            expires_at: ago(-1),
        })
    });
    let mut browser = portal.browser();
    let token = browser.get("/mine").await.hidden("_token");
    let fields = [("_token", token.as_str()), ("number", ANSWERED), ("code", CODE)];
    browser.post("/mine", &fields).await;
    browser
}

#[tokio::test]
async fn an_author_downloads_what_is_held_and_nobody_else() {
    let portal = Running::start().await;
    portal.fake.on_with(
        "IntakeService/ExportAuthorData",
        |headers, ask: intake::ExportAuthorDataRequest| {
            assert_eq!(headers["authorization"], "Bearer author-token");
            assert!(matches!(ask.author.unwrap().by, Some(By::MessageId(_))));
            let document = br#"{"form":"liuyan-author-data-v1"}"#.to_vec().into();
            Ok(intake::ExportAuthorDataResponse {
                document,
                messages: 1,
                next_page_token: String::new(),
            })
        },
    );
    let path = format!("/mine/{ANSWERED}/data");
    let stranger = portal.browser().get(&path).await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER);
    for page in ["data", "erase"] {
        let asked = portal.browser().get(&format!("/mine/{page}")).await;
        assert_eq!(asked.location(), format!("/sign-in?next=%2Fmine%2F{page}"));
    }
    let mut browser = opened(&portal).await;
    browser.get(&format!("/mine/{ANSWERED}")).await.shows(&[&path, "/erase\""]);
    browser.get(&path).await.shows(&["liuyan-author-data-v1"]);
}

#[tokio::test]
async fn however_much_is_held_it_is_one_file() {
    let portal = Running::start().await;
    portal.fake.on("IntakeService/ExportAuthorData", |ask: intake::ExportAuthorDataRequest| {
        let (messages, next) = match ask.page_token.as_str() {
            "" => (r#"[{"n":1},{"n":2}]"#, "two"),
            "two" => (r#"[{"n":3}]"#, "three"),
            "three" => ("[]", ""),
            other => panic!("{other}"),
        };
        let complete = next.is_empty();
        let document = format!(
            r#"{{"form":"liuyan-author-data-v1","complete":{complete},"messages":{messages}}}"#
        );
        Ok(intake::ExportAuthorDataResponse {
            document: document.into_bytes().into(),
            messages: 0,
            next_page_token: next.to_owned(),
        })
    });
    let mut browser = opened(&portal).await;
    let page = browser.get(&format!("/mine/{ANSWERED}/data")).await;
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["content-type"], "application/json");
    let document: serde_json::Value = serde_json::from_str(&page.text).unwrap();
    assert_eq!(document["complete"], true);
    assert_eq!(document["form"], "liuyan-author-data-v1");
    assert_eq!(document["messages"], serde_json::json!([{"n": 1}, {"n": 2}, {"n": 3}]));
}

#[tokio::test]
async fn nothing_is_erased_before_its_author_is_sure() {
    let portal = Running::start().await;
    let asked: Arc<Mutex<Vec<intake::EraseAuthorDataRequest>>> = Arc::default();
    let kept = Arc::clone(&asked);
    portal.fake.on("IntakeService/EraseAuthorData", move |ask: intake::EraseAuthorDataRequest| {
        kept.lock().unwrap().push(ask);
        Ok(intake::EraseAuthorDataResponse { contacts: 1, messages: 1 })
    });
    let mut browser = opened(&portal).await;
    let path = format!("/mine/{ANSWERED}/erase");
    let page = browser.get(&path).await;
    page.shows(&["无法恢复", "name=\"sure\"", "不再公开"]);
    let (token, request_id) = (page.hidden("_token"), page.hidden("request_id"));
    let fields = [("_token", token.as_str()), ("request_id", &request_id), ("what", "messages")];
    let unsure = browser.post(&path, &fields).await;
    assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.lock().unwrap().is_empty());
    let sure = [fields.as_slice(), &[("sure", "yes")]].concat();
    let done = browser.post(&path, &sure).await;
    assert_eq!(done.location(), format!("/mine/{ANSWERED}"));
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].messages_too && asked[0].request_id == request_id);
}
