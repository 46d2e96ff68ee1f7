//! Figures are those of all messages, and come out the same when everything is counted anew.

use super::{Databases, Finding, number};
use crate::error::Error;

pub(super) async fn run(databases: &Databases) -> Result<Vec<Finding>, Error> {
    Ok(vec![tallies_equal_a_recount(databases).await?, everything_is_counted(databases).await?])
}

/// Tallies equal what comes of counting every message anew.
async fn tallies_equal_a_recount(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("tallies equal a recount", "stats");
    let mut tx = databases
        .of("stats")?
        .begin_with("begin isolation level repeatable read read only")
        .await
        .map_err(Error::query)?;
    let recount = liuyan_stats::recount(&mut tx).await.map_err(Error::query)?;
    tx.rollback().await.map_err(Error::query)?;
    finding.checked = recount.tallies;
    for difference in recount.differences {
        finding.breach(difference);
    }
    Ok(finding)
}

/// Stats knows as many messages, cases and offices as their owners have.
async fn everything_is_counted(databases: &Databases) -> Result<Finding, Error> {
    let mut finding =
        Finding::new("every message, case and office is counted", "intake, routing, stats");
    let stats = databases.of("stats")?;
    for (what, owner, owned, counted) in [
        ("messages", "intake", "select count(*) from messages", "select count(*) from submissions"),
        ("cases", "routing", "select count(*) from cases", "select count(*) from cases"),
        ("offices", "routing", "select count(*) from offices", "select count(*) from offices"),
    ] {
        let owned = number(databases.of(owner)?, owned).await?;
        let counted = number(stats, counted).await?;
        finding.checked += owned;
        if owned != counted {
            finding.breach(format!("{owner} has {owned} {what}, stats {counted}"));
        }
    }
    Ok(finding)
}
