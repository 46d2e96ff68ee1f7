//! Taking a message: limits, rules, the door, the proof, the commit.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use liuyan_kit::{id, telemetry};
use uuid::Uuid;

use super::{
    Accepted, App, Once,
    admission::Permit,
    gate::Pass,
    writer::{Submission, Written},
};
use crate::{
    domain::{
        admission::Priority,
        draft::{Draft, Entrance, Raw},
        message::{NewMessage, Receipt},
        number::Number,
        receipt::{self, Facts},
        rule::Rule,
    },
    error::Error,
    store::{messages, requests},
};

/// How often a message gets another public number if its number is taken. Two of five million
/// numbers of 60 bits meet once in 90,000 years of four million messages a year.
const NUMBER_TRIES: usize = 3;

/// A submission as it comes.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// What makes it one that takes effect once; or why it can't.
    pub once: Result<Once, Rule>,
    /// The account of an author who is signed in; nobody's where it is entered for somebody else.
    pub account_id: Option<Uuid>,
    /// The message.
    pub raw: Raw,
    /// The visitor's address, where a service of the house tells it.
    pub address: Option<IpAddr>,
    /// The agency that brings it, as the limits know it.
    pub agency: Option<String>,
    /// Whether it is one of many, over a stream: it goes after others, and waits for longer.
    pub bulk: bool,
    /// Whether it is part of an import, which has no limits.
    pub import: bool,
}

impl App {
    /// Takes a message, once for each request id; it belongs to the account of an author who is
    /// signed in. The answer comes after the commit.
    ///
    /// # Errors
    /// Every rule that is broken, at once; or why it can't be taken now.
    pub async fn submit(&self, incoming: &Incoming) -> Result<Accepted, Error> {
        let app = &self.0;
        let Incoming { once, raw, .. } = incoming;
        let now = app.clock.now();
        if !incoming.bulk {
            // What can't be taken is not worth checking: others need the time.
            app.admission.look(Priority::Citizen)?;
        }
        let once = match once {
            Ok(once) => once,
            Err(rule) => {
                let checked = app.directory.check(&app.db, raw, &app.config.limits, now).await;
                let checked = self.with_files(checked, raw).await;
                return Err(with_request_id(checked, rule.clone()));
            }
        };
        let pass = app.gate.pass(once);
        let taken = async {
            if let Some(address) = incoming.address.filter(|_| !incoming.import) {
                pass.address(address)?;
            }
            let checked = app.directory.check(&app.db, raw, &app.config.limits, now).await;
            let draft = self.with_files(checked, raw).await?;
            self.spend(incoming, &draft, &pass)?;
            Ok(draft)
        };
        match taken.await {
            Ok(draft) => self.take(incoming, once, draft).await,
            // What was taken before stays taken, also if the rules or the directory have changed or
            // a limit is reached.
            Err(error) => Box::pin(self.recall(once)).await?.ok_or(error),
        }
    }

    /// Counts a message whose author is known.
    pub(super) fn spend(
        &self,
        incoming: &Incoming,
        draft: &Draft,
        pass: &Pass<'_>,
    ) -> Result<(), Error> {
        if incoming.import {
            return Ok(());
        }
        if let Entrance::Column(column) = &draft.entrance {
            pass.column(column)?;
        } else if let Some(agency) = &incoming.agency {
            pass.agency(agency)?;
        }
        let phone = draft.contact.as_ref().and_then(|contact| self.0.vault.phone_index(contact));
        match (incoming.account_id, phone) {
            // A phone is only typed. Counted by it, an account would have as many limits as it makes up
            // phones, and none where strangers have typed its own.
            (Some(account_id), _) => pass.author(account_id.as_bytes()),
            (None, Some(phone)) => pass.author(&phone),
            (None, None) => Ok(()),
        }
    }

