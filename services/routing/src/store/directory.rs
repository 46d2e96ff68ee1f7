//! The lists of the directory.

use std::str::FromStr as _;

use jiff::{Timestamp, civil::Date};
use liuyan_kit::{clock, db};
use sqlx::PgConnection;

use super::{corrupt, tables};
use crate::domain::{
    deadline::{Scope, Term},
    directory::{Division, Domain, Kind, Level, Office},
    lists::{Holiday, List, Lists, TermLine},
    validity::Validity,
};

/// Lets one loader work at a time, until its transaction ends.
pub async fn lock(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('routing.directory')) as locked")
        .fetch_one(tx)
        .await
        .map(drop)
}

/// By which a change of the directory is seen: each list with its version and its changes.
pub type Marks = Vec<(String, i32, i64)>;

/// Where each list stands.
pub async fn marks(connection: &mut PgConnection) -> Result<Marks, sqlx::Error> {
    let rows = sqlx::query!("select list, version, changes from directory_lists order by list")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.list, row.version, row.changes)).collect())
}

/// The version of each list that is loaded.
pub async fn versions(connection: &mut PgConnection) -> Result<Vec<(String, u32)>, sqlx::Error> {
    let rows = sqlx::query!("select list, version from directory_lists order by list")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.list, row.version.unsigned_abs())).collect())
}

/// The version of each list as it is told: that of the calendar grows with each change by an editor, too.
async fn told_versions(connection: &mut PgConnection) -> Result<Vec<(String, u32)>, sqlx::Error> {
    let told = marks(connection).await?.into_iter().map(|(list, version, changes)| {
        let changes = u32::try_from(changes).unwrap_or(u32::MAX);
        let put = if list == List::Calendar.name() { changes } else { 0 };
        let version = version.unsigned_abs().saturating_add(put);
        (list, version)
    });
    Ok(told.collect())
}

