//! Erased means erased.

use liuyan_intake::domain::state::State;
use liuyan_kit::{auth::Caller, testing::said};
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome},
    intake::v1::{
        AuthorSelector, BatchGetTextRequest, EraseAuthorDataRequest, EraseAuthorDataResponse,
        GetMessageRequest, GetReceiptRequest, MessageErased, MessageState, NewMessage, Place,
        ResubmitMessageRequest, WithdrawMessageRequest, WithdrawalRequested, author_selector::By,
        intake_service_server::IntakeService as _,
    },
    moderation::v1::{MessageApproved, MessageDeclined, MessageReturned},
    routing::v1::{CaseClosed, CaseOpened},
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::helpers::{
    Desk, a_case, a_message_by, a_submission_of, account, as_caller, author_of, caller, count,
    reason, request_id, violations,
};

const PHONE: &str = "13800001111";
const NAME: &str = "Canary Name";
const WORDS: [&str; 5] =
    ["canary title", "canary body of a message", "canary remark", "canary place", NAME];

pub(crate) async fn erase(
    desk: &Desk,
    who: &Caller,
    message_id: Uuid,
    messages_too: bool,
) -> Result<EraseAuthorDataResponse, Status> {
    ask(desk, who, By::MessageId(message_id.to_string()), messages_too, "").await
}

async fn ask(
    desk: &Desk,
    who: &Caller,
    by: By,
    messages_too: bool,
    purpose: &str,
) -> Result<EraseAuthorDataResponse, Status> {
    let request = EraseAuthorDataRequest {
        author: Some(AuthorSelector { by: Some(by) }),
        request_id: request_id(),
        messages_too,
        purpose: purpose.to_owned(),
    };
    Ok(desk.grpc.erase_author_data(as_caller(who, request)).await?.into_inner())
}

/// A message that has something everywhere.
fn a_full_message() -> NewMessage {
    NewMessage {
        title: WORDS[0].to_owned(),
        body: WORDS[1].to_owned(),
        remark: WORDS[2].to_owned(),
        place: Some(Place { text: WORDS[3].to_owned(), ..Place::default() }),
        ..a_message_by(NAME, PHONE)
    }
}

async fn submitted(desk: &Desk, who: &Caller) -> Uuid {
    let answer = desk.submit_as(who, a_submission_of(a_full_message())).await.unwrap();
    answer.receipt.unwrap().message_id.parse().unwrap()
}

fn nobody() -> Caller {
    crate::helpers::anonymous()
}

/// Rows of any table that hold any of the words, or the phone, as text or as bytes.
async fn found(desk: &Desk) -> Vec<String> {
    let mut connection = desk.db.read().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select schemaname || '.' || tablename from pg_tables
         where schemaname in ('public', 'messaging')",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut found = Vec::new();
    for table in tables {
        for word in WORDS.iter().chain([&PHONE]) {
            let query = format!(
                "select it::text from {table} as it
                 where it::text like '%' || $1 || '%'
                    or it::text like '%' || encode(convert_to($1, 'UTF8'), 'hex') || '%'"
            );
            let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
                .bind(word)
                .fetch_all(&mut *connection)
                .await
                .unwrap();
            found.extend(rows.into_iter().map(|row| format!("{table}: {word}: {row}")));
        }
    }
    found
}

async fn checks_hold(desk: &Desk) {
    for (name, check) in liuyan_intake::CHECKS {
        assert_eq!(count(&desk.db, check).await, 0, "{name}");
    }
}

