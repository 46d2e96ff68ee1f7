//! What moderation and routing say about messages, offices and codes.
//!
//! There is no order between the two, and none is needed: moderation's events move `state` and
//! `ground`, routing's move the case and its deadline, and the one thing that both can say, that a
//! message is withdrawn, is the end whoever says it first. A message is stored before anybody can
//! speak of it; an event about one that is not here tells of a loss and becomes a dead letter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use liuyan_kit::{
    clock,
    messaging::{Consumer, Delivered, Fault, Handle},
};
use liuyan_proto::liuyan::{
    common::v1::Outcome,
    moderation::v1::{
        AppealDecided, DecisionAppealed, MessageApproved, MessageDeclined, MessageRedacted,
        MessageReturned, MessageWithdrawn,
    },
    routing::v1::{
        CaseAccepted, CaseAssigned, CaseClosed, CaseEscalated, CaseExtended, CaseGrouped,
        CaseOpened, CasePaused, CaseRated, CaseRef, CaseReopened, CaseReplied, CaseResumed,
        CaseReturned, CaseSupervised, CaseTextChanged, CaseTransferred, CaseUngrouped,
        CodeListPublished, ConsultationPut, DeadlineMissed, DeadlineNeared, FollowUpAsked,
        HelperInvited, OfficePut, PromiseBroken, PromiseKept, PromiseMade, ReplyCorrected,
        ResultTold, WithdrawalRefused,
    },
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{draft::Consultation, state::State},
    store::{
        column_messages,
        directory::{self, Office},
        verdicts::{self, OpenedCase, Verdict},
    },
};

/// Hears moderation.
pub fn moderation() -> Consumer {
    Consumer::new("moderation")
        .on::<MessageApproved, _>(Logged(Messages))
        .on::<MessageReturned, _>(Logged(Messages))
        .on::<MessageDeclined, _>(Logged(Messages))
        .on::<MessageWithdrawn, _>(Logged(Messages))
        .on::<MessageRedacted, _>(Logged(Messages))
        .on::<DecisionAppealed, _>(Logged(Messages))
        .on::<AppealDecided, _>(Logged(Messages))
}

/// Hears routing.
pub fn routing() -> Consumer {
    Consumer::new("routing")
        .on::<OfficePut, _>(Copies)
        .on::<CodeListPublished, _>(Copies)
        .on::<ConsultationPut, _>(Copies)
        .on::<CaseOpened, _>(Logged(Messages))
        .on::<CaseAssigned, _>(Logged(Messages))
        .on::<CaseAccepted, _>(Logged(Messages))
        .on::<CaseTransferred, _>(Logged(Messages))
        .on::<CaseReplied, _>(Logged(Messages))
        .on::<CaseRated, _>(Logged(Messages))
        .on::<CaseTextChanged, _>(Logged(Messages))
        .on::<CaseClosed, _>(Logged(Messages))
        .on::<CaseReturned, _>(Logged(Messages))
        .on::<CasePaused, _>(Logged(Messages))
        .on::<CaseResumed, _>(Logged(Messages))
        .on::<CaseExtended, _>(Logged(Messages))
        .on::<CaseGrouped, _>(Logged(Messages))
        .on::<CaseUngrouped, _>(Logged(Messages))
        .on::<CaseEscalated, _>(Logged(Messages))
        .on::<HelperInvited, _>(Logged(Messages))
        .on::<ReplyCorrected, _>(Logged(Messages))
        .on::<FollowUpAsked, _>(Logged(Messages))
        .on::<CaseReopened, _>(Logged(Messages))
        .on::<CaseSupervised, _>(Logged(Messages))
        .on::<DeadlineNeared, _>(Logged(Messages))
        .on::<DeadlineMissed, _>(Logged(Messages))
        .on::<PromiseMade, _>(Logged(Messages))
        .on::<PromiseKept, _>(Logged(Messages))
        .on::<PromiseBroken, _>(Logged(Messages))
        .on::<WithdrawalRefused, _>(Logged(Messages))
        .on::<ResultTold, _>(Logged(Messages))
}

mod logged;

pub use logged::LOGGED;
use logged::Logged;

/// An event speaks of something that it can't speak of.
#[derive(Debug, thiserror::Error)]
enum Odd {
    #[error("{0:?} is no id")]
    Id(String),
    #[error("there is no case in it")]
    NoCase,
    #[error("{0} of the messages are not here")]
    UnknownMessages(usize),
    #[error("the consultation has no times")]
    NoTimes,
    #[error("the list {0:?} has no codes")]
    EmptyList(String),
}

/// Hears what becomes of messages.
#[derive(Debug, Clone, Copy)]
struct Messages;

/// Hears about offices and codes.
#[derive(Debug, Clone, Copy)]
struct Copies;

