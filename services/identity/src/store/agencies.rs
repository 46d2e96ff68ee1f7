//! Agencies and the hashes of their secrets.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;

use crate::domain::{access::Places, agency::Agency};

/// An agency with the hashes of its secrets.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub agency: Agency,
    pub secret_hash: Vec<u8>,
    pub old_secret: Option<(Vec<u8>, Timestamp)>,
}

/// Agencies by client id: those of these ids, or all after `after`.
pub(crate) async fn fetch(
    connection: &mut PgConnection,
    only: Option<&str>,
    after: &str,
    size: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    let rows = sqlx::query!(
        "select client_id, title, scopes, office_ids, division_codes, active, created_at,
                secret_hash, old_secret_hash, old_valid_until
         from agencies
         where ($1::text is null or client_id = $1) and client_id > $2
         order by client_id limit $3",
        only,
        after,
        size,
    )
    .fetch_all(connection)
    .await?;
    let stored = rows.into_iter().map(|row| Stored {
        agency: Agency {
            client_id: row.client_id,
            title: row.title,
            scopes: row.scopes,
            places: Places { offices: row.office_ids, divisions: row.division_codes },
            active: row.active,
            created_at: from_db(row.created_at),
        },
        secret_hash: row.secret_hash,
        old_secret: row.old_secret_hash.zip(row.old_valid_until.map(from_db)),
    });
    Ok(stored.collect())
}

/// One agency.
pub(crate) async fn one(
    connection: &mut PgConnection,
    client_id: &str,
) -> Result<Option<Stored>, sqlx::Error> {
    Ok(fetch(connection, Some(client_id), "", 1).await?.pop())
}

/// Adds an agency.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    agency: &Agency,
    secret_hash: &[u8; 32],
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into agencies (client_id, title, scopes, office_ids, division_codes, active,
                               created_at, secret_hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        agency.client_id,
        agency.title,
        &agency.scopes,
        &agency.places.offices,
        &agency.places.divisions,
        agency.active,
        to_db(agency.created_at),
        secret_hash,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Makes another secret the present one. False if there is no such agency.
pub(crate) async fn rotate(
    tx: &mut PgConnection,
    client_id: &str,
    secret_hash: &[u8; 32],
    old_valid_until: Timestamp,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "update agencies
         set old_secret_hash = secret_hash, old_valid_until = $3, secret_hash = $2,
             secrets = secrets + 1
         where client_id = $1",
        client_id,
        secret_hash,
        to_db(old_valid_until),
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