#[tokio::test]
async fn name_and_phone_go_alone_or_with_the_message() {
    let desk = Desk::open().await;
    let id = submitted(&desk, &nobody()).await;
    let me = author_of(id);
    let answer = erase(&desk, &me, id, false).await.unwrap();
    assert_eq!(answer, EraseAuthorDataResponse { contacts: 1, messages: 0 });
    assert_eq!(count(&desk.db, "select count(*) from authors").await, 0);
    assert!(said::<MessageErased>(&desk.db).await.is_empty());
    assert_eq!(count(&desk.db, "select count(*) from texts where body <> ''").await, 1);

    let answer = erase(&desk, &me, id, true).await.unwrap();
    assert_eq!(answer, EraseAuthorDataResponse { contacts: 0, messages: 1 });
    assert_eq!(found(&desk).await, Vec::<String>::new());
    assert_eq!(said::<MessageErased>(&desk.db).await.len(), 1);
    let wanted = GetMessageRequest { message_id: id.to_string() };
    let message = desk.grpc.get_message(as_caller(&me, wanted)).await.unwrap().into_inner();
    let message = message.message.unwrap();
    assert_eq!((message.state(), message.text.unwrap().title.as_str()), (MessageState::Erased, ""));
    let wanted = GetReceiptRequest { message_id: id.to_string() };
    let receipt = desk.grpc.get_receipt(as_caller(&me, wanted)).await.unwrap().into_inner();
    assert!(receipt.receipt.unwrap().salt.is_empty(), "nobody finds the text by trying");
    let wanted = BatchGetTextRequest {
        message_ids: vec![id.to_string()],
        purpose: "a test".to_owned(),
        revisions: vec![],
    };
    let reader = caller("moderation", &["text:read"]);
    let texts = desk.grpc.batch_get_text(as_caller(&reader, wanted)).await.unwrap().into_inner();
    assert!(texts.texts.is_empty());
    checks_hold(&desk).await;
}

