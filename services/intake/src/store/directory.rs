//! Copies of the offices and the code lists.

use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::draft::{Consultation, Directory};

/// An office as an event tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Its id.
    pub office_id: String,
    /// Whether it takes messages now.
    pub open: bool,
    /// The version of the event.
    pub version: i64,
}

/// Stores offices. No two may have the same id.
///
/// # Errors
/// The database's.
pub async fn put_offices(tx: &mut PgConnection, offices: &[Office]) -> Result<(), sqlx::Error> {
    let ids: Vec<String> = offices.iter().map(|office| office.office_id.clone()).collect();
    let open: Vec<bool> = offices.iter().map(|office| office.open).collect();
    let versions: Vec<i64> = offices.iter().map(|office| office.version).collect();
    sqlx::query!(
        "insert into offices (office_id, open, version)
         select office_id, open, version
         from unnest($1::text[], $2::boolean[], $3::bigint[]) as told (office_id, open, version)
         order by office_id
         on conflict (office_id) do update
         set open = excluded.open, version = excluded.version",
        &ids,
        &open,
        &versions,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Stores a code list, unless a newer one is there.
///
/// # Errors
/// The database's.
pub async fn put_code_list(
    tx: &mut PgConnection,
    list: &str,
    version: i32,
    codes: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into code_lists (list, version, codes) values ($1, $2, $3)
         on conflict (list) do update
         set version = excluded.version, codes = excluded.codes
         where code_lists.version < excluded.version",
        list,
        version,
        codes,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Stores a consultation as an event tells it.
///
/// # Errors
/// The database's.
pub async fn put_consultation(
    tx: &mut PgConnection,
    consultation_id: Uuid,
    told: &Consultation,
    version: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into consultations (consultation_id, office_id, domain, open, opens_at, closes_at, version)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (consultation_id) do update
         set office_id = excluded.office_id, domain = excluded.domain, open = excluded.open,
             opens_at = excluded.opens_at, closes_at = excluded.closes_at, version = excluded.version",
        consultation_id,
        told.office_id,
        told.domain,
        told.open,
        to_db(told.opens_at),
        to_db(told.closes_at),
        version,
    )
    .execute(tx)
    .await
    .map(drop)
}

async fn consultations(
    connection: &mut PgConnection,
) -> Result<Vec<(Uuid, Consultation)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select consultation_id, office_id, domain, open, opens_at, closes_at from consultations"
    )
    .fetch_all(connection)
    .await?;
    let told = rows.into_iter().map(|row| {
        let known = Consultation {
            office_id: row.office_id,
            domain: row.domain,
            open: row.open,
            opens_at: from_db(row.opens_at),
            closes_at: from_db(row.closes_at),
        };
        (row.consultation_id, known)
    });
    Ok(told.collect())
}

/// The directory: all of it, or the lists and the one office `only`.
///
/// # Errors
/// The database's.
pub async fn directory(
    connection: &mut PgConnection,
    only: Option<&str>,
) -> Result<Directory, sqlx::Error> {
    let mut directory = Directory::default();
    let lists =
        sqlx::query!("select list, codes from code_lists").fetch_all(&mut *connection).await?;
    for row in lists {
        let codes = row.codes.into_iter().collect();
        match row.list.as_str() {
            "kinds" => directory.kinds = codes,
            _ => directory.domains = codes,
        }
    }
    let offices = sqlx::query!(
        "select office_id, open from offices where $1::text is null or office_id = $1",
        only
    )
    .fetch_all(&mut *connection)
    .await?;
    directory.consultations = consultations(&mut *connection).await?.into_iter().collect();
    directory.offices = offices.into_iter().map(|row| (row.office_id, row.open)).collect();
    let any = !directory.offices.is_empty()
        || sqlx::query_scalar!(r#"select exists (select from offices) as "any!""#)
            .fetch_one(connection)
            .await?;
    directory.loaded = any && !directory.kinds.is_empty() && !directory.domains.is_empty();
    Ok(directory)
}
