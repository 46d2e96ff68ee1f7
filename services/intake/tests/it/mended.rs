//! A text that was handed in again is proven as the first one is: it enters the log, a change of it is found, and
//! what is erased is erased in the log, too.

use jiff::SignedDuration;
use liuyan_intake::audit::audit;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::{
    erasing::erase,
    helpers::{Desk, author_of, count},
    wishes::{a_mended_text, resubmit, return_it},
};

/// A message with a second and a third text, all in a signed tree.
async fn mended_twice(desk: &Desk) -> Uuid {
    let id = desk.submitted().await;
    for revision in 1..3 {
        desk.clock.advance(SignedDuration::from_secs(1));
        return_it(desk, id, revision).await;
        resubmit(desk, a_mended_text(id)).await.unwrap();
    }
    desk.sequence().await;
    id
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_later_text_that_is_changed_or_dropped_is_found() {
    let desk = Desk::open().await;
    let id = mended_twice(&desk).await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
    let texts = "select count(*) from log_leaves where kind = 'text'";
    assert_eq!(count(&desk.db, texts).await, 2);
    let mut connection = desk.db.read().await.unwrap();
    for (crime, told) in [
        ("update texts set body = 'Something else.' where revision = 2", "text 2 of message"),
        ("update texts set title = 'Something else' where revision = 3", "text 3 of message"),
        ("update texts set revision = revision + 1 where revision = 3", "text 4 of message"),
        ("delete from texts where revision = 2", "later text of message"),
        (
            "update texts set leaf_hash = null, salt = null where revision = 2",
            "later text of message",
        ),
        ("update texts set salt = null where revision = 2", "without a redaction"),
        (
            "update texts set salt = decode(repeat('00', 32), 'hex') where revision = 2",
            "was changed",
        ),
        (
            "delete from log_leaves where index = (select max(index) from log_leaves where kind = 'text')",
            "is not in the log",
        ),
    ] {
        let mut tx = connection.begin().await.unwrap();
        run(&mut tx, crime).await;
        let breaches = audit(&mut tx, &desk.public_keys(), desk.now()).await.unwrap().breaches;
        assert!(breaches.iter().any(|it| it.contains(told)), "{crime}: {breaches:#?}");
        tx.rollback().await.unwrap();
    }
    drop(connection);
    assert_eq!(count(&desk.db, "select revision::bigint from messages").await, 3);
    erase(&desk, &author_of(id), id, true).await.unwrap();
    desk.sequence().await;
    assert_eq!(count(&desk.db, "select count(*) from texts where salt is not null").await, 0);
    let redactions = "select count(*) from log_leaves where kind = 'redaction'";
    assert_eq!(count(&desk.db, redactions).await, 3);
    assert_eq!(desk.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn texts_from_before_they_were_logged_enter_the_log() {
    const MIGRATION: &str = include_str!("../../migrations/0011_mended_texts.sql");
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    return_it(&desk, id, 1).await;
    resubmit(&desk, a_mended_text(id)).await.unwrap();
    let (_, entering) = MIGRATION.split_once("-- Texts from before enter it first.").unwrap();
    let (entering, _) = entering.split_once("-- A message that came back").unwrap();
    desk.db
        .write(move |tx| {
            Box::pin(async move {
                // As a program of before would have left it.
                let before = "update texts set salt = null, leaf_hash = null;
                              delete from log_batches where kinds[1] = 'text'";
                sqlx::raw_sql(before).execute(&mut *tx).await?;
                sqlx::raw_sql(entering).execute(tx).await
            })
        })
        .await
        .unwrap();
    desk.sequence().await;
    let texts = "select count(*) from log_leaves where kind = 'text'";
    assert_eq!(count(&desk.db, texts).await, 1);
    assert_eq!(desk.audit().await, Vec::<String>::new());
}
