//! One database and one role for each service; a role reaches its own database only.

use std::{collections::BTreeMap, fs, path::Path};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use url::Url;

use crate::{error::Error, keys};

/// Makes what is missing and gives the address of each database.
pub(super) async fn ensure(
    admin_url: &str,
    dir: &Path,
    names: &[&'static str],
) -> Result<BTreeMap<&'static str, String>, Error> {
    let mut admin = PgConnection::connect(admin_url).await.map_err(Error::query)?;
    let mut databases = BTreeMap::new();
    for name in names {
        let password = password(dir, name)?;
        ensure_role(&mut admin, name, &password).await?;
        ensure_database(&mut admin, name).await?;
        let mut url =
            Url::parse(admin_url).map_err(Error::other("the address of Postgres is no URL"))?;
        let set = url.set_username(name).and_then(|()| url.set_password(Some(&password)));
        set.map_err(|()| Error::Usage("the address of Postgres cannot hold a user".to_owned()))?;
        url.set_path(name);
        databases.insert(*name, url.to_string());
    }
    admin.close().await.map_err(Error::query)?;
    Ok(databases)
}

/// The password of a role, made at the first start.
fn password(dir: &Path, name: &str) -> Result<String, Error> {
    let file = keys::folder(dir).join(format!("{name}.database.password"));
    if let Ok(password) = fs::read_to_string(&file)
        && !password.is_empty()
    {
        return Ok(password);
    }
    let password = hex::encode(liuyan_kit::id::secret());
    keys::write_private(&file, password.as_bytes())?;
    Ok(password)
}

async fn exists(admin: &mut PgConnection, sql: &str) -> Result<bool, Error> {
    let row = sqlx::raw_sql(AssertSqlSafe(format!("select exists ({sql})")))
        .fetch_one(admin)
        .await
        .map_err(Error::query)?;
    row.try_get(0).map_err(Error::query)
}

async fn execute(admin: &mut PgConnection, sql: String) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await.map_err(Error::query)?;
    Ok(())
}

/// Names are ours and passwords are hexadecimal: nothing here needs quoting beyond the quotes.
async fn ensure_role(admin: &mut PgConnection, name: &str, password: &str) -> Result<(), Error> {
    let there = exists(admin, &format!("select 1 from pg_roles where rolname = '{name}'")).await?;
    let verb = if there { "alter" } else { "create" };
    execute(admin, format!("{verb} role \"{name}\" login password '{password}'")).await
}

async fn ensure_database(admin: &mut PgConnection, name: &str) -> Result<(), Error> {
    if !exists(admin, &format!("select 1 from pg_database where datname = '{name}'")).await? {
        execute(
            admin,
            format!(
                "create database \"{name}\" owner \"{name}\" template template0
                 encoding 'UTF8' lc_ctype 'C.UTF-8' lc_collate 'C.UTF-8'"
            ),
        )
        .await?;
    }
    execute(admin, format!("revoke connect on database \"{name}\" from public")).await
}
