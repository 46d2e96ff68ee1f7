//! Copies equal their originals, and lists equal what they were loaded from.

use std::collections::BTreeMap;

use liuyan_kit::id;

use super::{Databases, Finding, rows};
use crate::error::Error;

pub(super) async fn run(databases: &Databases) -> Result<Vec<Finding>, Error> {
    Ok(vec![
        offices(databases).await?,
        code_lists(databases).await?,
        consultations(databases).await?,
        directory(databases).await?,
    ])
}

/// Intake's copy of the offices is routing's list.
async fn offices(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("intake knows every office", "routing, intake");
    let original: Vec<(String, bool)> =
        rows(databases.of("routing")?, "select office_id, open from offices").await?;
    let copies: Vec<(String, bool, i64)> =
        rows(databases.of("intake")?, "select office_id, open, version from offices").await?;
    let said: Vec<(uuid::Uuid, i64)> =
        rows(databases.of("routing")?, "select subject_id, version from messaging.subjects")
            .await?;
    let said: BTreeMap<uuid::Uuid, i64> = said.into_iter().collect();
    let mut copies: BTreeMap<String, (bool, i64)> =
        copies.into_iter().map(|(office, open, version)| (office, (open, version))).collect();
    for (office, open) in original {
        finding.checked += 1;
        match (said.get(&id::of_name("office", &office)), copies.remove(&office)) {
            (None, _) => finding.breach(format!("routing never said office {office}")),
            (_, None) => finding.breach(format!("intake does not know office {office}")),
            (Some(version), Some(copy)) if copy != (open, *version) => {
                finding.breach(format!("intake has an old copy of office {office}"));
            }
            _ => {}
        }
    }
    for office in copies.into_keys() {
        finding.breach(format!("routing has no office {office}, intake has"));
    }
    Ok(finding)
}

async fn code_lists(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("intake knows the code lists", "routing, intake");
    let original: Vec<(String, String)> = rows(
        databases.of("routing")?,
        "select 'kinds', string_agg(kind, ',' order by kind) from kinds
         union all select 'domains', string_agg(domain, ',' order by domain) from domains",
    )
    .await?;
    let copies: Vec<(String, String)> = rows(
        databases.of("intake")?,
        "select list, (select string_agg(code, ',' order by code) from unnest(codes) as code)
         from code_lists",
    )
    .await?;
    let copies: BTreeMap<String, String> = copies.into_iter().collect();
    for (list, codes) in original {
        finding.checked += 1;
        if copies.get(&list) != Some(&codes) {
            finding.breach(format!("intake's copy of {list} is missing or differs"));
        }
    }
    Ok(finding)
}

/// Intake's copies of the consultations are as routing said them last, and each message of one that was
/// approved has its case there.
async fn consultations(databases: &Databases) -> Result<Finding, Error> {
    /// The id; the office, the domain, whether it is open, and the two times.
    type Copy = (uuid::Uuid, String);

    let mut finding = Finding::new("intake knows every consultation", "routing, intake");
    let original: Vec<Copy> = rows(
        databases.of("routing")?,
        "select consultation_id, concat_ws(' ', office_id, domain, stage = 'open',
                from_on::timestamp at time zone 'Asia/Shanghai' at time zone 'UTC',
                (until_on + 1)::timestamp at time zone 'Asia/Shanghai' at time zone 'UTC')
         from consultations where stage <> 'published'",
    )
    .await?;
    let copies: Vec<Copy> = rows(
        databases.of("intake")?,
        "select consultation_id, concat_ws(' ', office_id, domain, open,
                opens_at at time zone 'UTC', closes_at at time zone 'UTC')
         from consultations",
    )
    .await?;
    let copies: BTreeMap<uuid::Uuid, String> = copies.into_iter().collect();
    for (id, told) in original {
        finding.checked += 1;
        if copies.get(&id) != Some(&told) {
            finding.breach(format!("intake has no copy, or an old one, of consultation {id}"));
        }
    }
    let asked = "select message_id, consultation_id::text from messages m
                 where consultation_id is not null and state = 'approved'";
    let asked: BTreeMap<uuid::Uuid, String> =
        rows(databases.of("intake")?, asked).await?.into_iter().collect();
    let opened: Vec<Copy> = rows(
        databases.of("routing")?,
        "select message_id, coalesce(consultation_id::text, '') from openings",
    )
    .await?;
    for (message_id, of) in opened {
        let meant = asked.get(&message_id);
        if meant.is_some_and(|meant| *meant != of) {
            finding.breach(format!("the case of {message_id} is in another consultation"));
        }
    }
    Ok(finding)
}

/// Each list of the directory is as it was loaded.
async fn directory(databases: &Databases) -> Result<Finding, Error> {
    /// The list, the hash of what was loaded; how many rows there are, and their hash.
    type List = (Option<String>, Option<String>, Option<i64>, Option<String>);

    let mut finding = Finding::new("the directory is as it was loaded", "routing");
    let lists: Vec<List> = rows(
        databases.of("routing")?,
        "select coalesce(directory_lists.list, directory_contents.list),
                directory_lists.sha256, directory_contents.rows, directory_contents.sha256
         from directory_lists full join directory_contents using (list)",
    )
    .await?;
    for (list, loaded, count, found) in &lists {
        finding.checked += count.unwrap_or_default().unsigned_abs();
        if loaded != found {
            finding.breach(format!(
                "the list {} was loaded with another content, or its record is gone",
                list.as_deref().unwrap_or_default()
            ));
        }
    }
    if lists.is_empty() {
        finding.breach("there is no list at all");
    }
    Ok(finding)
}