fn id(text: &str) -> Result<Uuid, Fault> {
    text.parse().map_err(|_| Fault::reject(Odd::Id(text.to_owned())))
}

fn case(case: Option<&CaseRef>) -> Result<&CaseRef, Fault> {
    case.ok_or_else(|| Fault::reject(Odd::NoCase))
}

/// Refuses a batch that speaks of messages that are not here.
async fn all_known<'a>(
    tx: &mut PgConnection,
    ids: impl Iterator<Item = &'a Uuid>,
) -> Result<(), Fault> {
    let ids: Vec<Uuid> = ids.copied().collect();
    let known = verdicts::count_known(tx, &ids).await?;
    match ids.len() - known {
        0 => Ok(()),
        missing => Err(Fault::reject(Odd::UnknownMessages(missing))),
    }
}

/// Applies the last verdict of each message; the earlier ones of the batch are history.
async fn decide(
    tx: &mut PgConnection,
    state: State,
    at: Timestamp,
    verdicts: impl Iterator<Item = Result<Verdict, Fault>>,
) -> Result<(), Fault> {
    let mut last = BTreeMap::new();
    for verdict in verdicts {
        let verdict = verdict?;
        last.insert(verdict.message_id, verdict);
    }
    all_known(tx, last.keys()).await?;
    let verdicts: Vec<Verdict> = last.into_values().collect();
    verdicts::decide(tx, state, &verdicts).await?;
    let ids: Vec<Uuid> = verdicts.iter().map(|verdict| verdict.message_id).collect();
    Ok(column_messages::bump(tx, &ids, at).await?)
}

/// When the last of these was said.
fn last_at<E>(events: &[Delivered<E>]) -> Timestamp {
    events.iter().map(|it| it.at).max().unwrap_or(Timestamp::UNIX_EPOCH)
}

fn verdict(
    message_id: &str,
    revision: Option<u32>,
    ground: &str,
    at: Timestamp,
) -> Result<Verdict, Fault> {
    let revision = revision.map(|revision| i32::try_from(revision).unwrap_or(i32::MAX));
    Ok(Verdict { message_id: id(message_id)?, revision, ground: ground.to_owned(), at })
}

/// The text of a revision may go to an office. If its author has handed in another revision since, that
/// came too late, and nobody will judge it.
impl Handle<MessageApproved> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageApproved>],
    ) -> Result<(), Fault> {
        let verdicts = events
            .iter()
            .map(|it| verdict(&it.event.message_id, Some(it.event.revision), "", it.at));
        decide(tx, State::Approved, last_at(events), verdicts).await
    }
}

/// The author is to mend the text of a revision. If they have handed in another one since, the
/// message stays in review.
impl Handle<MessageReturned> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageReturned>],
    ) -> Result<(), Fault> {
        let verdicts = events.iter().map(|it| {
            verdict(&it.event.message_id, Some(it.event.revision), &it.event.ground, it.at)
        });
        decide(tx, State::Returned, last_at(events), verdicts).await
    }
}

/// The message as a whole will not be published, whatever revision it has.
impl Handle<MessageDeclined> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageDeclined>],
    ) -> Result<(), Fault> {
        let verdicts =
            events.iter().map(|it| verdict(&it.event.message_id, None, &it.event.ground, it.at));
        decide(tx, State::Declined, last_at(events), verdicts).await
    }
}

/// The author took the message back before it was approved.
impl Handle<MessageWithdrawn> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageWithdrawn>],
    ) -> Result<(), Fault> {
        let verdicts = events.iter().map(|it| verdict(&it.event.message_id, None, "", it.at));
        decide(tx, State::Withdrawn, last_at(events), verdicts).await
    }
}

/// Words of the public text were removed. The original stays here; the time is noted.
impl Handle<MessageRedacted> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageRedacted>],
    ) -> Result<(), Fault> {
        let mut redactions = BTreeMap::new();
        for it in events {
            let at = it.event.redacted_at.as_ref().and_then(clock::from_proto).unwrap_or(it.at);
            redactions.insert(id(&it.event.message_id)?, at);
        }
        all_known(tx, redactions.keys()).await?;
        let redactions: Vec<(Uuid, Timestamp)> = redactions.into_iter().collect();
        Ok(verdicts::mark_redacted(tx, &redactions).await?)
    }
}

/// An office has the message, and there is a date for the answer. If this is heard before
/// moderation's approval, the message shows its case while it still reads as in review.
impl Handle<CaseOpened> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<CaseOpened>],
    ) -> Result<(), Fault> {
        let mut cases = BTreeMap::new();
        for it in events {
            let case = case(it.event.case.as_ref())?;
            let message_id = id(&case.message_id)?;
            let deadline_at = it.event.deadline_at.as_ref().and_then(clock::from_proto);
            let opened = OpenedCase { message_id, case_id: id(&case.case_id)?, deadline_at };
            cases.insert(message_id, opened);
        }
        all_known(tx, cases.keys()).await?;
        let ids: Vec<Uuid> = cases.keys().copied().collect();
        let cases: Vec<OpenedCase> = cases.into_values().collect();
        verdicts::open_cases(tx, &cases).await?;
        Ok(column_messages::bump(tx, &ids, last_at(events)).await?)
    }
}

