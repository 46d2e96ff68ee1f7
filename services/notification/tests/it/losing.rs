//! A row that is lost behind the service's back is noticed from other rows.

use jiff::SignedDuration;
use liuyan_proto::liuyan::notification::v1::{
    self as proto, DeliveryState, subscription_service_server::SubscriptionService as _,
};

use crate::{
    bench::{agency, bench_with, breaches, by, clerk, fresh},
    tellings::{OFFICE, a_matter},
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
    let bench = bench_with(|config| {
        config.sending.retry_seconds = Vec::new();
        config.endpoints.disable_after_days = 1;
    })
    .await;
    bench.office(OFFICE, "").await;
    bench.hooked().await;
    let matter = a_matter();
    bench.peers.reach(matter.account(), "reader@example.org", "en");
    bench.approved(&matter).await;
    bench.submitted(&matter).await;
    bench.opened(&matter).await;
    bench.assigned(&matter).await;
    bench.mail.refuse(&["550 no"]);
    bench.send().await;
    // An event that waits, an account that is gone, a reader, a revival, an endpoint switched off.
    bench.accepted(&a_matter()).await;
    bench.erased(fresh()).await;
    let reader = clerk(fresh(), OFFICE);
    let first = bench.notices(&reader).await.notices[0].notice_id.clone();
    let read = proto::MarkNoticesReadRequest { notice_ids: vec![first] };
    bench.grpc.mark_notices_read(by(&reader, read)).await.unwrap();
    bench.hook.answer(500);
    bench.replied(&matter).await;
    bench.send().await;
    let deliveries = bench.deliveries().await;
    let dead = deliveries.iter().find(|delivery| {
        delivery.state() == DeliveryState::Dead && delivery.last_error == "http 500"
    });
    let request = proto::RedeliverDeliveryRequest {
        delivery_id: dead.unwrap().delivery_id.clone(),
        request_id: fresh().to_string(),
    };
    bench.grpc.redeliver_delivery(by(&agency(), request)).await.unwrap();
    bench.after(SignedDuration::from_hours(24));
    bench.send().await;
    assert_eq!(bench.count("select count(*) from endpoints where state = 'disabled'").await, 1);
    assert!(bench.breaches().await.is_empty());

    let tables: Vec<String> = sqlx::query_scalar(
        "select schemaname || '.' || tablename from pg_tables
         where schemaname = 'public' and tablename not like '\\_sqlx%'
            or schemaname = 'messaging' and tablename in ('subjects', 'positions')",
    )
    .fetch_all(&mut *bench.db.read().await.unwrap())
    .await
    .unwrap();
    assert_eq!(tables.len(), 15);
    let mut unnoticed = Vec::new();
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
                Err(Undone::Found(failed)) if failed.is_empty() => unnoticed.push(told),
                Err(Undone::Found(_)) => {}
                Err(Undone::Failed(error)) => panic!("{told}: {error}"),
                Ok(()) => unreachable!("it was undone"),
            }
        }
    }
    assert_eq!(unnoticed, Vec::<String>::new());
    assert!(bench.breaches().await.is_empty());
}
