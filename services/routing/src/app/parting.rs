//! What the accused have is taken from them when it turns out later who they are: an office came in the
//! place of an accused one, or under it.

use liuyan_kit::telemetry;
use sqlx::PgConnection;
use tracing::Instrument as _;

use super::{App, say};
use crate::{
    domain::{CaseId, acts::Entry, assignment::Rule, case::Case},
    error::Error,
    store::{
        accusations, acts, cases,
        children::{self, Transfer, Way},
        openings, pauses,
    },
};

/// How many cases one round looks at.
const ROUND: i64 = 200;

/// How far the open accusations were looked through, and in which directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// The case looked at last; none at the beginning.
    pub after: Option<CaseId>,
    /// What the directory had seen of changes as it began.
    begun_at: i64,
    /// What it had seen of changes when all were looked through last.
    through_at: i64,
}

impl App {
    /// Looks at the next open cases that accuse somebody, and takes from the accused what they have.
    /// Gives how far it came, and whether there is more to be looked at at once: all of them, after
    /// each change of the directory; else some in each round, because cases are also opened again.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn keep_apart(&self, progress: Progress) -> Result<(Progress, bool), Error> {
        let changes = self.snapshot().changes();
        let begun_at = progress.after.map_or(changes, |_| progress.begun_at);
        let ids = accusations::open(&mut *self.db.read().await?, progress.after, ROUND).await?;
        let full = i64::try_from(ids.len()).is_ok_and(|found| found == ROUND);
        let after = ids.last().copied().filter(|_| full);
        if !ids.is_empty() {
            let app = self.clone();
            self.db.write(move |tx| Box::pin(async move { app.part_in(tx, &ids).await })).await?;
        }
        let through_at = if full { progress.through_at } else { begun_at };
        Ok((Progress { after, begun_at, through_at }, through_at != changes))
    }

    async fn part_in(&self, tx: &mut PgConnection, ids: &[CaseId]) -> Result<(), Error> {
        let directory = self.directory();
        let found = cases::among(tx, ids).await?;
        let theirs: Vec<CaseId> = found
            .iter()
            .filter(|case| !case.is_apart(&directory))
            .map(|case| case.case_id)
            .collect();
        if theirs.is_empty() {
            return Ok(());
        }
        let locked = cases::lock_free(tx, &theirs).await?;
        let ids: Vec<_> = locked.iter().map(|case| case.message_id).collect();
        let causes = openings::traces(tx, &ids).await?;
        for case in locked.into_iter().filter(|case| !case.is_apart(&directory)) {
            let cause = causes.get(&case.message_id).map(String::as_str);
            let span = tracing::info_span!("case.part", case_id = %case.case_id);
            telemetry::follow(&span, cause);
            self.part_one(tx, case, cause).instrument(span).await?;
        }
        Ok(())
    }

    async fn part_one(
        &self,
        tx: &mut PgConnection,
        mut case: Case,
        cause: Option<&str>,
    ) -> Result<(), Error> {
        let (now, directory) = (self.now(), self.directory());
        let at = now.max(case.last_step_at);
        let before = case.clone();
        let parted = case.part(&directory, &self.config.default_offices, at);
        if case == before {
            tracing::error!("nobody may have this case in the place of the accused");
            return Ok(());
        }
        case.plan(&directory, &self.config.pace());
        for (action, theirs) in
            [("case-transferred", parted.from.as_slice()), ("helpers-taken", &parted.helpers)]
        {
            if !theirs.is_empty() {
                let detail = format!("from={} to={}", theirs.join(","), case.office_id);
                let entry = Entry::of_itself(now, action, &before.office_id, detail);
                acts::append(tx, &mut case, &entry).await?;
            }
        }
        cases::update(tx, &case).await?;
        accusations::put(tx, &case).await?;
        if parted.resumed {
            pauses::end(tx, case.case_id, at).await?;
        }
        if let Some(from_office_id) = &parted.from {
            let reason = Rule::AccusedOfficePassedOver.code();
            let way = Way::Transfer;
            let transfer = Transfer { from_office_id, reason, way, named_office_id: None, at };
            children::hand_over(tx, &case, &transfer, now).await?;
        }
        Ok(say(tx, now, &case, &parted.facts, cause).await?)
    }
}