/// A case ended. If its author withdrew it, that ends the message too, and moderation's approval
/// changes nothing any more if it is heard after this. However it ended: its author's name and phone
/// are kept for a while only.
impl Handle<CaseClosed> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<CaseClosed>],
    ) -> Result<(), Fault> {
        let mut ended = BTreeMap::new();
        for it in events {
            ended.insert(id(&case(it.event.case.as_ref())?.message_id)?, it.at);
        }
        all_known(tx, ended.keys()).await?;
        let ended: Vec<(Uuid, Timestamp)> = ended.into_iter().collect();
        verdicts::end(tx, &ended).await?;
        let verdicts = events
            .iter()
            .filter(|it| it.event.outcome() == Outcome::Withdrawn)
            .map(|it| verdict(&case(it.event.case.as_ref())?.message_id, None, "", it.at));
        decide(tx, State::Withdrawn, last_at(events), verdicts).await
    }
}

/// What was closed is worked on again.
async fn go_on<'e>(
    tx: &mut PgConnection,
    cases: impl Iterator<Item = Option<&'e CaseRef>>,
) -> Result<(), Fault> {
    let ids: BTreeSet<Uuid> =
        cases.map(|it| id(&case(it)?.message_id)).collect::<Result<_, Fault>>()?;
    all_known(tx, ids.iter()).await?;
    let ids: Vec<Uuid> = ids.into_iter().collect();
    Ok(verdicts::go_on(tx, &ids).await?)
}

impl Handle<CaseReopened> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<CaseReopened>],
    ) -> Result<(), Fault> {
        go_on(tx, events.iter().map(|it| it.event.case.as_ref())).await
    }
}

impl Handle<FollowUpAsked> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<FollowUpAsked>],
    ) -> Result<(), Fault> {
        go_on(tx, events.iter().map(|it| it.event.case.as_ref())).await
    }
}

/// The author wished to withdraw too late. They are told so when they ask again.
impl Handle<WithdrawalRefused> for Messages {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<WithdrawalRefused>],
    ) -> Result<(), Fault> {
        let mut refusals = BTreeMap::new();
        for it in events {
            refusals.insert(id(&case(it.event.case.as_ref())?.message_id)?, it.at);
        }
        all_known(tx, refusals.keys()).await?;
        let refusals: Vec<(Uuid, Timestamp)> = refusals.into_iter().collect();
        Ok(verdicts::refuse_withdrawals(tx, &refusals).await?)
    }
}

/// An office was added or changed. Depends on nothing else.
impl Handle<OfficePut> for Copies {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<OfficePut>],
    ) -> Result<(), Fault> {
        let mut offices = BTreeMap::new();
        for it in events {
            let office_id = it.event.office_id.clone();
            let office = Office { office_id, open: it.event.open, version: it.version };
            offices.insert(it.event.office_id.as_str(), office);
        }
        let offices: Vec<Office> = offices.into_values().collect();
        Ok(directory::put_offices(tx, &offices).await?)
    }
}

/// A code list was published. Lists that intake does not use are passed over; a list without codes
/// is no list. Depends on nothing else.
impl Handle<CodeListPublished> for Copies {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<CodeListPublished>],
    ) -> Result<(), Fault> {
        for it in events {
            let CodeListPublished { list, version, codes } = &it.event;
            if !matches!(list.as_str(), "kinds" | "domains") {
                continue;
            }
            if codes.is_empty() {
                return Err(Fault::reject(Odd::EmptyList(list.clone())));
            }
            let version = i32::try_from(*version).unwrap_or(i32::MAX);
            directory::put_code_list(tx, list, version, codes).await?;
        }
        Ok(())
    }
}

/// A consultation was planned, opened, changed or closed. Depends on nothing else; a message can name it
/// only after this.
impl Handle<ConsultationPut> for Copies {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<ConsultationPut>],
    ) -> Result<(), Fault> {
        for it in events {
            let time = |time: &Option<_>| {
                time.as_ref().and_then(clock::from_proto).ok_or_else(|| Fault::reject(Odd::NoTimes))
            };
            let told = Consultation {
                office_id: it.event.office_id.clone(),
                domain: it.event.domain.clone(),
                open: it.event.open,
                opens_at: time(&it.event.opens_at)?,
                closes_at: time(&it.event.closes_at)?,
            };
            let consultation_id = id(&it.event.consultation_id)?;
            directory::put_consultation(tx, consultation_id, &told, it.version).await?;
        }
        Ok(())
    }
}
