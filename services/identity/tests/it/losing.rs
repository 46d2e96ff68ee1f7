//! A row that is lost behind the service's back is noticed from other rows.

use liuyan_proto::liuyan::identity::v1::{
    self as proto, identity_service_server::IdentityService as _,
};

use crate::helpers::{PASSWORD, an_agency, bench, breaches, by, request_id, tables};

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
    let bench = bench().await;
    bench.citizen("gone").await;
    let gone = bench.session("gone").await;
    let request = proto::EraseAccountRequest { password: PASSWORD.into() };
    bench.grpc.erase_account(bench.with_token(&gone.access_token, request)).await.unwrap();
    bench.citizen("known").await;
    let session = bench.session("known").await;
    bench.refresh(&session.refresh_token).await.unwrap();
    bench.refresh(&session.refresh_token).await.unwrap();
    bench.sign_in("known", "a wrong long password").await.unwrap_err();
    bench.sign_in("nobody", PASSWORD).await.unwrap_err();
    bench.grpc.create_agency(by("boss", an_agency("city-hall"))).await.unwrap();
    let request =
        proto::RotateSecretRequest { client_id: "city-hall".into(), request_id: request_id() };
    bench.grpc.rotate_secret(by("boss", request)).await.unwrap();
    bench.whole().await;

    let tables = tables(&bench.db).await;
    // The outbox is checked by kit.
    let tables: Vec<_> = tables.into_iter().filter(|table| table != "messaging.outbox").collect();
    assert_eq!(tables.len(), 10, "{tables:?}");
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
    bench.whole().await;
}

#[tokio::test]
async fn a_changed_row_of_the_audit_log_is_noticed() {
    let bench = bench().await;
    bench.citizen("known").await;
    bench.session("known").await;
    for change in [
        "update audit set detail = detail || 'x' where sequence = 1",
        "update audit set at = at + interval '1 microsecond' where sequence = 2",
        "update audit set actor = 'identity/somebody' where sequence = 2",
        "update audit set subject = '' where sequence = 2",
    ] {
        let undone = bench
            .db
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::Executor::execute(&mut *tx, change).await?;
                    Err::<(), _>(Undone::Found(breaches(tx).await))
                })
            })
            .await;
        let Err(Undone::Found(failed)) = undone else { panic!("{change}") };
        assert!(
            failed.contains(&"the audit log is one chain without gaps up to its head"),
            "{change}"
        );
    }
}