    /// Stores a message that keeps every rule.
    async fn take(
        &self,
        incoming: &Incoming,
        once: &Once,
        draft: Draft,
    ) -> Result<Accepted, Error> {
        let app = &self.0;
        // Whoever commits it commits others' messages too; its cause is this call.
        let traceparent = telemetry::current_traceparent();
        let draft = Arc::new(draft);
        for _ in 0..NUMBER_TRIES {
            let permit = self.door(incoming.bulk).await?;
            let (message, accepted) =
                self.prepare(Arc::clone(&draft), incoming.account_id, app.clock.now())?;
            let Receipt { message_id, submitted_at, .. } = accepted.receipt;
            let request = request(once, message_id, submitted_at);
            let submission = Submission { request, message, traceparent: traceparent.clone() };
            match app.writer.write(submission, permit).await {
                Ok(Written::New) => return Ok(accepted),
                Ok(Written::Before(message_id)) => {
                    return Box::pin(self.accepted(message_id)).await;
                }
                Err(Error::NumberTaken) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::NumberTaken)
    }

    pub(super) async fn door(&self, bulk: bool) -> Result<Permit, Error> {
        let config = &self.0.config.admission;
        if bulk {
            let patience = Duration::from_secs(config.stream_patience_seconds);
            return self.0.admission.enter_patiently(Priority::Partner, patience).await;
        }
        let patience = Duration::from_millis(config.patience_ms);
        self.0.admission.enter(Priority::Citizen, patience).await
    }

    /// Lets somebody in who reads: after those who bring messages.
    pub(super) async fn reading(&self) -> Result<Permit, Error> {
        let patience = Duration::from_millis(self.0.config.admission.patience_ms);
        self.0.admission.enter(Priority::Read, patience).await
    }

    /// Gives a message its id, number, code and receipt.
    fn prepare(
        &self,
        draft: Arc<Draft>,
        account_id: Option<Uuid>,
        now: Timestamp,
    ) -> Result<(NewMessage, Accepted), Error> {
        let (config, keys) = (&self.0.config, &self.0.keys);
        let message_id = id::v7(now);
        let number = Number::from_bits(rand::random());
        let salt: [u8; 32] = rand::random();
        let content_hash = receipt::content_hash(&salt, &receipt::content(&draft));
        let facts = Facts {
            board: &config.board,
            message_id,
            number,
            office_id: &draft.office_id,
            submitted_at: now,
            occurred_at: draft.occurred_at,
            content_hash,
        };
        let statement = receipt::statement(&facts).into_bytes();
        let (key_id, signature) = keys.sign(&statement);
        let access_key_id = keys.access_key_id().to_owned();
        let access_code =
            keys.access_code(&access_key_id, message_id).ok_or(Error::Lost("an access key"))?;
        let access_hash = keys
            .access_hash(&access_key_id, message_id, access_code)
            .ok_or(Error::Lost("an access key"))?;
        let receipt = Receipt {
            message_id,
            number: number.to_string(),
            office_id: draft.office_id.clone(),
            submitted_at: now,
            occurred_at: draft.occurred_at,
            content_hash,
            salt: Some(salt),
            statement,
            key_id,
            signature,
        };
        let accepted = Accepted { receipt: receipt.clone(), access_code };
        let message = NewMessage {
            number,
            draft,
            account_id,
            access_key_id,
            access_hash,
            receipt,
            restored: false,
        };
        Ok((message, accepted))
    }

    /// The answer that a submission was given before, if it was.
    pub(super) async fn recall(&self, once: &Once) -> Result<Option<Accepted>, Error> {
        let key = (once.caller.clone(), once.request_id);
        let found = requests::find_requests(&mut *self.0.db.read().await?, &[key]).await?;
        match found.into_iter().next() {
            None => Ok(None),
            Some(request) if request.body_hash != once.body_hash => Err(Error::RequestIdReused),
            Some(request) => self.accepted(request.message_id).await.map(Some),
        }
    }

    /// The answer to the submission of a message, the same for ever.
    pub(super) async fn accepted(&self, message_id: Uuid) -> Result<Accepted, Error> {
        let mut connection = self.0.db.read().await?;
        let receipt = messages::receipt(&mut connection, message_id)
            .await?
            .ok_or(Error::Lost("a receipt"))?;
        if receipt.salt.is_none() {
            // What was erased is not there to be given again, and is not taken anew behind its author's back.
            return Err(Error::Erased);
        }
        let access_code = messages::access_key_id(&mut connection, message_id)
            .await?
            .and_then(|key_id| self.0.keys.access_code(&key_id, message_id))
            .ok_or(Error::Lost("an access key"))?;
        Ok(Accepted { receipt, access_code })
    }
}

pub(super) fn request(once: &Once, message_id: Uuid, at: Timestamp) -> requests::NewRequest {
    requests::NewRequest {
        caller: once.caller.clone(),
        request_id: once.request_id,
        body_hash: once.body_hash,
        message_id,
        created_at: at,
    }
}

/// Everything that is wrong, with the request id at the front.
fn with_request_id(checked: Result<Draft, Error>, rule: Rule) -> Error {
    match (Error::field("request_id", rule), checked) {
        (Error::Fields(mut all), Err(Error::Fields(others))) => {
            all.extend(others);
            Error::Fields(all)
        }
        (_, Err(other)) => other,
        (missing, Ok(_)) => missing,
    }
}