#[tokio::test]
async fn it_is_erased_wherever_it_stands_and_no_verdict_brings_it_back() {
    for state in State::ALL {
        let desk = Desk::open().await;
        let id = submitted(&desk, &nobody()).await;
        let (me, case_id) = (author_of(id), Uuid::from_u128(1));
        match state {
            State::InReview => {}
            State::Approved => {
                let approved = MessageApproved {
                    message_id: id.to_string(),
                    revision: 1,
                    ..MessageApproved::default()
                };
                desk.hear(id, approved).await.unwrap();
                let case = Some(a_case(case_id, id));
                desk.hear(case_id, CaseOpened { case, ..CaseOpened::default() }).await.unwrap();
            }
            State::Returned => {
                let returned = MessageReturned {
                    message_id: id.to_string(),
                    ground: "abuse".to_owned(),
                    revision: 1,
                    returned_at: None,
                };
                desk.hear(id, returned).await.unwrap();
                let mended = ResubmitMessageRequest {
                    message_id: id.to_string(),
                    request_id: request_id(),
                    title: "canary title again".to_owned(),
                    body: "canary body of a message again".to_owned(),
                    ..ResubmitMessageRequest::default()
                };
                desk.grpc.resubmit_message(as_caller(&me, mended)).await.unwrap();
            }
            State::Declined => {
                let declined = MessageDeclined {
                    message_id: id.to_string(),
                    ground: "abuse".to_owned(),
                    declined_at: None,
                };
                desk.hear(id, declined).await.unwrap();
            }
            State::Withdrawn => {
                let wish =
                    WithdrawMessageRequest { message_id: id.to_string(), request_id: request_id() };
                desk.grpc.withdraw_message(as_caller(&me, wish)).await.unwrap();
            }
            State::Erased => {
                erase(&desk, &me, id, true).await.unwrap();
            }
        }
        erase(&desk, &me, id, true).await.unwrap();
        assert_eq!(found(&desk).await, Vec::<String>::new(), "{state:?}");
        assert_eq!(said::<MessageErased>(&desk.db).await.len(), 1, "{state:?}");
        let wishes = usize::from(state != State::Declined);
        assert_eq!(said::<WithdrawalRequested>(&desk.db).await.len(), wishes, "{state:?}");
        // What comes late.
        let approved = MessageApproved {
            message_id: id.to_string(),
            revision: 1,
            ..MessageApproved::default()
        };
        desk.hear(id, approved).await.unwrap();
        let case = liuyan_proto::liuyan::routing::v1::CaseRef {
            state: CaseState::Closed.into(),
            ..a_case(case_id, id)
        };
        let outcome = Outcome::Withdrawn.into();
        desk.hear(case_id, CaseClosed { case: Some(case), outcome }).await.unwrap();
        let erased = "select count(*) from messages where state = 'erased'";
        assert_eq!(count(&desk.db, erased).await, 1, "{state:?}");
        checks_hold(&desk).await;
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_another_one_under_its_id_is_refused() {
    let desk = Desk::open().await;
    let id = submitted(&desk, &nobody()).await;
    let request = EraseAuthorDataRequest {
        author: Some(AuthorSelector { by: Some(By::MessageId(id.to_string())) }),
        request_id: request_id(),
        messages_too: true,
        purpose: String::new(),
    };
    let me = author_of(id);
    let one = desk.grpc.erase_author_data(as_caller(&me, request.clone())).await.unwrap();
    let other = desk.grpc.erase_author_data(as_caller(&me, request.clone())).await.unwrap();
    assert_eq!(one.into_inner(), other.into_inner());
    let another = EraseAuthorDataRequest { messages_too: false, ..request };
    let refused = desk.grpc.erase_author_data(as_caller(&me, another)).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    let wish = WithdrawMessageRequest { message_id: id.to_string(), request_id: request_id() };
    let refused = desk.grpc.withdraw_message(as_caller(&me, wish)).await.unwrap_err();
    assert_eq!(reason(&refused), "MESSAGE_ERASED");
}

#[tokio::test]
async fn an_account_erases_its_messages_and_a_phone_is_for_those_who_manage_authors() {
    let desk = Desk::open().await;
    let me = account(Uuid::from_u128(7));
    submitted(&desk, &me).await;
    submitted(&desk, &me).await;
    let other = submitted(&desk, &nobody()).await;
    let answer = ask(&desk, &me, By::OwnAccount(true), true, "").await.unwrap();
    assert_eq!((answer.contacts, answer.messages), (2, 2));
    assert_eq!(count(&desk.db, "select messages::bigint from authors").await, 1);

    // The key of an author goes with the last of their messages.
    let manager = caller("admin", &["author:manage"]);
    let by = || By::Phone("1３８ 0000-1111".to_owned());
    let refused = ask(&desk, &manager, by(), true, "").await.unwrap_err();
    assert_eq!(violations(&refused), [("purpose".to_owned(), "FIELD_REQUIRED".to_owned())]);
    let refused = ask(&desk, &me, by(), true, "because").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "SCOPE_MISSING")
    );
    let answer = ask(&desk, &manager, by(), true, "asked by letter").await.unwrap();
    assert_eq!((answer.contacts, answer.messages), (1, 1));
    assert_eq!(count(&desk.db, "select count(*) from authors").await, 0);
    assert_eq!(found(&desk).await, Vec::<String>::new());
    for (who, by) in [
        (&manager, By::MessageId(other.to_string())),
        (&author_of(Uuid::from_u128(1)), By::MessageId(other.to_string())),
        (&manager, By::OwnAccount(true)),
    ] {
        let refused = ask(&desk, who, by, true, "because").await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    checks_hold(&desk).await;
}

#[tokio::test]
async fn what_a_restored_backup_brings_back_is_erased_again() {
    let desk = Desk::open().await;
    let id = submitted(&desk, &nobody()).await;
    let contact_only = submitted(&desk, &nobody()).await;
    // What the backup holds.
    let mut connection = desk.db.read().await.unwrap();
    for table in ["messages", "authors", "texts", "remarks", "receipts"] {
        let copy = format!("create table backup_{table} as table {table}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(&mut *connection).await.unwrap();
    }
    erase(&desk, &author_of(id), id, true).await.unwrap();
    erase(&desk, &author_of(contact_only), contact_only, false).await.unwrap();
    for table in ["messages", "authors", "texts", "remarks", "receipts"] {
        let restore = format!(
            "truncate {table}; insert into {table} table backup_{table}; drop table backup_{table}"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(restore)).execute(&mut *connection).await.unwrap();
    }
    drop(connection);
    assert!(!found(&desk).await.is_empty());
    assert_eq!(desk.app.replay_erasures().await.unwrap(), 2);
    assert_eq!(count(&desk.db, "select count(*) from authors").await, 0);
    let texts = "select count(*) from texts where body <> ''";
    assert_eq!(count(&desk.db, texts).await, 1, "of that message only name and phone were to go");
    assert_eq!(desk.app.replay_erasures().await.unwrap(), 0);
}

#[tokio::test]
async fn a_request_whose_message_was_erased_is_not_answered_as_if_it_were_there() {
    let desk = Desk::open().await;
    let request = a_submission_of(a_full_message());
    let answer = desk.submit(request.clone()).await.unwrap();
    let id: Uuid = answer.receipt.unwrap().message_id.parse().unwrap();
    erase(&desk, &author_of(id), id, true).await.unwrap();
    let refused = desk.submit(request.clone()).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::AlreadyExists, "SUBMISSION_ERASED")
    );
    let anew = liuyan_proto::liuyan::intake::v1::SubmitMessageRequest {
        request_id: request_id(),
        ..request
    };
    desk.submit(anew).await.unwrap();
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 2);
}
