//! Who is told of what: notices on the pages, and deliveries to endpoints, all in the transaction in
//! which the event is heard.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use liuyan_kit::id;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    config::Config,
    domain::{
        address::Channel, delivery::DropReason, event::Happened, holder::Holder, wish::Preferences,
    },
    store::{
        endpoints::{self, Target},
        events::Told,
        holders, notices,
        queue::{self, USUAL},
    },
    vault,
};

/// The settings that decide who is told.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How old an event is that came from another system.
    pub historical_after: jiff::SignedDuration,
    /// Whether no mail is sent.
    pub email_off: bool,
}

impl Terms {
    /// Those of the configuration.
    pub fn of(config: &Config) -> Self {
        Self { historical_after: config.historical_after(), email_off: config.email_is_off() }
    }
}

/// An event with those who are told of it, whatever they asked for.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    /// What happened.
    pub(crate) event: Happened,
    /// The author's account, if the author is told.
    pub(crate) account: Option<Uuid>,
    /// The office, if it is told: the one that has the case now, and never an accused one.
    pub(crate) office: Option<String>,
}

/// Tells of events; gives how many were told of each, in the same order.
pub(crate) async fn tell(
    tx: &mut PgConnection,
    terms: Terms,
    now: Timestamp,
    tellings: &[Telling],
) -> Result<Vec<Told>, sqlx::Error> {
    if tellings.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = tellings.iter().flat_map(|telling| {
        let account = telling.account.map(Holder::Account);
        let office = telling.office.clone().map(Holder::Office);
        account.into_iter().chain(office).map(move |holder| (holder, &telling.event))
    });
    let wanted: Vec<(Holder, &Happened)> = wanted.collect();
    let shown = show(tx, &wanted).await?;
    let sent = send(tx, terms, now, tellings, &shown.preferences).await?;
    let told = tellings.iter().map(|telling| {
        let count = |of: &HashMap<Uuid, i32>| of.get(&telling.event.event_id).copied();
        Told {
            notices: count(&shown.counts).unwrap_or_default(),
            deliveries: count(&sent).unwrap_or_default(),
        }
    });
    Ok(told.collect())
}

/// What is shown on the pages.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// How many notices each event has.
    pub(crate) counts: HashMap<Uuid, i32>,
    /// What the holders prefer; those that are erased are left out.
    preferences: HashMap<Holder, Preferences>,
}

/// Makes notices, numbered under the locks of their holders.
pub(crate) async fn show(
    tx: &mut PgConnection,
    wanted: &[(Holder, &Happened)],
) -> Result<Shown, sqlx::Error> {
    let mut more: BTreeMap<Holder, i64> = BTreeMap::new();
    for (holder, _) in wanted {
        *more.entry(holder.clone()).or_default() += 1;
    }
    let locked = holders::lock(tx, &more).await?;
    // The last number of each holder was counted already: begin before what is new.
    let mut next: HashMap<&Holder, i64> = locked
        .iter()
        .map(|(holder, row)| (holder, row.notice_count - more.get(holder).copied().unwrap_or(0)))
        .collect();
    let mut shown = Shown::default();
    let mut new = Vec::with_capacity(wanted.len());
    for (holder, event) in wanted {
        let Some(ordinal) = next.get_mut(holder) else { continue };
        *ordinal += 1;
        *shown.counts.entry(event.event_id).or_default() += 1;
        new.push(notices::New {
            holder: holder.to_string(),
            ordinal: *ordinal,
            notice_id: vault::notice_id(event.event_id, holder),
            event_id: event.event_id,
            occurred_at: event.occurred_at,
        });
    }
    notices::insert(tx, &new).await?;
    shown.preferences = locked.into_iter().map(|(holder, row)| (holder, row.preferences)).collect();
    Ok(shown)
}

/// Makes deliveries to the endpoints that want them. What happened long ago is not sent.
async fn send(
    tx: &mut PgConnection,
    terms: Terms,
    now: Timestamp,
    tellings: &[Telling],
    preferences: &HashMap<Holder, Preferences>,
) -> Result<HashMap<Uuid, i32>, sqlx::Error> {
    let news: Vec<&Telling> = tellings.iter().filter(|telling| !telling.event.historical).collect();
    let by_mail = |telling: &Telling, account: Uuid| {
        let chosen = preferences.get(&Holder::Account(account));
        telling.event.kind.tells_author()
            && chosen.is_some_and(|chosen| chosen.wants(telling.event.kind))
    };
    let mailed: BTreeSet<Uuid> = (news.iter())
        .filter_map(|telling| telling.account.filter(|account| by_mail(telling, *account)))
        .collect();
    if !mailed.is_empty() {
        let mailed: Vec<Uuid> = mailed.into_iter().collect();
        endpoints::ensure_implicit(tx, now, &mailed).await?;
    }
    let own: BTreeSet<String> = (news.iter())
        .filter(|telling| telling.event.kind.tells_author())
        .flat_map(|telling| authors(telling).into_iter().map(|holder| holder.to_string()))
        .collect();
    let own: Vec<String> = own.into_iter().collect();
    let public =
        news.iter().any(|telling| telling.event.public && telling.event.kind.tells_agencies());
    if own.is_empty() && !public {
        return Ok(HashMap::new());
    }
    let targets = endpoints::active(tx, &own, public).await?;
    let (agencies, own): (Vec<Target>, Vec<Target>) =
        targets.into_iter().partition(|target| matches!(target.holder, Holder::Agency(_)));
    let mut by_holder: HashMap<&Holder, Vec<&Target>> = HashMap::new();
    for target in &own {
        by_holder.entry(&target.holder).or_default().push(target);
    }
    let mut counts = HashMap::new();
    let mut new = Vec::new();
    for telling in news {
        let event = &telling.event;
        let author = if event.kind.tells_author() { authors(telling) } else { Vec::new() };
        let author = author.iter().filter_map(|holder| by_holder.get(holder)).flatten().copied();
        let author = author.filter(|target| match telling.account {
            Some(account) if target.implicit => by_mail(telling, account),
            _ => target.wish.wants(event.kind),
        });
        let agencies = agencies.iter().filter(|target| target.wish.wants_public(event));
        for target in author.chain(agencies) {
            *counts.entry(event.event_id).or_default() += 1;
            new.push(delivery(terms, now, event.event_id, target));
        }
    }
    queue::insert(tx, now, &new).await?;
    Ok(counts)
}

/// The holders that stand for the author of a message: the account, and the message itself.
fn authors(telling: &Telling) -> Vec<Holder> {
    let account = telling.account.map(Holder::Account);
    account.into_iter().chain([Holder::Message(telling.event.message_id)]).collect()
}

fn delivery(terms: Terms, now: Timestamp, event_id: Uuid, target: &Target) -> queue::New {
    let off = terms.email_off && target.channel == Channel::Email;
    queue::New {
        delivery_id: id::v7(now),
        event_id,
        endpoint_id: target.endpoint_id,
        channel: target.channel,
        priority: USUAL,
        dropped: off.then(|| DropReason::ChannelOff.as_str()),
    }
}
