//! A fresh database for each test, on a Postgres that all tests of a process share.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, migrate::Migrator};
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    db::{Db, Limits},
    service::Service,
};

/// The name of a template, once it is made.
type Template = Arc<OnceCell<String>>;

/// Databases with everything migrated, from which those of the tests are copied.
static TEMPLATES: LazyLock<Mutex<HashMap<&'static str, Template>>> = LazyLock::new(Mutex::default);
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database that belongs to one test.
#[derive(Debug, Clone)]
pub struct TestDb {
    db: Db,
    url: String,
}

impl TestDb {
    /// Its address, with the password.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

/// A fresh database with kit's tables.
///
/// # Panics
/// If there is no Postgres.
pub async fn bare_database() -> TestDb {
    open(fresh("bare", None).await).await
}

/// A fresh database with kit's tables and those of a service.
///
/// # Panics
/// If there is no Postgres, or the migrations fail.
pub async fn database<S: Service>() -> TestDb {
    open(fresh(S::NAME, S::migrator()).await).await
}

async fn open(url: String) -> TestDb {
    // A few connections: many tests share one Postgres.
    let limits = Limits { connections: 8, ..Limits::default() };
    let db = Db::connect(&url, "test", &limits)
        .await
        .unwrap_or_else(|error| panic!("the test's database cannot be reached: {error}"));
    TestDb { db, url }
}

/// Makes a fresh database and gives its address.
pub(super) async fn fresh(name: &'static str, own: Option<&'static Migrator>) -> String {
    let cell = {
        let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(templates.entry(name).or_default())
    };
    // Boxed, because this is awaited inside of many tests' futures.
    let template = cell.get_or_init(|| Box::pin(make_template(name, own))).await;
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let database = format!("test_{}_{number}", std::process::id());
    create(&database, template).await;
    address(&database).await
}

async fn make_template(name: &str, own: Option<&'static Migrator>) -> String {
    let template = format!("template_{}_{name}", std::process::id());
    create(&template, "template0").await;
    let url = address(&template).await;
    let db = Db::connect(&url, "test", &Limits::default())
        .await
        .unwrap_or_else(|error| panic!("the template of {name} cannot be reached: {error}"));
    db.migrate(own).await.unwrap_or_else(|error| panic!("{name} cannot be migrated: {error:?}"));
    // A template that somebody is connected to cannot be copied.
    db.close().await;
    template
}

async fn create(database: &str, template: &str) {
    let postgres = liuyan_local::testing::shared().await.postgres_url();
    let locale = if template == "template0" { "locale 'C.UTF-8' encoding 'UTF8'" } else { "" };
    let statement = format!(r#"create database "{database}" template "{template}" {locale}"#);
    let mut connection = PgConnection::connect(postgres)
        .await
        .unwrap_or_else(|error| panic!("the shared Postgres cannot be reached: {error}"));
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{database} could not be made: {error}"));
    let _ = connection.close().await;
}

async fn address(database: &str) -> String {
    let postgres = liuyan_local::testing::shared().await.postgres_url();
    let mut url = Url::parse(postgres).unwrap_or_else(|error| panic!("{error}"));
    url.set_path(database);
    url.into()
}
