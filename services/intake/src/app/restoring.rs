//! Messages that come back after a loss, from the receipts and texts that their authors hold.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use liuyan_kit::{id, telemetry};
use uuid::Uuid;

use super::{
    App, Incoming, Once,
    submit::request,
    writer::{Submission, Written},
};
use crate::{
    domain::{
        draft::{Channel, Directory, Draft, Entrance, Limits, Raw, Visibility},
        file::{self, Claimed, Files},
        message::{NewMessage, Receipt},
        number::AccessCode,
        receipt::{self, Facts, file::Kept},
        rule::{Breach, Rule},
    },
    error::Error,
    store::{lost_files, messages},
};

/// What was submitted kept the rules of its time; only bounds that no rule ever reached count now.
const WIDE: Limits = Limits {
    title_min: 0,
    title_max: 10_000,
    body_min: 0,
    body_max: 10_000,
    demand_max: 10_000,
    details_max: 10_000,
    topic_max: 10_000,
    place_max: 10_000,
    remark_max: 10_000,
    name_max: 10_000,
};

/// A message that is here again.
#[derive(Debug, Clone)]
pub struct Restored {
    /// Its receipt.
    pub receipt: Receipt,
    /// The secret that, with the number, gives access; `None` if the message was here already.
    pub access_code: Option<AccessCode>,
}

