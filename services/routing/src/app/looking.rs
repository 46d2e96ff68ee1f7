//! Officials' looks at texts and files that intake alone keeps. They are recorded first, and the text goes
//! into the answer and nowhere else.

use liuyan_kit::{auth::Caller, id};

use super::{App, reading::Seen, viewer};
use crate::{
    domain::{
        CaseId, MessageId,
        access::{Viewer, needs_original, sees_files},
        case::Case,
        directory::Directory,
    },
    error::Error,
    store::{
        cases::{self, Name},
        looks::{self, Look},
    },
    texts::Originals,
};

/// The most characters that intake takes as the purpose of a reading.
const MOST_PURPOSE: usize = 200;

impl App {
    /// A case, as far as the caller may see it; for an official who sees it whole with the original
    /// text, if none is kept here.
    ///
    /// # Errors
    /// [`Error::CaseNotFound`] also for a case that they may not know of;
    /// [`Error::OriginalUnavailable`].
    pub async fn look(
        &self,
        caller: &Caller,
        name: &Name,
        originals: &Originals,
    ) -> Result<Seen, Error> {
        let mut seen = self.case(caller, name).await?;
        let (case_id, message_id) = (seen.case.case_id, seen.case.message_id);
        if !needs_original(&self.directory(), &seen.case, &viewer(caller, &seen.case)) {
            return Ok(seen);
        }
        if !self.record(caller.clone(), case_id, needs_original).await? {
            return Ok(seen);
        }
        let revision = looks::text_revision(&mut *self.db.read().await?, message_id).await?;
        seen.original = originals.of(message_id, revision, purpose(caller, case_id)).await?;
        if seen.original.is_none() {
            tracing::error!(%case_id, %message_id, "intake has no text of a message with a case");
        }
        Ok(seen)
    }

    /// Records a look at the files of a case's message, which intake keeps. Gives the message.
    ///
    /// # Errors
    /// [`Error::CaseNotFound`] also for a case that the caller may not know of, and for one of which
    /// they see only what everybody sees.
    pub async fn look_at_files(
        &self,
        caller: &Caller,
        case_id: CaseId,
    ) -> Result<MessageId, Error> {
        let seen = self.case(caller, &Name::Case(case_id)).await?;
        if !self.record(caller.clone(), case_id, sees_files).await? {
            return Err(Error::CaseNotFound);
        }
        Ok(seen.case.message_id)
    }

    /// Records a look. Gives whether it is still one: the case may just have been withdrawn, or
    /// given to somebody else.
    async fn record(
        &self,
        caller: Caller,
        case_id: CaseId,
        may: fn(&Directory, &Case, &Viewer) -> bool,
    ) -> Result<bool, Error> {
        let app = self.clone();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let case = cases::lock(tx, case_id).await?;
                    let mut case = case.ok_or(Error::CaseNotFound)?;
                    if !may(&app.directory(), &case, &viewer(&caller, &case)) {
                        return Ok(false);
                    }
                    let at = app.now();
                    let look_id = id::v7(at);
                    looks::insert(tx, &Look { look_id, case_id, caller: who(&caller), at }).await?;
                    case.look_count += 1;
                    cases::update(tx, &case).await?;
                    Ok(true)
                })
            })
            .await
    }
}

/// Who looks, as it is recorded.
pub fn who(caller: &Caller) -> String {
    format!("{}/{}", caller.issuer, caller.subject)
}

/// Why the text is read, as intake takes it: in one line, without what steers a terminal.
fn purpose(caller: &Caller, case_id: CaseId) -> String {
    let purpose = format!("case {case_id} looked at by {}", who(caller));
    let plain = |it: &char| it.is_alphanumeric() || it.is_ascii_graphic() || *it == ' ';
    purpose.chars().filter(plain).take(MOST_PURPOSE).collect()
}
