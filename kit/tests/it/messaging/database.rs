//! The one way to write, and the defect of sqlx that it shuts out.

use std::{
    future::Future as _,
    task::{Context, Poll, Waker},
    time::Duration,
};

use liuyan_kit::{db::Db, testing};
use sqlx::Row as _;

use super::helpers::{LIMIT, count, database, execute};

fn write(db: &Db) -> impl Future<Output = Result<(), sqlx::Error>> + use<> {
    let db = db.clone();
    async move {
        db.write(|tx| {
            Box::pin(async move {
                sqlx::raw_sql("insert into effects (version) values (1)").execute(&mut *tx).await?;
                sqlx::raw_sql("insert into effects (version) values (1)").execute(tx).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Whoever waits for a write may hang up at any moment. The write is then done or not done as a
/// whole, and no connection goes back to the pool inside an open transaction, where later writes
/// would say `Ok` and vanish.
#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_at_any_await_neither_loses_nor_corrupts() {
    let db = database().await;
    let mut begun = 0;
    for round in 0..40_u32 {
        let polls = round % 12;
        begun += i64::from(polls > 0);
        let mut abandoned = Box::pin(write(&db));
        for _ in 0..polls {
            if let Poll::Ready(result) =
                abandoned.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                result.unwrap();
                break;
            }
            tokio::time::sleep(Duration::from_micros(u64::from(round) * 20)).await;
        }
        drop(abandoned);
    }
    // Two rows each: what was begun goes on to its end, and none is half done.
    let before = 2 * begun;
    testing::eventually("the abandoned writes came to their ends", LIMIT, || async {
        (count(&db, "select count(*) from effects").await == before).then_some(())
    })
    .await;
    testing::eventually("no transaction is left open", LIMIT, || async {
        let open = "select count(*) from pg_stat_activity
                    where datname = current_database() and state like 'idle in transaction%'";
        let active = "select count(*) from pg_stat_activity
                      where datname = current_database() and state = 'active'
                        and pid <> pg_backend_pid()";
        (count(&db, open).await == 0 && count(&db, active).await == 0).then_some(())
    })
    .await;
    // Every connection of the pool is clean: what says Ok is there for others to see.
    for _ in 0..30 {
        write(&db).await.unwrap();
    }
    assert_eq!(count(&db, "select count(*) from effects").await, before + 60);
}

/// The other half of the defence: even a connection that comes back inside a transaction is clean
/// when it is taken next.
#[tokio::test]
async fn a_connection_that_comes_back_in_a_transaction_is_rolled_back() {
    let db = database().await;
    for _ in 0..20 {
        let mut connection = db.read().await.unwrap();
        sqlx::raw_sql("begin; insert into effects (version) values (7)")
            .execute(&mut *connection)
            .await
            .unwrap();
        drop(connection);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..20 {
        let mut connection = db.read().await.unwrap();
        let row = sqlx::raw_sql("select now() = statement_timestamp()")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert!(row.get::<bool, _>(0), "a transaction was still open");
    }
    assert_eq!(count(&db, "select count(*) from effects").await, 0);
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing() {
    let db = database().await;
    // Once it is Postgres who says no, and once the work itself.
    for statement in ["select 1 / 0", "select 1"] {
        let failed: Result<(), sqlx::Error> = db
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::raw_sql("insert into effects (version) values (1)")
                        .execute(&mut *tx)
                        .await?;
                    sqlx::raw_sql(statement).execute(tx).await?;
                    Err(sqlx::Error::RowNotFound)
                })
            })
            .await;
        assert!(failed.is_err());
    }
    assert_eq!(count(&db, "select count(*) from effects").await, 0);
}

#[tokio::test]
async fn a_database_that_is_behind_is_refused_and_a_newer_one_is_not() {
    let db = database().await;
    db.check_migrated(None).await.unwrap();
    execute(
        &db,
        "insert into messaging._sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'of a newer release', true, '\\x00', 0)",
    )
    .await;
    db.migrate(None).await.unwrap();
    db.check_migrated(None).await.unwrap();
    execute(&db, "delete from messaging._sqlx_migrations where version = 1").await;
    let refusal = db.check_migrated(None).await.unwrap_err();
    assert_eq!(refusal.to_string(), "the database lacks migration 1; run `migrate` first");
}

/// An older program runs while a newer one migrates: a statement that was prepared for a table as it was then
/// is refused for as long as its connection lives.
#[tokio::test]
async fn a_table_that_grows_breaks_nothing_once_connections_are_renewed() {
    let db = database().await;
    let all = async || {
        let mut connection = db.read().await.unwrap();
        let rows = sqlx::query_as::<_, (i64,)>("select * from effects");
        rows.fetch_all(&mut *connection).await.map(|_| ())
    };
    all().await.unwrap();
    execute(&db, "alter table effects add column of_a_newer_release text").await;
    let mut refused = 0;
    for _ in 0..20 {
        refused += u32::from(all().await.is_err());
    }
    assert!(refused > 0, "this is what is to be mended");
    db.renew_connections();
    for _ in 0..20 {
        all().await.unwrap();
    }
}