impl App {
    /// Takes a message again: with the id, the number and the receipt that it had, and it is said
    /// again. It belongs to the account of an author who is signed in. The limits of submissions
    /// count for it.
    ///
    /// Its files are those that `claimed` tells of, which the hash of the content proves. Whoever has
    /// one uploads it again, and the message names the upload: a file of the same bytes is that file,
    /// also later, when the message is here again. The others are lost.
    ///
    /// # Errors
    /// Everything that is wrong with the receipt, at once; or why it can't be taken now.
    pub async fn restore(
        &self,
        incoming: &Incoming,
        once: &Once,
        kept: &Kept,
        claimed: &[Claimed],
    ) -> Result<Restored, Error> {
        let pass = self.0.gate.pass(once);
        if let Some(address) = incoming.address {
            pass.address(address)?;
        }
        if let Some(before) = self.recall(once).await? {
            let access_code = Some(before.access_code);
            return Ok(Restored { receipt: before.receipt, access_code });
        }
        let uploaded = match self.find_files(&incoming.raw).await? {
            _ if incoming.raw.files.is_empty() => Ok(Files::default()),
            found => found,
        };
        let (message, access_code) = self.proven(incoming, kept, claimed, uploaded)?;
        if let Some(known) = self.known(&message).await? {
            self.bring_back(&message).await?;
            return Ok(known);
        }
        self.spend(incoming, &message.draft, &pass)?;
        let permit = self.door(incoming.bulk).await?;
        let receipt = message.receipt.clone();
        let submission = Submission {
            request: request(once, receipt.message_id, self.now()),
            message: message.clone(),
            traceparent: telemetry::current_traceparent(),
        };
        match self.0.writer.write(submission, permit).await {
            Ok(Written::New) => Ok(Restored { receipt, access_code: Some(access_code) }),
            Ok(Written::Before(message_id)) => {
                let before = self.accepted(message_id).await?;
                Ok(Restored { receipt: before.receipt, access_code: Some(before.access_code) })
            }
            // Somebody else may have brought it at the same time.
            Err(error @ (Error::NumberTaken | Error::Database(_))) => {
                match self.known(&message).await {
                    Ok(Some(known)) => Ok(known),
                    Err(taken @ Error::ReceiptTaken) => Err(taken),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Takes files again of a message that is here and whose files are lost.
    async fn bring_back(&self, message: &NewMessage) -> Result<(), Error> {
        let files = &message.draft.files;
        let uploaded: Vec<Uuid> =
            files.list.iter().filter(|it| it.lost.is_none()).map(|it| it.attachment_id).collect();
        if uploaded.is_empty() {
            return Ok(());
        }
        let (message_id, owner) = (message.message_id(), files.owner.clone());
        self.0
            .db
            .write(move |tx| {
                let (owner, uploaded) = (owner.clone(), uploaded.clone());
                Box::pin(async move {
                    let back = lost_files::bring_back(tx, message_id, &owner, &uploaded).await?;
                    Ok::<_, Error>(back)
                })
            })
            .await?;
        Ok(())
    }

    /// The message if it is here, under its number and with its receipt.
    async fn known(&self, message: &NewMessage) -> Result<Option<Restored>, Error> {
        let mut connection = self.0.db.read().await?;
        // The number first: if somebody stores the message between the two questions, it is known.
        let number = message.number.to_string();
        let number_taken = messages::access_by_number(&mut connection, &number).await?.is_some();
        let receipt = messages::receipt(&mut connection, message.message_id()).await?;
        match receipt {
            Some(receipt) if receipt.statement == message.receipt.statement => {
                Ok(Some(Restored { receipt, access_code: None }))
            }
            None if !number_taken => Ok(None),
            _ => Err(Error::ReceiptTaken),
        }
    }

    /// The message, if the receipt is this board's and was given for it.
    fn proven(
        &self,
        incoming: &Incoming,
        kept: &Kept,
        claimed: &[Claimed],
        uploaded: Result<Files, Vec<Breach>>,
    ) -> Result<(NewMessage, AccessCode), Error> {
        let mut breaches = Vec::new();
        let uploaded = uploaded.unwrap_or_else(|wrong| {
            breaches.extend(wrong);
            Files::default()
        });
        let facts = kept.facts().ok();
        if facts.is_none() {
            breaches.push(Breach::of("receipt.statement", Rule::ReceiptMalformed));
        }
        match self.0.keys.receipt_key(&kept.key_id) {
            None => breaches.push(Breach::of("receipt.key_id", Rule::ReceiptKeyUnknown)),
            Some(key) if !receipt::verify(&kept.statement, &kept.signature, &key) => {
                breaches.push(Breach::of("receipt.signature", Rule::SignatureWrong));
            }
            Some(_) => {}
        }
        let draft = as_it_was(&incoming.raw, facts.as_ref(), self.now());
        let (facts, mut draft) = match (facts, draft) {
            (Some(facts), Ok(draft)) => (facts, draft),
            (_, draft) => {
                breaches.extend(draft.err().unwrap_or_default());
                return Err(Error::Fields(breaches));
            }
        };
        let now = self.now();
        let list = file::again(claimed, uploaded.list, || id::v7(now));
        draft.files = Files { owner: uploaded.owner, list };
        let fits = |draft: &Draft| {
            receipt::content_hash(&kept.salt, &receipt::content(draft)) == facts.content_hash
        };
        if !fits(&draft) {
            // What came by a collated column was taken as private, whatever its author chose.
            draft.visibility = Visibility::Private;
        }
        if !fits(&draft) || draft.office_id != facts.office_id {
            breaches.push(Breach::of("message", Rule::ContentDiffers));
        }
        if !breaches.is_empty() {
            return Err(Error::Fields(breaches));
        }
        draft.occurred_at = facts.occurred_at;
        self.again(incoming.account_id, kept, &facts, draft)
    }

    fn again(
        &self,
        account_id: Option<Uuid>,
        kept: &Kept,
        facts: &Facts<'_>,
        draft: Draft,
    ) -> Result<(NewMessage, AccessCode), Error> {
        let keys = &self.0.keys;
        let message_id = facts.message_id;
        let access_key_id = keys.access_key_id().to_owned();
        let lost = || Error::Lost("an access key");
        let access_code = keys.access_code(&access_key_id, message_id).ok_or_else(lost)?;
        let access_hash =
            keys.access_hash(&access_key_id, message_id, access_code).ok_or_else(lost)?;
        let receipt = Receipt {
            message_id,
            number: facts.number.to_string(),
            office_id: facts.office_id.to_owned(),
            submitted_at: facts.submitted_at,
            occurred_at: facts.occurred_at,
            content_hash: facts.content_hash,
            salt: Some(kept.salt),
            statement: kept.statement.clone(),
            key_id: kept.key_id.clone(),
            signature: kept.signature,
        };
        let message = NewMessage {
            number: facts.number,
            draft: Arc::new(draft),
            account_id,
            access_key_id,
            access_hash,
            receipt,
            restored: true,
        };
        Ok((message, access_code))
    }
}

/// The message as it was hashed. Whether office and codes are known is not asked: the board took
/// them once, and the hash tells. By whose entrance it came is not in the receipt; it comes back by
/// the board's own.
fn as_it_was(raw: &Raw, facts: Option<&Facts<'_>>, now: Timestamp) -> Result<Draft, Vec<Breach>> {
    // A receipt says nothing of a consultation.
    let consultation_id = String::new();
    let mut raw = Raw { entrance: Entrance::Board, consultation_id, ..raw.clone() };
    if raw.office_id.is_empty() {
        raw.office_id = facts.map(|facts| facts.office_id.to_owned()).unwrap_or_default();
    }
    if matches!(raw.channel, Some(Channel::Column | Channel::Hotline)) {
        raw.channel = Some(Channel::Api);
    }
    let directory = Directory {
        offices: HashMap::from([(raw.office_id.clone(), true)]),
        kinds: HashSet::from([raw.kind.clone()]),
        domains: HashSet::from([raw.domain.clone()]),
        consultations: HashMap::new(),
        loaded: true,
    };
    Draft::parse(&raw, &WIDE, &directory, now)
}
