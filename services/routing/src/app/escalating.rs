//! The steps of cases' clocks that come by themselves.

use liuyan_kit::telemetry;
use sqlx::PgConnection;
use tracing::Instrument as _;

use super::{App, say};
use crate::{
    domain::{CaseId, acts::Entry, case::Case, escalation::Step},
    error::Error,
    store::{acts, cases, openings, steps},
};

/// How many cases one round looks at.
const ROUND: i64 = 200;

impl App {
    /// Takes the steps whose time has come: each case's once, in their order, however many replicas
    /// look, and also after a time in which nobody looked. Gives how many cases were looked at.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn escalate(&self) -> Result<usize, Error> {
        let due = steps::due(&mut *self.db.read().await?, self.now(), ROUND).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let app = self.clone();
        self.db.write(move |tx| Box::pin(async move { app.escalate_in(tx, &due).await })).await
    }

    async fn escalate_in(&self, tx: &mut PgConnection, due: &[CaseId]) -> Result<usize, Error> {
        let cases = cases::lock_free(tx, due).await?;
        let looked_at = cases.len();
        let ids: Vec<_> = cases.iter().map(|case| case.message_id).collect();
        let causes = openings::traces(tx, &ids).await?;
        for case in cases {
            let cause = causes.get(&case.message_id).map(String::as_str);
            let span = tracing::info_span!("case.escalate", case_id = %case.case_id);
            telemetry::follow(&span, cause);
            self.take_steps(tx, case, cause).instrument(span).await?;
        }
        Ok(looked_at)
    }

    /// Takes all steps of a case whose time has come, and plans the next.
    async fn take_steps(
        &self,
        tx: &mut PgConnection,
        mut case: Case,
        cause: Option<&str>,
    ) -> Result<(), Error> {
        let (now, directory, pace) = (self.now(), self.directory(), self.config.pace());
        let mut said = Vec::new();
        while let Some((step, facts)) = case.step(&directory, &pace, now) {
            let action = match step {
                Step::Near => "deadline-neared",
                Step::Missed => "deadline-missed",
                Step::Escalated => "case-escalated",
            };
            let detail = format!("deadline={}", case.deadline_at);
            let office_id = case.office_id.clone();
            acts::append(tx, &mut case, &Entry::of_itself(now, action, &office_id, detail)).await?;
            let at = facts.first().map_or(now, |fact| fact.at);
            steps::insert(tx, case.case_id, step, at, now).await?;
            said.extend(facts);
        }
        case.plan(&directory, &pace);
        cases::update(tx, &case).await?;
        Ok(say(tx, now, &case, &said, cause).await?)
    }
}
