//! Owner and app apart, as `deploy/postgres/roles.sql` makes them: the owner migrates, the app only reads and writes rows.

use std::path::Path;

use jiff::SignedDuration;
use liuyan_kit::{
    db::{Db, Limits},
    messaging::outbox,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use url::Url;

use super::helpers::{count, event, now, say, subject};

/// Runs a file of psql's as psql would, with its variable `service`.
async fn run(connection: &mut PgConnection, file: &str, service: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/postgres").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("--"))
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .replace(":'service'", &format!("'{service}'"));
    for part in text.split_inclusive([';']).flat_map(|part| part.split_inclusive("\\gexec")) {
        let part = part.trim();
        if let Some(asks) = part.strip_suffix("\\gexec") {
            let rows = sqlx::raw_sql(AssertSqlSafe(asks.to_owned()));
            for row in rows.fetch_all(&mut *connection).await.unwrap() {
                let made: String = row.get(0);
                sqlx::raw_sql(AssertSqlSafe(made)).execute(&mut *connection).await.unwrap();
            }
        } else if !part.is_empty() {
            sqlx::raw_sql(AssertSqlSafe(part.to_owned())).execute(&mut *connection).await.unwrap();
        }
    }
}

async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(|_| ())
}

/// A database whose owner has migrated it, and the app's connections to it.
async fn apart(service: &str) -> (PgConnection, Db) {
    let postgres = liuyan_local::testing::shared().await.postgres_url();
    let mut superuser = PgConnection::connect(postgres).await.unwrap();
    let make = "template template0 locale 'C.UTF-8' encoding 'UTF8'";
    execute(&mut superuser, format!("create database {service} {make}")).await.unwrap();
    let mut url = Url::parse(postgres).unwrap();
    url.set_path(service);
    let mut superuser = PgConnection::connect(url.as_str()).await.unwrap();
    run(&mut superuser, "roles.sql", service).await;
    let mut connect = async |role: String| {
        execute(&mut superuser, format!("alter role {role} password 'word'")).await.unwrap();
        url.set_username(&role).unwrap();
        url.set_password(Some("word")).unwrap();
        let limits = Limits { connections: 4, ..Limits::default() };
        Db::connect(url.as_str(), "test", &limits).await.unwrap()
    };
    let owner = connect(format!("{service}_owner")).await;
    owner.migrate(None).await.unwrap();
    let app = connect(service.to_owned()).await;
    (superuser, app)
}

#[tokio::test]
async fn the_app_makes_and_drops_days_of_the_outbox_without_the_right_to_make_a_table() {
    let service = format!("apart_{}", std::process::id());
    let (mut superuser, app) = apart(&service).await;
    app.check_migrated(None).await.unwrap();
    let days = "select count(*) from pg_inherits where inhparent = 'messaging.outbox'::regclass";
    let before = count(&app, days).await;
    let later = now() + SignedDuration::from_hours(24 * 30);
    let made = app
        .write(move |tx| Box::pin(async move { outbox::make_partitions(tx, later).await }))
        .await
        .unwrap();
    assert_eq!((made, count(&app, days).await), (9, before + 9));
    say(&app, subject(), &["a"]).await;
    app.write(move |tx| {
        Box::pin(async move { outbox::publish(tx, later, subject(), &event("b")).await })
    })
    .await
    .unwrap();
    assert_eq!(count(&app, "select count(*) from messaging.outbox_default").await, 0);
    let dropped = "select messaging.let_go((now() + interval '33 days')::date, 0)::int::bigint";
    assert_eq!(count(&app, dropped).await, 1);
    let back = "select messaging.begin_return((now() + interval '33 days')::date)::text,
                       messaging.end_return((now() + interval '33 days')::date)::text, 1::bigint";
    let mut connection = app.read().await.unwrap();
    sqlx::raw_sql(back).fetch_one(&mut *connection).await.unwrap();
    assert_eq!(count(&app, days).await, before + 9);

    for forbidden in [
        "create table messaging.mine (id int)",
        "create table public.mine (id int)",
        "drop table messaging.outbox_default",
        "alter table messaging.outbox add column mine int",
        "truncate messaging.outbox",
    ] {
        let refused = sqlx::raw_sql(forbidden).execute(&mut *connection).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}: {refused}");
    }
    drop(connection);
    app.close().await;

    // Nor may somebody else of this server, who would act with the owner's rights.
    execute(&mut superuser, format!("create role {service}_stranger")).await.unwrap();
    execute(&mut superuser, format!("set role {service}_stranger")).await.unwrap();
    let call = "select messaging.make_partitions(current_date + 90, 1)".to_owned();
    execute(&mut superuser, call).await.unwrap_err();
}

/// Boards of an older release gave the outbox to the app; `after.sql` takes it back, and the owner can do the same
/// as before.
#[tokio::test]
async fn an_outbox_that_the_app_owned_is_given_back_to_the_owner() {
    let service = format!("given_{}", std::process::id());
    let (mut superuser, app) = apart(&service).await;
    let owned = format!(
        "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace
         where nspname = 'messaging' and pg_get_userbyid(relowner) = '{service}'"
    );
    for statement in [
        format!("grant {service} to {service}_owner"),
        format!("grant create on schema messaging to {service}"),
        format!("alter table messaging.outbox owner to {service}"),
        format!("alter table messaging.outbox_default owner to {service}"),
    ] {
        execute(&mut superuser, statement).await.unwrap();
    }
    assert!(count(&app, &owned).await >= 2);
    let make = "select messaging.make_partitions(current_date + 60, 1)::bigint";
    assert_eq!(count(&app, make).await, 1, "a service works before and after");
    run(&mut superuser, "after.sql", &service).await;
    assert_eq!(count(&app, &owned).await, 0);
    let make = "select messaging.make_partitions(current_date + 61, 1)::bigint";
    assert_eq!(count(&app, make).await, 1);
    say(&app, subject(), &["a"]).await;
    let mut connection = app.read().await.unwrap();
    let forbidden = sqlx::raw_sql("create table messaging.mine (id int)");
    forbidden.execute(&mut *connection).await.unwrap_err();
}
