//! Receipts and the transparency log: made anew from what is stored, and compared with heads that
//! are signed by a key that no database holds.

use std::collections::{HashMap, HashSet};

use liuyan_intake::{
    audit::{self, PublicKeys},
    consumer::LOGGED,
    domain::log::{Said, head},
    keys::id_of,
};
use liuyan_kit::clock::{Clock as _, SystemClock};
use uuid::Uuid;

use super::{Databases, Finding, rows};
use crate::{
    board::{Board, connection},
    error::Error,
    keys,
};

pub(super) async fn run(board: &Board, databases: &Databases) -> Result<Vec<Finding>, Error> {
    Ok(vec![receipts_are_logged(board, databases).await?, events_are_logged(databases).await?])
}

async fn receipts_are_logged(board: &Board, databases: &Databases) -> Result<Finding, Error> {
    let mut finding =
        Finding::new("receipts are true, and the log has them as it was signed", "intake");
    let pool = databases.of("intake")?;
    let receipts = keys::public_of(&board.data_dir, keys::RECEIPTS)?;
    let log = keys::only_public_of(&board.data_dir, keys::LOG)?;
    // The name of the log stands in its heads; whether they are signed under it the audit tells.
    let named: Vec<(String,)> =
        rows(pool, "select split_part(checkpoint, chr(10), 1) from log_heads limit 1").await?;
    let origin = named.into_iter().next().map(|(origin,)| origin).unwrap_or_default();
    let public = PublicKeys {
        receipts: receipts.into_iter().map(|key| (id_of(&key), key)).collect(),
        log: head::verifier_key(&origin, &log),
    };
    let mut connection = connection(pool).await?;
    let report = audit::audit(&mut connection, &public, SystemClock.now())
        .await
        .map_err(Error::other("the log could not be read"))?;
    finding.checked = report.checked;
    finding.breaches = report.breaches;
    Ok(finding)
}

/// Type, id, subject, version, and hash of the payload.
type Event = (String, Uuid, Uuid, i64, Vec<u8>);

/// What moderation and routing said of messages and cases is in the log. Of what has left the outbox
/// for an archive only that it is there; while it was in the outbox, it was compared.
async fn events_are_logged(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("what was decided is in the log", "intake, moderation, routing");
    let intake = databases.of("intake")?;
    let started: Vec<(i64,)> =
        rows(intake, "select extract(epoch from started_at)::bigint from log_head").await?;
    let started = started.first().map_or(0, |(at,)| at.unsigned_abs());
    let logged: Vec<(String,)> = rows(
        intake,
        "select convert_from(preimage, 'UTF8') from log_leaves where preimage is not null
         union all select convert_from(preimage, 'UTF8') from log_waiting where preimage is not null",
    )
    .await?;
    let logged: HashMap<Uuid, String> =
        logged.into_iter().filter_map(|(text,)| Some((event_of(&text)?, text))).collect();
    let types: HashSet<(&str, &str)> = LOGGED.into_iter().collect();
    for source in ["moderation", "routing"] {
        let pool = databases.of(source)?;
        let said: Vec<(String, Uuid)> =
            rows(pool, "select type, event_id from messaging.outbox").await?;
        for (kind, event_id) in said {
            let before_the_log = event_id.get_timestamp().is_none_or(|at| at.to_unix().0 < started);
            if before_the_log || !types.contains(&(source, kind.as_str())) {
                continue;
            }
            finding.checked += 1;
            if !logged.contains_key(&event_id) {
                finding.breach(format!("event {event_id} ({kind}) is not in the log"));
            }
        }
        // Archives give no payload here, so this query is not one of those that read them.
        let said: Vec<Event> = sqlx::query_as(
            "select type, event_id, subject_id, version, sha256(payload) from messaging.outbox",
        )
        .fetch_all(pool)
        .await
        .map_err(Error::query)?;
        for (kind, event_id, subject_id, version, hash) in said {
            let Some(text) = logged.get(&event_id) else { continue };
            let payload_hash = hash.try_into().unwrap_or_default();
            let said = Said { kind: &kind, event_id, subject_id, version, payload_hash };
            if said.text() != *text {
                finding.breach(format!("event {event_id} ({kind}) is in the log as another one"));
            }
        }
    }
    Ok(finding)
}

/// The event that an entry's text is about.
fn event_of(text: &str) -> Option<Uuid> {
    text.lines().find_map(|line| line.strip_prefix("event: "))?.parse().ok()
}
