//! What was heard takes effect, inside the consumer's transaction: it is kept, and its messages
//! wait to be counted.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::fact::{Case, Step, Submission, Verdict, View},
    store::{
        facts, head,
        offices::{self, Office},
        pending::{self, Pending},
    },
};

/// When an event was said, and by which trace it was caused.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// When it was said.
    pub at: Timestamp,
    /// The trace of its cause.
    pub traceparent: Option<String>,
}

impl Told {
    fn of(&self, message_id: Uuid) -> Pending {
        Pending { message_id, at: self.at, traceparent: self.traceparent.clone() }
    }
}

/// Moderation decided something.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    /// What.
    pub verdict: Verdict,
    /// When, if a person did.
    pub reviewed_at: Option<Timestamp>,
}

/// Something happened to a case.
#[derive(Debug, Clone)]
pub(crate) struct CaseHeard {
    /// The message.
    pub message_id: Uuid,
    /// What the event tells of the case.
    pub view: View,
    /// When it was done.
    pub at: Timestamp,
    /// What was done.
    pub step: Step,
}

/// Something was said of a case whose opening nobody told of.
#[derive(Debug, thiserror::Error)]
#[error("nobody told of the case of message {0}")]
pub(crate) struct UnknownCase(Uuid);

/// Why what was heard can't take effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// See [`UnknownCase`].
    #[error(transparent)]
    Unknown(#[from] UnknownCase),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Messages were stored.
pub(crate) async fn submitted(
    tx: &mut PgConnection,
    heard: Vec<(Uuid, Submission, Told)>,
) -> Result<(), Refused> {
    let waiting: Vec<Pending> = heard.iter().map(|(id, _, told)| told.of(*id)).collect();
    let submissions: Vec<(Uuid, Submission)> =
        heard.into_iter().map(|(id, submission, _)| (id, submission)).collect();
    facts::insert_submissions(tx, &submissions).await?;
    Ok(pending::add(tx, &waiting).await?)
}

/// Moderation decided.
pub(crate) async fn decided(
    tx: &mut PgConnection,
    heard: &[(Uuid, Decided, Told)],
) -> Result<(), Refused> {
    let ids: Vec<Uuid> = distinct(heard.iter().map(|(id, ..)| *id));
    let mut decisions = facts::lock_decisions(tx, &ids).await?;
    for (id, Decided { verdict, reviewed_at }, _) in heard {
        let decision = decisions.entry(*id).or_default();
        decision.hear(verdict);
        if let Some(at) = reviewed_at {
            decision.reviewed(*at);
        }
    }
    facts::put_decisions(tx, &decisions).await?;
    let waiting: Vec<Pending> = heard.iter().map(|(id, _, told)| told.of(*id)).collect();
    Ok(pending::add(tx, &waiting).await?)
}

/// Something happened to cases. What changes no figure only moves the position.
pub(crate) async fn happened(
    tx: &mut PgConnection,
    heard: &[(CaseHeard, Told)],
) -> Result<(), Refused> {
    let ids: Vec<Uuid> = distinct(heard.iter().map(|(heard, _)| heard.message_id));
    let mut cases = facts::lock_cases(tx, &ids).await?;
    let (mut changed, mut waiting) = (HashMap::new(), Vec::new());
    for (CaseHeard { message_id, view, at, step }, told) in heard {
        let before = cases.get(message_id).cloned();
        let case = match (cases.get_mut(message_id), step) {
            (Some(case), _) => {
                case.hear(view, *at, step);
                case
            }
            (None, Step::Opened { case_id, deadline_at }) => {
                let case = Case::open(*case_id, view.clone(), *deadline_at);
                cases.entry(*message_id).or_insert(case)
            }
            (None, _) => return Err(UnknownCase(*message_id).into()),
        };
        changed.insert(*message_id, case.clone());
        if before.is_none_or(|before| !before.counts_like(case)) {
            waiting.push(told.of(*message_id));
        }
    }
    facts::put_cases(tx, &changed).await?;
    Ok(pending::add(tx, &waiting).await?)
}

/// Offices were put. What was counted for those that are new or somewhere else now is counted
/// again, for the right divisions. The writer is kept away meanwhile, so that it neither counts by
/// the old divisions after this, nor has counted what this does not see.
pub(crate) async fn offices_put(
    tx: &mut PgConnection,
    heard: Vec<(Office, Timestamp)>,
) -> Result<(), Refused> {
    let Some(at) = heard.iter().map(|(_, at)| *at).max() else { return Ok(()) };
    head::lock(tx).await?;
    let last: HashMap<String, Office> =
        heard.into_iter().map(|(office, _)| (office.office_id.clone(), office)).collect();
    let put = offices::put(tx, &last.into_values().collect::<Vec<_>>()).await?;
    head::add_offices(tx, put.added).await?;
    pending::add_of_offices(tx, at, &put.moved).await?;
    Ok(())
}

fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let ids: HashSet<Uuid> = ids.collect();
    ids.into_iter().collect()
}
