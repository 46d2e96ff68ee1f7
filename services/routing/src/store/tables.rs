//! What editors put into the calendar, the terms and the competences.

use jiff::Timestamp;
use liuyan_kit::{clock::to_db, db};
use sqlx::PgConnection;

use crate::domain::{
    competence::Matter,
    deadline::{Scope, Term},
    directory::Level,
    tables::Year,
};

/// Puts a year's announcement in the place of what there was of it.
pub async fn put_year(
    tx: &mut PgConnection,
    year: &Year,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from holidays where schedule_year = $1", year.year)
        .execute(&mut *tx)
        .await?;
    let days: Vec<String> = year.days.iter().map(|holiday| holiday.day.to_string()).collect();
    let names: Vec<String> = year.days.iter().map(|holiday| holiday.name.clone()).collect();
    let off: Vec<bool> = year.days.iter().map(|holiday| holiday.off).collect();
    let put = sqlx::query!(
        "insert into holidays (day, name, off, schedule_year)
         select day::date, name, off, $4
         from unnest($1::text[], $2::text[], $3::bool[]) as put (day, name, off)",
        &days,
        &names,
        &off,
        year.year,
    )
    .execute(&mut *tx)
    .await?;
    super::expect_all(&put, year.days.len())?;
    let put = sqlx::query!(
        "insert into calendar_years (year, source, put_at) values ($1, $2, $3)
         on conflict (year) do update set source = excluded.source, put_at = excluded.put_at",
        year.year,
        year.source,
        to_db(now),
    )
    .execute(tx)
    .await?;
    db::expect_one(&put)
}

/// Puts a term; from then on it is an editor's.
pub async fn put_term(tx: &mut PgConnection, scope: &Scope, term: Term) -> Result<(), sqlx::Error> {
    let put = sqlx::query!(
        "insert into deadlines (kind, level, office_id, days, working, source)
         values ($1, $2, $3, $4, $5, 'editor')
         on conflict on constraint deadlines_pkey do update
         set days = excluded.days, working = excluded.working, source = excluded.source",
        scope.kind,
        scope.level.map_or("", Level::code),
        scope.office_id,
        term.days.cast_signed(),
        term.working,
    )
    .execute(tx)
    .await?;
    db::expect_one(&put)
}

/// Takes a term away; gives whether there was one.
pub async fn remove_term(tx: &mut PgConnection, scope: &Scope) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!(
        "delete from deadlines where kind = $1 and level = $2 and office_id = $3",
        scope.kind,
        scope.level.map_or("", Level::code),
        scope.office_id,
    );
    Ok(removed.execute(tx).await?.rows_affected() == 1)
}

/// Puts a competence.
pub async fn put_competence(
    tx: &mut PgConnection,
    matter: &Matter,
    office_id: &str,
) -> Result<(), sqlx::Error> {
    let put = sqlx::query!(
        "insert into competences (division_code, domain, topic, kind, office_id)
         values ($1, $2, $3, $4, $5)
         on conflict on constraint competences_pkey do update set office_id = excluded.office_id",
        matter.division_code,
        matter.domain,
        matter.topic,
        matter.kind,
        office_id,
    )
    .execute(tx)
    .await?;
    db::expect_one(&put)
}

/// Takes a competence away; gives whether there was one.
pub async fn remove_competence(
    tx: &mut PgConnection,
    matter: &Matter,
) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!(
        "delete from competences
         where division_code = $1 and domain = $2 and topic = $3 and kind = $4",
        matter.division_code,
        matter.domain,
        matter.topic,
        matter.kind,
    );
    Ok(removed.execute(tx).await?.rows_affected() == 1)
}

/// The announcements from which editors put years.
pub async fn calendar_sources(
    connection: &mut PgConnection,
) -> Result<Vec<(i16, String)>, sqlx::Error> {
    let rows = sqlx::query!("select year, source from calendar_years order by year")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.year, row.source)).collect())
}

/// Who is competent for what.
pub async fn competences(
    connection: &mut PgConnection,
) -> Result<Vec<(Matter, String)>, sqlx::Error> {
    let rows =
        sqlx::query!("select division_code, domain, topic, kind, office_id from competences")
            .fetch_all(connection)
            .await?;
    let matters = rows.into_iter().map(|row| {
        let (division_code, domain, topic, kind) =
            (row.division_code, row.domain, row.topic, row.kind);
        (Matter { division_code, domain, topic, kind }, row.office_id)
    });
    Ok(matters.collect())
}
