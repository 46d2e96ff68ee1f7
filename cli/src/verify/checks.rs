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
    for (service, looked_at, checks) in BROUGHT {
        findings.extend(brought(databases, service, looked_at, checks).await?);
    }
    Ok(findings)
}

/// Promises, each with the query that counts its breaches.
type Promises = &'static [(&'static str, &'static str)];

/// The checks that services bring themselves, and how much these look at.
const BROUGHT: &[(&str, &str, Promises)] = &[
    (
        "intake",
        "select (select count(*) from audit) + (select count(*) from columns)",
        liuyan_intake::CHECKS,
    ),
    ("moderation", "select count(*) from reviews", liuyan_moderation::CHECKS),
    ("routing", "select count(*) from cases", liuyan_routing::CHECKS),
    (
        "feed",
        "select (select count(*) from subscriptions) + (select count(*) from stretches)",
        liuyan_feed::CHECKS,
    ),
    (
        "notification",
        "select (select count(*) from notices) + (select count(*) from deliveries)",
        liuyan_notification::CHECKS,
    ),
    ("stats", "select count(*) from submissions", liuyan_stats::CHECKS),
    (
        "identity",
        "select (select count(*) from accounts) + (select count(*) from agencies)",
        liuyan_identity::CHECKS,
    ),
];

/// Checks that count their breaches.
async fn brought(
    databases: &Databases,
    service: &'static str,
    looked_at: &'static str,
    checks: Promises,
) -> Result<Vec<Finding>, Error> {
    let pool = databases.of(service)?;
    let looked_at = super::number(pool, looked_at).await?;
    let mut findings = Vec::new();
    for (promise, sql) in checks {
        let mut finding = Finding::new(promise, service);
        finding.checked = looked_at;
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
        service: "feed",
        promise: "positions of the feed are gap-free",
        checked: "select count(*) from log",
        breaches: include_str!("sql/feed_log.sql"),
    },
];
