//! What is lost behind the service's back is noticed from other rows.

use crate::helpers::{bench, breaches, declined, message, replied, submitted};

/// Ends a transaction without effect, with what was found inside.
enum Undone {
    Found(Vec<String>),
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Undone {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

#[tokio::test]
async fn the_loss_of_any_row_of_any_table_is_noticed() {
    let bench = bench().await;
    bench.directory().await;
    let id = bench.a_case(1, "350102-s").await;
    bench.say_case(id, &replied(bench.case_at(id, "350102-s"))).await;
    bench.say(message(2), &submitted(message(2))).await;
    bench.say(message(2), &declined(message(2), "abuse")).await;
    bench.count().await;
    let mut connection = bench.db.read().await.unwrap();
    assert_eq!(breaches(&mut connection).await, Vec::<String>::new());

    let tables: Vec<String> = sqlx::query_scalar(
        "select schemaname || '.' || tablename from pg_tables
         where schemaname = 'public' and tablename not like '\\_sqlx%' and tablename <> 'pending'
            or schemaname = 'messaging' and tablename in ('subjects', 'positions')",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    assert_eq!(tables.len(), 11);
    for table in tables {
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select ctid::text from {table}")))
                .fetch_all(&mut *connection)
                .await
                .unwrap();
        assert!(!rows.is_empty(), "{table} has rows in this test");
        for row in rows {
            let loss = format!("delete from {table} where ctid = '{row}'");
            let told = loss.clone();
            let undone = bench
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        sqlx::Executor::execute(&mut *tx, sqlx::AssertSqlSafe(loss)).await?;
                        Err::<(), _>(Undone::Found(breaches(tx).await))
                    })
                })
                .await;
            match undone {
                Err(Undone::Found(failed)) => assert!(!failed.is_empty(), "{told}"),
                Err(Undone::Failed(error)) => panic!("{told}: {error}"),
                Ok(()) => unreachable!("it was undone"),
            }
        }
    }
}

#[tokio::test]
async fn a_message_that_is_forgotten_before_it_is_counted_is_noticed() {
    let bench = bench().await;
    bench.a_case(1, "350102-s").await;
    bench.meddle("delete from pending").await;
    let mut connection = bench.db.read().await.unwrap();
    let found = breaches(&mut connection).await;
    assert!(found.iter().any(|it| it.contains("counted or waits")), "{found:?}");
}
