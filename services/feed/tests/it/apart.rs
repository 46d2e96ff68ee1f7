//! Owner and app apart, as `deploy/postgres/roles.sql` makes them: the owner migrates, and the feed appends,
//! makes objects of old stretches and lets their rows go as an app that only reads and writes rows.

use std::path::Path;

use liuyan_feed::Feed;
use liuyan_kit::{
    db::{Db, Limits},
    service::Service as _,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::helpers::{Case, house_on};

async fn execute(connection: &mut PgConnection, sql: impl Into<String>) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await.map(|_| ())
}

/// Runs `roles.sql` as psql would, with its variable `service`.
async fn make_roles(connection: &mut PgConnection, service: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/postgres/roles.sql");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("--")).map(|line| format!("{line}\n"));
    let text = lines.collect::<String>().replace(":'service'", &format!("'{service}'"));
    for part in text.split_inclusive(';').flat_map(|part| part.split_inclusive("\\gexec")) {
        let part = part.trim();
        if let Some(asks) = part.strip_suffix("\\gexec") {
            let rows = sqlx::raw_sql(AssertSqlSafe(asks.to_owned()));
            for row in rows.fetch_all(&mut *connection).await.unwrap() {
                execute(connection, row.get::<String, _>(0)).await.unwrap();
            }
        } else if !part.is_empty() {
            execute(connection, part).await.unwrap();
        }
    }
}

/// A database whose owner has migrated it, and the app's connections to it.
async fn apart(service: &str) -> (PgConnection, Db) {
    let postgres = liuyan_local::testing::shared().await.postgres_url();
    let mut superuser = PgConnection::connect(postgres).await.unwrap();
    let make = "template template0 locale 'C.UTF-8' encoding 'UTF8'";
    execute(&mut superuser, format!("create database {service} {make}")).await.unwrap();
    let (_, host) = postgres.split_once('@').unwrap();
    let server = postgres.strip_suffix("/postgres").unwrap();
    let mut superuser = PgConnection::connect(&format!("{server}/{service}")).await.unwrap();
    make_roles(&mut superuser, service).await;
    let mut connect = async |role: String| {
        execute(&mut superuser, format!("alter role {role} password 'word'")).await.unwrap();
        let url =
            format!("postgres://{role}:word@{}", host.replace("/postgres", &format!("/{service}")));
        let limits = Limits { connections: 8, ..Limits::default() };
        Db::connect(&url, "test", &limits).await.unwrap()
    };
    let owner = connect(format!("{service}_owner")).await;
    owner.migrate(Feed::migrator()).await.unwrap();
    let app = connect(service.to_owned()).await;
    (superuser, app)
}

#[tokio::test]
async fn the_app_appends_and_lets_old_stretches_go_without_the_right_to_make_a_table() {
    let service = format!("apart_feed_{}", std::process::id());
    let (mut superuser, app) = apart(&service).await;
    let house = house_on(app, |config| {
        config.stretch_events = 2;
        config.export_after_days = 0;
        config.recent_events = 0;
    })
    .await;
    let mut case = Case::new();
    let said = [case.opened(), case.accepted(), case.replied()];
    house.routing.shows(case.view("t"));
    house.hear(&said).await;
    house.append().await;
    assert_eq!(house.all().await.events.len(), 3);
    assert_eq!(house.count("select count(*) from stretches").await, 2);
    house.export().await;
    assert_eq!(house.count("select count(*) from stretches where object is not null").await, 1);
    assert_eq!(house.count("select count(*) from payloads").await, 1);
    assert_eq!(house.all().await.events.len(), 3, "two of them from an object");

    // A program of before stretches has a trigger make them.
    let mut connection = house.db.read().await.unwrap();
    let inserted = sqlx::raw_sql(
        "insert into log (position, event_id, case_id, subject_revision, version, type, recorded_at,
                          office_id, division_code, kind, domain, state, hidden, payload)
         values (9, gen_random_uuid(), gen_random_uuid(), 1, 1, 't', now() + interval '1 hour',
                 'o', 'd', 'k', '', 1, false, 'payload')",
    );
    inserted.execute(&mut *connection).await.unwrap();
    for forbidden in [
        "create table public.mine (id int)",
        "drop table payloads_3",
        "alter table payloads detach partition payloads_3",
    ] {
        let refused = sqlx::raw_sql(forbidden).execute(&mut *connection).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}: {refused}");
    }
    drop(connection);

    // Nor may somebody else of this server, who would act with the owner's rights.
    execute(&mut superuser, format!("create role {service}_stranger")).await.unwrap();
    execute(&mut superuser, format!("set role {service}_stranger")).await.unwrap();
    for call in ["select make_stretch(1001, 1002)", "select let_go_of_stretch(3)"] {
        let refused = execute(&mut superuser, call).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("42501"), "{call}: {refused}");
    }
}
