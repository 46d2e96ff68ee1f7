//! Accounts as they are stored: sealed.

use std::{collections::HashMap, fmt};

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::unknown;
use crate::domain::access::{Places, Role};

/// An account that is not erased.
#[derive(Clone)]
pub(crate) struct Stored {
    pub account_id: Uuid,
    pub name: String,
    pub name_key: String,
    pub password_hash: String,
    pub wrapped_key: Vec<u8>,
    pub display_name: Vec<u8>,
    pub email: Option<Vec<u8>>,
    pub roles: Vec<Role>,
    pub places: Places,
    pub locale: String,
    pub active: bool,
    pub created_at: Timestamp,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// Accounts in the order asked; those that are gone are left out.
pub(crate) async fn fetch(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Stored>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select account_id, name as "name!", name_key as "name_key!",
                  password_hash as "password_hash!", wrapped_key as "wrapped_key!",
                  display_name as "display_name!", email, roles, office_ids, division_codes,
                  locale, active, created_at
           from accounts where account_id = any($1) and erased_at is null"#,
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let role = |word: &String| Role::of(word).ok_or_else(|| unknown("role", word));
        let stored = Stored {
            account_id: row.account_id,
            name: row.name,
            name_key: row.name_key,
            password_hash: row.password_hash,
            wrapped_key: row.wrapped_key,
            display_name: row.display_name,
            email: row.email,
            roles: row.roles.iter().map(role).collect::<Result<_, _>>()?,
            places: Places { offices: row.office_ids, divisions: row.division_codes },
            locale: row.locale,
            active: row.active,
            created_at: from_db(row.created_at),
        };
        found.insert(stored.account_id, stored);
    }
    Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
}

/// One account, if it is not gone.
pub(crate) async fn one(
    connection: &mut PgConnection,
    account_id: Uuid,
) -> Result<Option<Stored>, sqlx::Error> {
    Ok(fetch(connection, &[account_id]).await?.pop())
}

/// The account of this name. A name that nobody has is asked for just as often.
pub(crate) async fn named(
    connection: &mut PgConnection,
    name_key: &str,
) -> Result<Option<Stored>, sqlx::Error> {
    let found =
        sqlx::query_scalar!("select account_id from accounts where name_key = $1", name_key)
            .fetch_optional(&mut *connection)
            .await?;
    one(connection, found.unwrap_or_default()).await
}

/// The account of this name, locked until the end of the transaction.
pub(crate) async fn lock_named(
    tx: &mut PgConnection,
    name_key: &str,
) -> Result<Option<Stored>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select account_id from accounts where name_key = $1 for update",
        name_key
    )
    .fetch_optional(&mut *tx)
    .await?;
    match found {
        Some(account_id) => one(tx, account_id).await,
        None => Ok(None),
    }
}

/// One account, locked until the end of the transaction.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    account_id: Uuid,
) -> Result<Option<Stored>, sqlx::Error> {
    sqlx::query!("select account_id from accounts where account_id = $1 for update", account_id)
        .fetch_optional(&mut *tx)
        .await?;
    one(tx, account_id).await
}

/// One account, which nobody changes until the end of the transaction.
pub(crate) async fn share(
    tx: &mut PgConnection,
    account_id: Uuid,
) -> Result<Option<Stored>, sqlx::Error> {
    sqlx::query!("select account_id from accounts where account_id = $1 for share", account_id)
        .fetch_optional(&mut *tx)
        .await?;
    one(tx, account_id).await
}

/// The ids of a page, by name, after `after`.
pub(crate) async fn page(
    connection: &mut PgConnection,
    after: &str,
    size: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select account_id from accounts where name_key > $1 order by name_key limit $2",
        after,
        size
    )
    .fetch_all(connection)
    .await
}

/// Adds an account.
pub(crate) async fn insert(tx: &mut PgConnection, account: &Stored) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into accounts (account_id, name, name_key, password_hash, wrapped_key,
                               display_name, email, roles, office_ids, division_codes, locale,
                               active, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        account.account_id,
        account.name,
        account.name_key,
        account.password_hash,
        account.wrapped_key,
        account.display_name,
        account.email.as_deref(),
        &words(&account.roles),
        &account.places.offices,
        &account.places.divisions,
        account.locale,
        account.active,
        to_db(account.created_at),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Writes an account anew, and counts the change.
pub(crate) async fn update(tx: &mut PgConnection, account: &Stored) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update accounts
         set name = $2, password_hash = $3, display_name = $4, email = $5, roles = $6,
             office_ids = $7, division_codes = $8, locale = $9, active = $10, changes = changes + 1
         where account_id = $1 and erased_at is null",
        account.account_id,
        account.name,
        account.password_hash,
        account.display_name,
        account.email.as_deref(),
        &words(&account.roles),
        &account.places.offices,
        &account.places.divisions,
        account.locale,
        account.active,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Keeps the same password hashed with other parameters. This is no change of the account.
pub(crate) async fn rehash(
    tx: &mut PgConnection,
    account_id: Uuid,
    password_hash: &str,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update accounts set password_hash = $2 where account_id = $1 and erased_at is null",
        account_id,
        password_hash
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Destroys everything that is known of a person, the key first of all.
pub(crate) async fn erase(
    tx: &mut PgConnection,
    now: Timestamp,
    account_id: Uuid,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update accounts
         set wrapped_key = null, name = null, name_key = null, password_hash = null,
             display_name = null, email = null, roles = '{}', office_ids = '{}',
             division_codes = '{}', locale = '', active = false, changes = changes + 1,
             erased_at = $2
         where account_id = $1 and erased_at is null",
        account_id,
        to_db(now)
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

fn words(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}
