//! A row that is lost behind the service's back is noticed from other rows.

use liuyan_proto::liuyan::moderation::v1::Passing;

use crate::{
    auditing::work,
    helpers::{CLEAN, HELD, a_message, bench_with, breaches, config, send_back, uphold},
};

/// Ends a transaction without effect, with what was found inside.
enum Undone {
    Found(Vec<&'static str>),
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Undone {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

#[tokio::test]
async fn the_loss_of_any_row_of_any_table_is_noticed() {
    let bench = bench_with(liuyan_moderation::Config { compare_messages: true, ..config() }).await;
    bench.choose("110000-x", Passing::Nobody).await;
    bench.approved(&a_message(CLEAN)).await;
    work(&bench).await;
    let returned = bench.held().await;
    let review = bench.claim("ann", returned).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    let upheld = bench.declined().await;
    bench.appeal(upheld).await.unwrap();
    let review = bench.claim("bob", upheld).await;
    bench.end_appeal("bob", &review, uphold()).await.unwrap();
    let appealed = bench.declined().await;
    bench.appeal(appealed).await.unwrap();
    let withdrawn = bench.held().await;
    bench.withdraw(withdrawn).await;
    bench.submit(&a_message(HELD)).await;
    let tried = crate::rules::tried(&bench, crate::rules::with_term("lamp")).await;
    assert!(!tried.examples.is_empty());
    assert!(bench.breaches().await.is_empty());

    let tables: Vec<String> = sqlx::query_scalar(
        "select schemaname || '.' || tablename from pg_tables
         where schemaname = 'public' and tablename not like '\\_sqlx%'
            or schemaname = 'messaging' and tablename in ('subjects', 'positions')",
    )
    .fetch_all(&mut *bench.db.read().await.unwrap())
    .await
    .unwrap();
    assert_eq!(tables.len(), 20);
    for table in tables {
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select ctid::text from {table}")))
                .fetch_all(&mut *bench.db.read().await.unwrap())
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
    assert!(bench.breaches().await.is_empty());
}
