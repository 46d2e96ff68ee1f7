//! Many at once: the group commit keeps every promise that a single commit keeps.

use std::sync::Arc;

use futures::future::join_all;
use liuyan_kit::testing::{eventually, said};
use liuyan_proto::liuyan::intake::v1::MessageSubmitted;
use prost::Message as _;
use sqlx::Connection as _;
use std::time::Duration;
use uuid::Uuid;

use crate::helpers::{Desk, a_message_by, a_submission, a_submission_of, count, reason};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_request_id_is_one_message() {
    let desk = Desk::open().await;
    let request = a_submission_of(a_message_by("Wang", "13800001111"));
    let calls = (0..50).map(|_| desk.submit(request.clone()));
    let answers: Vec<Vec<u8>> =
        join_all(calls).await.into_iter().map(|it| it.unwrap().encode_to_vec()).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 1);
    assert_eq!(count(&desk.db, "select messages::bigint from authors").await, 1);
    assert_eq!(said::<MessageSubmitted>(&desk.db).await.len(), 1);
}

/// The first of many is committed by itself, and those that come within the pace share the next commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_comes_together_is_committed_together() {
    let desk = Desk::with(|config| config.writer.pace_ms = 3_000).await.told().await;
    desk.submit(a_submission()).await.unwrap();
    let answers = join_all((0..15).map(|_| desk.submit(a_submission()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(count(&desk.db, "select count(distinct xmin::text) from messages").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_request_id_is_one_message_also_for_two_replicas() {
    let desk = Desk::open().await;
    let other = desk.restarted().await;
    let requests: Vec<_> = (0..40).map(|_| a_submission()).collect();
    let calls = requests.iter().map(|request| async {
        let there =
            liuyan_proto::liuyan::intake::v1::intake_service_server::IntakeService::submit_message(
                &other,
                crate::helpers::as_caller(&crate::helpers::anonymous(), request.clone()),
            );
        let (here, there) = tokio::join!(desk.submit(request.clone()), there);
        assert_eq!(here.unwrap().encode_to_vec(), there.unwrap().into_inner().encode_to_vec());
    });
    join_all(calls).await;
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_bodies_under_one_id_give_one_message() {
    let desk = Desk::open().await;
    let one = a_submission();
    let mut other = one.clone();
    other.message.as_mut().unwrap().title.push('!');
    let calls = (0..20).map(|n| desk.submit(if n % 2 == 0 { one.clone() } else { other.clone() }));
    let (taken, refused): (Vec<_>, Vec<_>) =
        join_all(calls).await.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), refused.len()), (10, 10));
    assert!(refused.iter().all(|it| reason(it.as_ref().unwrap_err()) == "REQUEST_ID_REUSED"));
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reused_id_never_refuses_the_request_that_it_belongs_to() {
    // One writer, so that the batch in which both bodies meet begins with the wrong one.
    let desk = Desk::with(|config| config.writer.tasks = 1).await.told().await;
    let one = a_submission();
    let mut other = one.clone();
    other.message.as_mut().unwrap().title.push('!');
    let first = desk.submit(one.clone()).await.unwrap();
    let calls = (0..20).map(|n| desk.submit(if n < 10 { other.clone() } else { one.clone() }));
    for (n, answer) in join_all(calls).await.into_iter().enumerate() {
        match answer {
            Ok(answer) => assert!(n >= 10 && answer == first, "{n}"),
            Err(status) => assert!(n < 10 && reason(&status) == "REQUEST_ID_REUSED", "{n}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_messages_of_few_authors_are_all_stored() {
    let desk = Desk::with(|config| config.rates.author_per_hour = 0).await.told().await;
    let calls = (0..300).map(|n| {
        let phone = format!("1380000{:04}", n % 7);
        desk.submit(a_submission_of(a_message_by("Wang", &phone)))
    });
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 300);
    assert_eq!(count(&desk.db, "select count(*) from receipts").await, 300);
    assert_eq!(count(&desk.db, "select count(*) from authors").await, 7);
    assert_eq!(count(&desk.db, "select sum(messages) from authors").await, 300);
    assert_eq!(said::<MessageSubmitted>(&desk.db).await.len(), 300);
}

/// Submits while a transaction holds that changes authors, and ends it once the batch waits for it.
async fn submit_while(desk: &Desk, change: &'static str, name: &str) {
    let mut connection = desk.db.read().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    sqlx::raw_sql(change).execute(&mut *tx).await.unwrap();
    let end = async {
        let waits = "select count(*) from pg_stat_activity
                     where datname = current_database() and wait_event_type = 'Lock'";
        eventually("the batch waits", Duration::from_secs(10), || async {
            (count(&desk.db, waits).await > 0).then_some(())
        })
        .await;
        tx.commit().await.unwrap();
    };
    let submission = a_submission_of(a_message_by(name, "13800001111"));
    let (answer, ()) = tokio::join!(desk.submit(submission), end);
    answer.unwrap();
}

/// Authors are looked up before the statement that stores a batch, which must not believe that blindly: the key of
/// one who was erased in between is destroyed, and one who came has a key already.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_author_who_comes_or_goes_while_a_batch_is_stored_is_met() {
    let desk = Desk::open().await;
    desk.submit(a_submission_of(a_message_by("One", "13800001111"))).await.unwrap();
    submit_while(&desk, "create table kept as table authors; delete from authors", "Two").await;
    assert_eq!(
        count(&desk.db, "select count(*) from authors join kept using (author_id)").await,
        0
    );
    assert_eq!(
        count(&desk.db, "select count(*) from authors join kept using (phone_index)").await,
        1
    );

    let back = "delete from authors where author_id not in (select author_id from kept);
                insert into authors select * from kept";
    desk.db
        .write(|tx| Box::pin(async move { sqlx::raw_sql("delete from authors").execute(tx).await }))
        .await
        .unwrap();
    submit_while(&desk, back, "Three").await;
    assert_eq!(count(&desk.db, "select messages::bigint from authors").await, 2);
    let mut connection = desk.db.read().await.unwrap();
    let mine = "select message_id, author_id, wrapped_key, contact
                from messages join authors using (author_id)";
    let rows: Vec<(Uuid, Uuid, Vec<u8>, Vec<u8>)> =
        sqlx::query_as(mine).fetch_all(&mut *connection).await.unwrap();
    let vault = desk.vault();
    let mut names = Vec::new();
    for (message_id, author_id, wrapped, sealed) in rows {
        let key = vault.open_key(author_id, &wrapped).unwrap();
        names.push(vault.open_contact(&key, message_id, &sealed).unwrap().name);
    }
    names.sort();
    assert_eq!(names, ["One", "Three"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_bad_row_never_fails_its_neighbours() {
    let desk = Desk::with(|config| config.writer.tasks = 1).await.told().await;
    // A rule of the database that the code does not know.
    desk.db
        .write(|tx| {
            Box::pin(async move {
                sqlx::raw_sql(
                    "alter table texts add constraint texts_no_poison check (title <> 'poison')",
                )
                .execute(tx)
                .await
            })
        })
        .await
        .unwrap();
    let calls = (0..100).map(|n| {
        let mut request = a_submission();
        if n % 10 == 3 {
            request.message.as_mut().unwrap().title = "poison".to_owned();
        }
        desk.submit(request)
    });
    let answers = join_all(calls).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_err(), n % 10 == 3, "{n}: {answer:?}");
    }
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 90);
    assert_eq!(count(&desk.db, "select count(*) from requests").await, 90);
    assert_eq!(said::<MessageSubmitted>(&desk.db).await.len(), 90);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_who_hangs_up_never_cancels_a_commit() {
    let desk = Arc::new(Desk::open().await);
    for polls in 0..40_u32 {
        let mut call = Box::pin(desk.submit(a_submission()));
        for _ in 0..polls % 8 {
            if futures::poll!(call.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
    }
    // Everything that reached the queue is stored whole, and the pool still writes.
    desk.submit(a_submission()).await.unwrap();
    eventually("all messages have their texts, receipts and events", Duration::from_secs(10), || async {
        let messages = count(&desk.db, "select count(*) from messages").await;
        let whole = count(
            &desk.db,
            "select count(*) from messages join texts using (message_id) join receipts using (message_id)
             join requests using (message_id) join messaging.outbox on subject_id = message_id",
        )
        .await;
        (messages > 1 && messages == whole).then_some(())
    })
    .await;
}
