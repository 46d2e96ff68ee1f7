//! A row that gets lost shows in the rows that are left. The queries here are those by which
//! `liuyan verify` finds it inside this database.

use liuyan_intake::audit::audit;
use liuyan_proto::liuyan::{
    intake::v1::{
        Column, NewMessage, ResubmitMessageRequest, WithdrawMessageRequest,
        intake_service_server::IntakeService as _,
    },
    moderation::v1::MessageReturned,
};
use sqlx::Connection as _;
use uuid::Uuid;

use crate::{
    columns::{a_column, create},
    files,
    helpers::{
        Desk, a_message, a_message_by, a_submission_of, agency, as_caller, author_of, caller,
        request_id,
    },
};

/// Each counts what is missing.
const CHECKS: &[(&str, &str)] = &[
    (
        "every revision of every message has its text, and every text its message",
        "select count(*) from (select message_id, generate_series(1, revision) as revision from messages) implied
         full join texts using (message_id, revision)
         left join messages using (message_id)
         where texts.message_id is null or messages.message_id is null",
    ),
    (
        "messages and receipts are the same",
        "select count(*) from messages full join receipts using (message_id)
         where messages.message_id is null or receipts.message_id is null",
    ),
    (
        "messages with a remark and remarks are the same",
        "select count(*) from (select message_id from messages where has_remark) implied
         full join remarks using (message_id)
         where implied.message_id is null or remarks.message_id is null",
    ),
    (
        "authors have as many messages as they count, and messages have their author",
        "select count(*) from (select author_id, count(*) as found from messages where author_id is not null group by author_id) found
         full join authors using (author_id)
         where found.found is distinct from authors.messages",
    ),
    (
        "messages that are not pruned have as many requests as they count",
        "select count(*) from messages cross join pruning
         left join (select message_id, count(*) as found from requests group by message_id) found using (message_id)
         where (last_request_at >= pruned_before or occurred_at is not null)
           and found.found is distinct from messages.requests",
    ),
    (
        "requests have their message",
        "select count(*) from requests left join messages using (message_id) where messages.message_id is null",
    ),
    (
        "what was said of a message is what happened to it",
        "select count(*) from (
             select message_id as subject_id, revision + (withdrawal_requested_at is not null)::int
                  + (erased_at is not null)::int as said
             from messages
             union all select subject_id, version from columns
         ) implied full join messaging.subjects using (subject_id)
         where subjects.version is distinct from said",
    ),
    (
        "what was said is in the outbox",
        "select count(*) from messaging.subjects
         left join (select subject_id, count(*) as found from messaging.outbox group by subject_id) found using (subject_id)
         where found.found is distinct from subjects.version",
    ),
    ("the moment of pruning is known", "select 1 - count(*) from pruning"),
    ("both code lists are known", "select 2 - count(*) from code_lists"),
    (
        "the offices of all messages are known, and each office was heard of",
        "select count(*) from (select distinct office_id from messages) used
         left join offices using (office_id) where offices.office_id is null",
    ),
];

async fn breaches(desk: &Desk, connection: &mut sqlx::PgConnection) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (name, query) in CHECKS.iter().chain(liuyan_intake::CHECKS) {
        let missing: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(*query))
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        if missing != 0 {
            found.push(*name);
        }
    }
    let report = audit(connection, &desk.public_keys(), desk.now()).await;
    if report.is_ok_and(|report| report.breaches.is_empty()) {
        return found;
    }
    found.push("receipts and log fit");
    found
}

/// Messages in every situation.
async fn a_full_desk() -> Desk {
    let desk = Desk::open().await;
    for phone in ["13800001111", "13800001111", "13900002222", ""] {
        let message =
            NewMessage { remark: "Please ring twice".to_owned(), ..a_message_by("Wang", phone) };
        desk.submit(a_submission_of(message)).await.unwrap();
    }
    let (client, token) = files::uploader(&desk).await;
    let used = files::upload(&client, &token, &files::samples::jpeg(9, 9)).await.unwrap();
    files::upload(&client, &token, &files::samples::jpeg(9, 9)).await.unwrap();
    desk.submit(a_submission_of(files::a_message_with(&token, &[&used]))).await.unwrap();
    let id = desk.submitted().await;
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
        title: "A lamp is still out".to_owned(),
        body: "It has been out for two weeks now.".to_owned(),
        ..ResubmitMessageRequest::default()
    };
    desk.grpc.resubmit_message(as_caller(&author_of(id), mended)).await.unwrap();
    let old: Uuid = desk.submitted().await;
    desk.clock.advance(jiff::SignedDuration::from_hours(24 * 31));
    desk.app.prune_requests().await.unwrap();
    desk.submitted().await;
    create(&desk, a_column()).await.unwrap();
    let spare =
        Column { column_id: "spare".to_owned(), agency_id: "nobody".to_owned(), ..a_column() };
    create(&desk, spare).await.unwrap();
    for _ in 0..2 {
        desk.submit_as(&agency("province"), a_submission_of(a_message())).await.unwrap();
    }
    let hotline = caller("hotline", &["message:on_behalf"]);
    let entry = NewMessage { operator: "17".to_owned(), ..a_message() };
    desk.submit_as(&hotline, a_submission_of(entry)).await.unwrap();
    desk.hear_list("kinds", 9, &["enquiry", "suggestion"]).await;
    let asked = Uuid::from_u128(7);
    crate::consultations::hear(&desk, asked, true).await;
    let suggestion = crate::consultations::a_suggestion(asked);
    desk.submit(a_submission_of(suggestion)).await.unwrap();
    let withdrawal =
        WithdrawMessageRequest { message_id: old.to_string(), request_id: request_id() };
    desk.grpc.withdraw_message(as_caller(&author_of(old), withdrawal)).await.unwrap();
    crate::erasing::erase(&desk, &author_of(id), id, true).await.unwrap();
    desk.sequence().await;
    desk.submitted().await;
    desk.sequence().await;
    desk.submitted().await;
    desk
}

#[tokio::test]
async fn any_lost_row_shows() {
    let desk = a_full_desk().await;
    let mut connection = desk.db.read().await.unwrap();
    assert_eq!(breaches(&desk, &mut connection).await, Vec::<&str>::new());
    for table in [
        "messages",
        "texts",
        "remarks",
        "receipts",
        "authors",
        "requests",
        "pruning",
        "erasure_requests",
        "audit",
        "audit_head",
        "rewrapping",
        "code_lists",
        "columns",
        "column_messages",
        "column_requests",
        "consultations",
        "hotline_entries",
        "attachments",
        "attachment_count",
        "log_batches",
        "log_leaves",
        "log_tiles",
        "log_heads",
        "log_head",
        "messaging.subjects",
        "messaging.outbox",
    ] {
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select ctid::text from {table}")))
                .fetch_all(&mut *connection)
                .await
                .unwrap();
        assert!(!rows.is_empty(), "{table} is empty");
        for row in rows {
            let mut tx = connection.begin().await.unwrap();
            let lost = format!("delete from {table} where ctid = '{row}'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(lost)).execute(&mut *tx).await.unwrap();
            assert_ne!(
                breaches(&desk, &mut tx).await,
                Vec::<&str>::new(),
                "{table} {row} is not missed"
            );
            tx.rollback().await.unwrap();
        }
    }
}
