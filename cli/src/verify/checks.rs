//! What one database says about itself: each query gives the breaches, one line each.

use super::{Databases, Finding, rows};
use crate::error::Error;

struct Check {
    service: &'static str,
    promise: &'static str,
    /// How much is looked at.
    checked: &'static str,
    breaches: &'static str,
}

pub(super) async fn run(databases: &Databases) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for check in CHECKS {
        let pool = databases.of(check.service)?;
        let mut finding = Finding::new(check.promise, check.service);
        finding.checked = super::number(pool, check.checked).await?;
        let breaches: Vec<(String,)> = rows(pool, check.breaches).await?;
        finding.breaches = breaches.into_iter().map(|(breach,)| breach).collect();
        findings.push(finding);
    }
    findings.extend(moderation(databases).await?);
    Ok(findings)
}

/// Moderation brings its own checks; each counts its breaches.
async fn moderation(databases: &Databases) -> Result<Vec<Finding>, Error> {
    let pool = databases.of("moderation")?;
    let reviews = super::number(pool, "select count(*) from reviews").await?;
    let mut findings = Vec::new();
    for (promise, sql) in liuyan_moderation::CHECKS {
        let mut finding = Finding::new(promise, "moderation");
        finding.checked = reviews;
        let breaches = super::number(pool, sql).await?;
        if breaches > 0 {
            finding.breach(format!("{breaches} times not so"));
        }
        findings.push(finding);
    }
    Ok(findings)
}

const CHECKS: &[Check] = &[
    Check {
        service: "intake",
        promise: "every message has its event, texts, receipt and remark",
        checked: "select count(*) from messages",
        breaches: include_str!("sql/intake_messages.sql"),
    },
    Check {
        service: "intake",
        promise: "every author and every request is there",
        checked: "select (select count(*) from authors) + (select count(*) from requests)",
        breaches: include_str!("sql/intake_requests.sql"),
    },
    Check {
        service: "routing",
        promise: "every case has its custody, replies, ratings and requests",
        checked: "select count(*) from cases",
        breaches: include_str!("sql/routing_cases.sql"),
    },
    Check {
        service: "feed",
        promise: "positions of the feed are gap-free",
        checked: "select count(*) from log",
        breaches: include_str!("sql/feed_log.sql"),
    },
];
