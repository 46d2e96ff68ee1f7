//! From an approved message to its case.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use liuyan_kit::{id, messaging::outbox, telemetry};
use sqlx::PgConnection;

use super::{App, distinct, searching::words_of, told};
use crate::{
    domain::{
        CaseId, ConsultationId, MessageId,
        assignment::Rule,
        case::{Case, Opening, Text},
        view,
    },
    error::Error,
    store::{
        cases, children, erasures, openings, precedents, results,
        words::{self, Words},
    },
};

/// What became of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opened {
    /// Cases that were opened.
    pub opened: usize,
    /// Messages that wait, for want of a text or of an office.
    pub put_off: usize,
}

impl App {
    /// The approved messages that are due for a case.
    ///
    /// # Errors
    /// The database's.
    pub async fn due_openings(&self) -> Result<Vec<Opening>, Error> {
        let limit = i64::from(self.config.opening_batch);
        Ok(openings::due(&mut *self.db.read().await?, self.now(), limit).await?)
    }

    /// Opens the cases of approved messages, given the public texts that were found. A message
    /// that its author withdrew in the meantime gets a case that is closed at once, so that every
    /// approved message has exactly one case. What lacks its text is put off.
    ///
    /// # Errors
    /// The database's; then nothing was done.
    pub async fn open_cases(
        &self,
        mut due: Vec<Opening>,
        texts: Arc<HashMap<MessageId, Text>>,
    ) -> Result<Opened, Error> {
        self.suggested(&mut due, &texts).await?;
        let app = self.clone();
        self.db.write(move |tx| Box::pin(async move { app.open_in(tx, due, &texts).await })).await
    }

    /// Puts off a message whose case cannot be opened, so that it stops nobody.
    ///
    /// # Errors
    /// The database's.
    pub async fn put_off_opening(&self, message_id: MessageId) -> Result<(), Error> {
        let now = self.now();
        self.db
            .write(move |tx| {
                Box::pin(async move { Ok(openings::put_off(tx, &[message_id], now).await?) })
            })
            .await
    }

    async fn open_in(
        &self,
        tx: &mut PgConnection,
        due: Vec<Opening>,
        texts: &HashMap<MessageId, Text>,
    ) -> Result<Opened, Error> {
        let now = self.now();
        let directory = self.directory();
        let ids: Vec<MessageId> = due.iter().map(|opening| opening.message_id).collect();
        let claimed: HashSet<MessageId> = openings::claim(tx, &ids).await?.into_iter().collect();
        let withdrawn: HashSet<MessageId> =
            openings::waiting_withdrawals(tx, &ids).await?.into_iter().collect();

        let erased: HashSet<MessageId> = erasures::among(tx, &ids).await?.into_iter().collect();
        let (mut opened, mut said, mut done, mut put_off) = (vec![], vec![], vec![], vec![]);
        for opening in due.iter().filter(|opening| claimed.contains(&opening.message_id)) {
            let withdrawn = withdrawn.contains(&opening.message_id);
            let erased = erased.contains(&opening.message_id);
            let text = texts.get(&opening.message_id).filter(|_| !erased).cloned();
            if opening.keeps_text() && !withdrawn && !erased && text.is_none() {
                put_off.push(opening.message_id);
                continue;
            }
            let case_id = CaseId::from(id::v7(now));
            let traceparent = opening.traceparent.as_deref();
            let span = tracing::info_span!("case.open", message_id = %opening.message_id, %case_id);
            telemetry::follow(&span, traceparent);
            let case = span.in_scope(|| {
                let triage = &self.config.default_offices;
                let (mut case, facts) =
                    Case::open(opening, case_id, text, withdrawn, &directory, triage, now)?;
                case.plan(&directory, &self.config.pace());
                said.extend(told(&case, &facts, traceparent));
                Some(case)
            });
            let Some(case) = case else {
                tracing::error!(message_id = %opening.message_id, "no office may have this case");
                put_off.push(opening.message_id);
                continue;
            };
            done.push((opening.message_id, opening.redactions));
            opened.push(case);
        }

        openings::put_off(tx, &put_off, now).await?;
        if !opened.is_empty() {
            cases::insert(tx, &opened).await?;
            let asked: Vec<ConsultationId> =
                opened.iter().filter_map(|case| case.consultation_id).collect();
            results::more_to_tell(tx, &distinct(&asked)).await?;
            children::begin_custody(tx, &opened).await?;
            let public = opened.iter().filter(|case| case.is_public());
            let found_by: Vec<Words> = public
                .map(|case| words_of(case, &view::assemble(case, vec![], vec![], vec![])))
                .collect();
            words::put(tx, &found_by).await?;
            openings::finish(tx, &done).await?;
            let by_precedent =
                opened.iter().filter(|case| case.assigned_by == Rule::Precedent.code());
            let routed: Vec<MessageId> = by_precedent.map(|case| case.message_id).collect();
            if !routed.is_empty() {
                precedents::count(tx, &routed).await?;
            }
            // They may have been put off for long.
            let opened_now = opened.iter().map(|case| case.message_id);
            let erased: Vec<MessageId> = opened_now.filter(|id| erased.contains(id)).collect();
            erasures::are_due(tx, &erased).await?;
            let settled: HashMap<MessageId, bool> = opened
                .iter()
                .filter(|case| withdrawn.contains(&case.message_id))
                .map(|case| (case.message_id, true))
                .collect();
            openings::settle_withdrawals(tx, &settled).await?;
            outbox::publish_all(tx, now, &said).await?;
        }
        Ok(Opened { opened: opened.len(), put_off: put_off.len() })
    }
}