/// Makes the divisions those of the list, and leaves those of editors alone. What an office or an
/// editor's division lies in stays, too.
pub async fn put_divisions(tx: &mut PgConnection, list: &[Division]) -> Result<(), sqlx::Error> {
    let codes: Vec<String> = list.iter().map(|division| division.code.clone()).collect();
    let names: Vec<String> = list.iter().map(|division| division.name.clone()).collect();
    let levels: Vec<String> =
        list.iter().map(|division| division.level.code().to_owned()).collect();
    let parents: Vec<Option<String>> =
        list.iter().map(|division| division.parent_code.clone()).collect();
    sqlx::query!(
        "with recursive needed (code) as (
             select division_code from offices where division_code is not null
             union select code from divisions where source = 'editor'
             union select parent_code from divisions join needed using (code)
                   where parent_code is not null
         )
         delete from divisions
         where source = 'list' and code <> all($1) and code not in (select code from needed)",
        &codes
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into divisions as divisions (code, name, level, parent_code)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
         on conflict (code) do update
         set name = excluded.name, level = excluded.level, parent_code = excluded.parent_code
         where divisions.source = 'list'",
        &codes,
        &names,
        &levels,
        &parents as &[Option<String>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Makes the offices those of the list, and leaves those of editors alone; offices that it lacks
/// are closed, since cases still name them. Gives the ids of those that were added or changed.
pub async fn put_offices(
    tx: &mut PgConnection,
    list: &[Office],
) -> Result<Vec<String>, sqlx::Error> {
    let ids: Vec<String> = list.iter().map(|office| office.office_id.clone()).collect();
    let divisions: Vec<Option<String>> =
        list.iter().map(|office| office.division_code.clone()).collect();
    let levels: Vec<String> = list.iter().map(|office| office.level.code().to_owned()).collect();
    let roles: Vec<String> = list.iter().map(|office| office.role.clone()).collect();
    let titles: Vec<String> = list.iter().map(|office| office.title.clone()).collect();
    let parents: Vec<Option<String>> =
        list.iter().map(|office| office.parent_office_id.clone()).collect();
    let open: Vec<bool> = list.iter().map(|office| office.open).collect();
    let mut changed = sqlx::query_scalar!(
        "update offices set open = false where open and source = 'list' and office_id <> all($1)
         returning office_id",
        &ids
    )
    .fetch_all(&mut *tx)
    .await?;
    let put = sqlx::query_file_scalar!(
        "src/queries/put_offices.sql",
        &ids,
        &divisions as &[Option<String>],
        &levels,
        &roles,
        &titles,
        &parents as &[Option<String>],
        &open,
    )
    .fetch_all(tx)
    .await?;
    changed.extend(put);
    changed.sort_unstable();
    Ok(changed)
}

/// Makes the calendar that of the list, and leaves years that editors put alone.
pub async fn put_holidays(tx: &mut PgConnection, list: &[Holiday]) -> Result<(), sqlx::Error> {
    let days: Vec<String> = list.iter().map(|holiday| holiday.day.to_string()).collect();
    let names: Vec<String> = list.iter().map(|holiday| holiday.name.clone()).collect();
    let off: Vec<bool> = list.iter().map(|holiday| holiday.off).collect();
    let years: Vec<i16> = list.iter().map(|holiday| holiday.schedule_year).collect();
    sqlx::query!(
        "delete from holidays
         where day <> all($1::text[]::date[])
           and schedule_year not in (select year from calendar_years)",
        &days as &[String]
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into holidays (day, name, off, schedule_year)
         select day::date, name, off, year
         from unnest($1::text[], $2::text[], $3::bool[], $4::smallint[]) as list (day, name, off, year)
         where year not in (select year from calendar_years)
         on conflict (day) do update
         set name = excluded.name, off = excluded.off, schedule_year = excluded.schedule_year
         where holidays.schedule_year not in (select year from calendar_years)",
        &days,
        &names,
        &off,
        &years,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Makes the kinds those of the list.
pub async fn put_kinds(tx: &mut PgConnection, list: &[Kind]) -> Result<(), sqlx::Error> {
    let kinds: Vec<String> = list.iter().map(|kind| kind.kind.clone()).collect();
    let zh: Vec<String> = list.iter().map(|kind| kind.name_zh.clone()).collect();
    let en: Vec<String> = list.iter().map(|kind| kind.name_en.clone()).collect();
    sqlx::query!("delete from kinds where kind <> all($1)", &kinds).execute(&mut *tx).await?;
    sqlx::query!(
        "insert into kinds (kind, name_zh, name_en, place)
         select kind, zh, en, place
         from unnest($1::text[], $2::text[], $3::text[]) with ordinality as list (kind, zh, en, place)
         on conflict (kind) do update
         set name_zh = excluded.name_zh, name_en = excluded.name_en, place = excluded.place",
        &kinds,
        &zh,
        &en,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Makes the domains those of the list.
pub async fn put_domains(tx: &mut PgConnection, list: &[Domain]) -> Result<(), sqlx::Error> {
    let domains: Vec<String> = list.iter().map(|domain| domain.domain.clone()).collect();
    let zh: Vec<String> = list.iter().map(|domain| domain.name_zh.clone()).collect();
    let en: Vec<String> = list.iter().map(|domain| domain.name_en.clone()).collect();
    let topics: Vec<String> = list.iter().map(|domain| domain.topics.join(";")).collect();
    sqlx::query!("delete from domains where domain <> all($1)", &domains).execute(&mut *tx).await?;
    sqlx::query!(
        "insert into domains (domain, name_zh, name_en, topics, place)
         select domain, zh, en, string_to_array(topics, ';'), place
         from unnest($1::text[], $2::text[], $3::text[], $4::text[])
             with ordinality as list (domain, zh, en, topics, place)
         on conflict (domain) do update
         set name_zh = excluded.name_zh, name_en = excluded.name_en,
             topics = excluded.topics, place = excluded.place",
        &domains,
        &zh,
        &en,
        &topics,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Makes the terms those of the list, and leaves those of editors alone.
pub async fn put_deadlines(tx: &mut PgConnection, list: &[TermLine]) -> Result<(), sqlx::Error> {
    let kinds: Vec<String> = list.iter().map(|line| line.scope.kind.clone()).collect();
    let levels: Vec<String> =
        list.iter().map(|line| line.scope.level.map_or("", Level::code).to_owned()).collect();
    let days: Vec<i32> = list.iter().map(|line| line.term.days.cast_signed()).collect();
    let working: Vec<bool> = list.iter().map(|line| line.term.working).collect();
    sqlx::query!("delete from deadlines where source = 'list'").execute(&mut *tx).await?;
    sqlx::query!(
        "insert into deadlines (kind, level, days, working)
         select * from unnest($1::text[], $2::text[], $3::integer[], $4::bool[])
         on conflict on constraint deadlines_pkey do nothing",
        &kinds,
        &levels,
        &days,
        &working,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes down version, number and hash of a list as it is now.
pub async fn settle(
    tx: &mut PgConnection,
    list: List,
    version: u32,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let settled = sqlx::query!(
        "insert into directory_lists as directory_lists (list, version, rows, sha256, loaded_at)
         select list, $2, rows, sha256, $3 from directory_contents where list = $1
         on conflict (list) do update
         set version = excluded.version, changes = directory_lists.changes + 1, rows = excluded.rows,
             sha256 = excluded.sha256, loaded_at = excluded.loaded_at",
        list.name(),
        version.cast_signed(),
        clock::to_db(now),
    )
    .execute(tx)
    .await?;
    db::expect_one(&settled)
}

/// The lists whose rows are no longer those that were loaded.
pub async fn damaged(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(loaded.list, found.list) as "list!"
           from directory_lists loaded full join directory_contents found on loaded.list = found.list
           where (loaded.rows, loaded.sha256) is distinct from (found.rows, found.sha256)
             and not (loaded.list is null and found.rows = 0)
           order by 1"#
    )
    .fetch_all(connection)
    .await
}

/// Reads all lists.
pub async fn read(connection: &mut PgConnection) -> Result<Lists, sqlx::Error> {
    Ok(Lists {
        versions: told_versions(connection).await?,
        divisions: divisions(connection).await?,
        offices: offices(connection).await?,
        holidays: holidays(connection).await?,
        kinds: sqlx::query_as!(Kind, "select kind, name_zh, name_en from kinds order by place")
            .fetch_all(&mut *connection)
            .await?,
        domains: sqlx::query_as!(
            Domain,
            "select domain, name_zh, name_en, topics from domains order by place"
        )
        .fetch_all(&mut *connection)
        .await?,
        terms: terms(connection).await?,
        calendar_sources: tables::calendar_sources(connection).await?,
        competences: tables::competences(connection).await?,
    })
}

pub(super) fn day(text: &str) -> Result<Date, sqlx::Error> {
    Date::from_str(text).map_err(|_| corrupt("day", text))
}

fn validity(
    from: Option<String>,
    until: Option<String>,
    successor: Option<String>,
) -> Result<Validity, sqlx::Error> {
    Ok(Validity {
        from: from.as_deref().map(day).transpose()?,
        until: until.as_deref().map(day).transpose()?,
        successor,
    })
}

fn level(code: &str) -> Result<Level, sqlx::Error> {
    Level::of_code(code).ok_or_else(|| corrupt("level", code))
}

async fn divisions(connection: &mut PgConnection) -> Result<Vec<Division>, sqlx::Error> {
    let rows = sqlx::query!(
        "select code, name, level, parent_code, to_char(valid_from, 'YYYY-MM-DD') as valid_from,
                to_char(valid_until, 'YYYY-MM-DD') as valid_until, successor_code
         from divisions"
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Division {
                level: level(&row.level)?,
                valid: validity(row.valid_from, row.valid_until, row.successor_code)?,
                code: row.code,
                name: row.name,
                parent_code: row.parent_code,
            })
        })
        .collect()
}

async fn offices(connection: &mut PgConnection) -> Result<Vec<Office>, sqlx::Error> {
    let rows = sqlx::query!(
        "select office_id, division_code, level, role, title, parent_office_id, open,
                to_char(valid_from, 'YYYY-MM-DD') as valid_from,
                to_char(valid_until, 'YYYY-MM-DD') as valid_until, successor_id
         from offices"
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Office {
                level: level(&row.level)?,
                valid: validity(row.valid_from, row.valid_until, row.successor_id)?,
                house: Validity::default(),
                office_id: row.office_id,
                division_code: row.division_code,
                role: row.role,
                title: row.title,
                parent_office_id: row.parent_office_id,
                open: row.open,
            })
        })
        .collect()
}

async fn holidays(connection: &mut PgConnection) -> Result<Vec<Holiday>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select to_char(day, 'YYYY-MM-DD') as "day!", name, off, schedule_year from holidays"#
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let day = day(&row.day)?;
            Ok(Holiday { day, name: row.name, off: row.off, schedule_year: row.schedule_year })
        })
        .collect()
}

async fn terms(connection: &mut PgConnection) -> Result<Vec<TermLine>, sqlx::Error> {
    let rows = sqlx::query!("select kind, level, office_id, days, working from deadlines")
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            let level = if row.level.is_empty() { None } else { Some(level(&row.level)?) };
            let term = Term { days: row.days.unsigned_abs(), working: row.working };
            let scope = Scope { office_id: row.office_id, kind: row.kind, level };
            Ok(TermLine { scope, term })
        })
        .collect()
}
