//! What is due gets what it needs to be sent: an address, words or a view, a signing secret. All of
//! it is asked for or opened per delivery, and stored nowhere.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::App;
use crate::{
    channels::webhook::Call,
    domain::{
        address::{Address, Channel},
        delivery::{DropReason, Standing},
        event::Kind,
        letter::Letter,
    },
    error::Error,
    letters::Subject,
    peers::{self, Contact, Recorded, Unrecorded, View},
    store::queue::Due,
};

/// For how long after it happened an event is awaited from the feed at short intervals.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// Something that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// What is due.
    pub(crate) due: Due,
    /// How it goes.
    pub(crate) way: Way,
}

/// How something goes.
#[derive(Debug)]
pub(crate) enum Way {
    /// By mail.
    Mail {
        /// To whom.
        to: Address,
        /// In which language.
        locale: String,
        /// Its words.
        letter: Box<Letter>,
    },
    /// By a call.
    Call {
        /// To where.
        to: Address,
        /// With what.
        call: Call,
    },
}

/// What became of what was due.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// To be sent.
    pub(crate) parcels: Vec<Parcel>,
    /// Never to be sent.
    pub(crate) dropped: Vec<(Uuid, &'static str)>,
    /// To be sent later, because somebody is away.
    pub(crate) postponed: Vec<(Uuid, &'static str)>,
    /// To be sent in a moment: the feed is about to record it.
    pub(crate) awaited: Vec<(Uuid, &'static str)>,
}

/// What the others answered; `None` if they did not.
struct Answers {
    contacts: Option<HashMap<Uuid, Contact>>,
    views: Option<HashMap<Uuid, View>>,
    events: Option<HashMap<Uuid, Recorded>>,
}

/// What a call tells, and where the feed goes on after it.
struct Content {
    subject: String,
    data: Value,
    cursor: Option<String>,
}

/// What becomes of one delivery.
enum Fate {
    Send(Way),
    Drop(DropReason),
    Postpone(&'static str),
    Await,
}

impl App {
    /// Makes parcels of what is due.
    pub(crate) async fn prepare(&self, now: Timestamp, channel: Channel, due: Vec<Due>) -> Sorted {
        let mut sorted = Sorted::default();
        let mut wanted = Vec::with_capacity(due.len());
        for due in due {
            match self.standing(channel, &due).drop(now) {
                Some(reason) => sorted.dropped.push((due.delivery_id, reason.as_str())),
                None => wanted.push(due),
            }
        }
        let answers = self.ask(channel, &wanted).await;
        for due in wanted {
            let fate = match channel {
                Channel::Email => self.mail(now, &due, &answers).await,
                Channel::Webhook => self.call(now, &due, &answers),
            };
            match fate {
                Ok(Fate::Send(way)) => sorted.parcels.push(Parcel { due, way }),
                Ok(Fate::Drop(reason)) => sorted.dropped.push((due.delivery_id, reason.as_str())),
                Ok(Fate::Postpone(why)) => sorted.postponed.push((due.delivery_id, why)),
                Ok(Fate::Await) => {
                    let fresh = now.duration_since(due.occurred_at) < FRESH;
                    let list = if fresh { &mut sorted.awaited } else { &mut sorted.postponed };
                    list.push((due.delivery_id, "not recorded yet"));
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(delivery_id = %due.delivery_id, error, "can't be prepared");
                    sorted.postponed.push((due.delivery_id, "defect"));
                }
            }
        }
        sorted
    }

    fn standing<'a>(&self, channel: Channel, due: &'a Due) -> Standing<'a> {
        Standing {
            kind: due.kind,
            endpoint: due.endpoint_state,
            channel_off: channel == Channel::Email && self.mailer.is_none(),
            code_expires_at: due.verification_expires_at,
            preferences: due.implicit.then_some(&due.preferences),
        }
    }

    /// Asks the others once for all.
    async fn ask(&self, channel: Channel, due: &[Due]) -> Answers {
        let accounts: BTreeSet<Uuid> = (due.iter())
            .filter(|due| due.implicit)
            .filter_map(|due| due.holder.account())
            .collect();
        let cases: BTreeSet<Uuid> = due
            .iter()
            .filter(|due| needs_view(channel, due))
            .filter_map(|due| due.case_id)
            .collect();
        let accounts: Vec<Uuid> = accounts.into_iter().collect();
        let cases: Vec<Uuid> = cases.into_iter().collect();
        let events: BTreeSet<Uuid> = due
            .iter()
            .filter(|due| channel == Channel::Webhook && due.kind.is_in_feed())
            .map(|due| due.event_id)
            .collect();
        let events: Vec<Uuid> = events.into_iter().collect();
        let (contacts, views, events) = tokio::join!(
            self.peers.contacts(&accounts),
            self.peers.views(&cases),
            self.peers.events(&events)
        );
        Answers { contacts: told(contacts), views: told(views), events: told(events) }
    }

    async fn mail(&self, now: Timestamp, due: &Due, answers: &Answers) -> Result<Fate, Error> {
        let (to, locale) = if due.implicit {
            let Some(contacts) = &answers.contacts else {
                return Ok(Fate::Postpone("identity away"));
            };
            let contact = due.holder.account().and_then(|id| contacts.get(&id));
            match contact.map(|contact| (Address::email(&contact.email), contact.locale)) {
                Some((Ok(to), locale)) => (to, locale.to_owned()),
                _ => return Ok(Fate::Drop(DropReason::NoAddress)),
            }
        } else {
            let Some(sealed) = &due.address else {
                return Ok(Fate::Drop(DropReason::EndpointGone));
            };
            (self.vault.address(due.endpoint_id, sealed)?, due.locale.clone())
        };
        let letter = match (due.kind, due.verification_id) {
            (Kind::EndpointVerify, Some(verification_id)) => {
                let code = self.vault.code(due.endpoint_id, verification_id);
                self.letters.verification(&locale, due.endpoint_id, &code)
            }
            _ => {
                let Some(views) = &answers.views else {
                    return Ok(Fate::Postpone("routing away"));
                };
                let view = due.case_id.and_then(|id| views.get(&id));
                let reply = view.and_then(|view| view.reply(due.reply_id?));
                let subject = self.subject(now, due).await;
                self.letters.letter(&locale, &subject, due.public, reply)
            }
        };
        Ok(Fate::Send(Way::Mail { to, locale, letter: Box::new(letter) }))
    }

    async fn subject(&self, now: Timestamp, due: &Due) -> Subject {
        Subject {
            kind: due.kind,
            to_office: false,
            number: due.number.clone().unwrap_or_default(),
            office: self.peers.title(now, &due.office_id).await,
            deadline_at: due.deadline_at,
            uptake: due.uptake.clone(),
        }
    }

    fn call(&self, now: Timestamp, due: &Due, answers: &Answers) -> Result<Fate, Error> {
        let (Some(address), Some(secret)) = (&due.address, &due.secret) else {
            return Ok(Fate::Drop(DropReason::EndpointGone));
        };
        let content = match (due.kind, due.verification_id, due.case_id) {
            (Kind::EndpointVerify, Some(verification_id), _) => {
                let code = self.vault.code(due.endpoint_id, verification_id);
                let data = json!({ "endpointId": due.endpoint_id, "code": code });
                Content { subject: format!("endpoints/{}", due.endpoint_id), data, cursor: None }
            }
            (_, _, Some(case_id)) => match of_case(due, case_id, answers)? {
                Ok(content) => content,
                Err(fate) => return Ok(fate),
            },
            _ => return Ok(Fate::Drop(DropReason::EndpointGone)),
        };
        let mut body = json!({
            "specversion": "1.0",
            "id": due.event_id,
            "type": due.kind.event_type(),
            "source": due.kind.source(),
            "subject": content.subject,
            "time": due.occurred_at.to_string(),
            "data": content.data,
        });
        if let Some(cursor) = content.cursor {
            body["cursor"] = cursor.into();
        }
        let call = Call {
            id: due.event_id.to_string(),
            at: now,
            secret: self.vault.secret(due.endpoint_id, secret)?,
            body: serde_json::to_vec(&body).map_err(|error| Error::Unwritable(error.into()))?,
        };
        let to = self.vault.address(due.endpoint_id, address)?;
        Ok(Fate::Send(Way::Call { to, call }))
    }
}

/// What is told of a case: the event as the feed has it, if the case is still public; otherwise what becomes
/// of the delivery.
fn of_case(due: &Due, case_id: Uuid, answers: &Answers) -> Result<Result<Content, Fate>, Error> {
    let Some(views) = &answers.views else {
        return Ok(Err(Fate::Postpone("routing away")));
    };
    let Some(view) = views.get(&case_id) else {
        return Ok(Err(Fate::Drop(DropReason::NotPublic)));
    };
    let subject = format!("cases/{case_id}");
    if !due.kind.is_in_feed() {
        let of = Unrecorded {
            event_id: due.event_id,
            kind: due.kind,
            case_id,
            occurred_at: due.occurred_at,
            traceparent: due.traceparent.as_deref(),
        };
        let data = peers::as_json(&peers::unrecorded(of, view))?;
        return Ok(Ok(Content { subject, data, cursor: None }));
    }
    let Some(events) = &answers.events else {
        return Ok(Err(Fate::Postpone("feed away")));
    };
    Ok(match events.get(&due.event_id) {
        Some(Recorded::Event { event, cursor }) => {
            let data = peers::as_json(event)?;
            Ok(Content { subject, data, cursor: Some(cursor.clone()) })
        }
        Some(Recorded::Withheld) => Err(Fate::Drop(DropReason::NotPublic)),
        None => Err(Fate::Await),
    })
}

/// Whether what is due tells something that only the public view has.
fn needs_view(channel: Channel, due: &Due) -> bool {
    match channel {
        Channel::Webhook => due.kind != Kind::EndpointVerify,
        Channel::Email => due.public && due.reply_id.is_some(),
    }
}

fn told<T>(answer: Result<T, Error>) -> Option<T> {
    answer
        .inspect_err(|error| {
            tracing::warn!(error = error as &dyn std::error::Error, "what is due waits");
        })
        .ok()
}
