//! Authors are given all that is held on them, and each look is in the audit log.

use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::intake::v1::{
    AuthorSelector, ExportAuthorDataRequest, author_selector::By,
    intake_service_server::IntakeService as _,
};
use serde_json::Value;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::helpers::{
    Desk, a_message_by, a_submission_of, account, as_caller, author_of, caller, count, reason,
    violations,
};

async fn export(desk: &Desk, who: &Caller, by: By, purpose: &str) -> Result<Value, Status> {
    let author = Some(AuthorSelector { by: Some(by) });
    let page_token = String::new();
    let request = ExportAuthorDataRequest { author, purpose: purpose.to_owned(), page_token };
    let answer = desk.grpc.export_author_data(as_caller(who, request)).await?.into_inner();
    let document: Value = serde_json::from_slice(&answer.document).unwrap();
    assert_eq!(document["messages"].as_array().unwrap().len(), answer.messages as usize);
    Ok(document)
}

#[tokio::test]
async fn an_author_gets_everything_and_the_look_is_recorded() {
    let desk = Desk::open().await;
    let me = account(Uuid::from_u128(7));
    for phone in ["13800001111", "13900002222"] {
        let message = liuyan_proto::liuyan::intake::v1::NewMessage {
            remark: "Please ring twice".to_owned(),
            ..a_message_by("Wang", phone)
        };
        desk.submit_as(&me, a_submission_of(message)).await.unwrap();
        desk.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    let document = export(&desk, &me, By::OwnAccount(true), "").await.unwrap();
    let first = &document["messages"][0];
    assert_eq!(first["author"]["name"], "Wang");
    assert_eq!(first["author"]["phone"], "13800001111");
    assert_eq!(first["remark"], "Please ring twice");
    assert_eq!(first["texts"][0]["title"], "A street lamp is out");
    assert!(first["receipt"]["statement"].as_str().unwrap().starts_with("liuyan-receipt-v1"));
    assert_eq!(first["requests"].as_array().unwrap().len(), 1);
    assert_eq!(document["complete"], true);

    let id: Uuid = first["message_id"].as_str().unwrap().parse().unwrap();
    let alone = export(&desk, &author_of(id), By::MessageId(id.to_string()), "").await.unwrap();
    assert_eq!(alone["messages"].as_array().unwrap().len(), 1);
    let manager = caller("admin", &["author:manage"]);
    let by = By::Phone("+86 139 0000 2222".to_owned());
    let found = export(&desk, &manager, by, "asked by letter 7").await.unwrap();
    assert_eq!(found["messages"][0]["author"]["phone"], "13900002222");
    let looks = "select count(*) from audit where action = 'author-exported'";
    assert_eq!(count(&desk.db, looks).await, 3);
    let why = "select count(*) from audit where detail like '%asked by letter 7%'
               and subject = 'phone' and actor = 'test admin'";
    assert_eq!(count(&desk.db, why).await, 1);
    for (name, check) in liuyan_intake::CHECKS {
        assert_eq!(count(&desk.db, check).await, 0, "{name}");
    }
}

/// Whatever stands beside a message's id is given, or is named here with the reason why it is not.
#[tokio::test]
async fn nothing_that_is_held_on_a_message_is_forgotten() {
    let desk = Desk::open().await;
    let held: Vec<(String, String)> = {
        let mut connection = desk.db.read().await.unwrap();
        sqlx::query_as(
            "select table_name::text, column_name::text from information_schema.columns as it
             where table_schema = 'public' and column_name <> 'message_id' and exists (
                 select from information_schema.columns as key
                 where key.table_schema = 'public' and key.table_name = it.table_name
                   and key.column_name = 'message_id')
             order by 1, 2",
        )
        .fetch_all(&mut *connection)
        .await
        .unwrap()
    };
    let legend: Value = serde_json::from_str(include_str!("../../data/author-data.json")).unwrap();
    let is_given = |table: &str, column: &str| {
        let names = match (table, column) {
            (_, "contact") => vec!["author"],
            ("column_messages", "changed_at") => vec!["column_changed_at"],
            ("requests", "created_at") => vec!["requests"],
            _ => vec![column],
        };
        names.iter().all(|name| legend[name].is_object())
    };
    let is_named = |table: &str, column: &str| match table {
        // When they came is given; ids and hashes are those of programs.
        "requests" | "erasure_requests" => true,
        // A hash, numbers of the board's own, and counts of what is given.
        "messages" => matches!(
            column,
            "access_key_id"
                | "access_hash"
                | "author_id"
                | "has_remark"
                | "revision"
                | "requests"
                | "last_request_at"
                | "attachments"
                | "restored"
        ),
        // The entry in the log.
        "texts" => matches!(column, "salt" | "leaf_hash"),
        // The place in the column's list.
        "column_messages" => column == "change",
        // Who uploaded it is whose message it is; the rest is of the upload itself.
        "attachments" => matches!(
            column,
            "owner"
                | "request_id"
                | "received"
                | "received_sha256"
                | "position"
                | "uploaded_at"
                | "width"
                | "height"
                | "lost"
        ),
        _ => false,
    };
    let forgotten: Vec<&(String, String)> = held
        .iter()
        .filter(|(table, column)| !is_given(table, column) && !is_named(table, column))
        .collect();
    assert!(held.len() > 40, "{}", held.len());
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[tokio::test]
async fn however_many_messages_there_are_none_is_left_out() {
    const ALL: usize = 605;
    let desk = Desk::with(|config| config.rates.author_per_hour = 0).await.told().await;
    let me = account(Uuid::from_u128(7));
    let submit = |_| desk.submit_as(&me, a_submission_of(a_message_by("Wang", "13800001111")));
    let answers = futures::future::join_all((0..ALL).map(submit)).await;
    let mut written: Vec<String> =
        answers.into_iter().map(|it| it.unwrap().receipt.unwrap().message_id).collect();
    let manager = caller("admin", &["author:manage"]);
    for (who, by) in [(&me, By::OwnAccount(true)), (&manager, By::Phone("13800001111".to_owned()))]
    {
        let (mut page_token, mut found, mut sizes) = (String::new(), Vec::new(), Vec::new());
        loop {
            let request = ExportAuthorDataRequest {
                author: Some(AuthorSelector { by: Some(by.clone()) }),
                purpose: "asked by letter 7".to_owned(),
                page_token,
            };
            let answer = desk.grpc.export_author_data(as_caller(who, request)).await.unwrap();
            let answer = answer.into_inner();
            let document: Value = serde_json::from_slice(&answer.document).unwrap();
            assert_eq!(document["complete"], answer.next_page_token.is_empty());
            let messages = document["messages"].as_array().unwrap();
            sizes.push(messages.len());
            found.extend(messages.iter().map(|it| it["message_id"].as_str().unwrap().to_owned()));
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(sizes, [300, 300, 5]);
        found.sort();
        written.sort();
        assert_eq!(found, written);
    }
    // A token goes on with those whose it is, and with nobody else's.
    let request = ExportAuthorDataRequest {
        author: Some(AuthorSelector { by: Some(By::OwnAccount(true)) }),
        ..ExportAuthorDataRequest::default()
    };
    let answer = desk.grpc.export_author_data(as_caller(&me, request.clone())).await.unwrap();
    let page_token = answer.into_inner().next_page_token;
    let other = account(Uuid::from_u128(8));
    let request = ExportAuthorDataRequest { page_token, ..request };
    let refused = desk.grpc.export_author_data(as_caller(&other, request)).await.unwrap_err();
    assert_eq!(violations(&refused), [("page_token".to_owned(), "PAGE_TOKEN_INVALID".to_owned())]);
}

#[tokio::test]
async fn nobody_gets_what_is_held_on_others() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    let other = author_of(Uuid::from_u128(1));
    let refused = export(&desk, &other, By::MessageId(id.to_string()), "");
    assert_eq!(reason(&refused.await.unwrap_err()), "OTHER_MESSAGE");
    let me = account(Uuid::from_u128(7));
    let nothing = export(&desk, &me, By::OwnAccount(true), "").await.unwrap();
    assert!(nothing["messages"].as_array().unwrap().is_empty());
    let by = By::Phone("13800001111".to_owned());
    let refused = export(&desk, &me, by, "because").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "SCOPE_MISSING")
    );
}
