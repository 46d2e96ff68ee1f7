//! What the others said takes effect, inside the consumer's transaction. There is no order between
//! sources: an event of a message that intake has not told of yet is kept, and told when it has.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::telling::{self, Telling, Terms};
use crate::{
    domain::{event::Happened, holder::Holder},
    store::{
        self, erasing, events, holders,
        messages::{self, CaseNow, Known, Submission},
        offices::{self, Office},
    },
};

/// Something that was heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// What happened.
    pub(crate) event: Happened,
    /// The office that has the case after it.
    pub(crate) holder_office_id: String,
    /// Offices that are never told of the case.
    pub(crate) accused_office_ids: Vec<String>,
}

/// Something happened to messages or cases. Events of one case come in order.
pub(crate) async fn happened(
    tx: &mut PgConnection,
    terms: Terms,
    now: Timestamp,
    heard: Vec<Heard>,
) -> Result<(), sqlx::Error> {
    store::take_turn(tx).await?;
    let mut counts: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut cases: BTreeMap<Uuid, CaseNow> = BTreeMap::new();
    for one in &heard {
        let event = &one.event;
        *counts.entry(event.message_id).or_default() += 1;
        let Some(case_id) = event.case_id else { continue };
        let earlier = cases.get(&case_id).map_or(0, |case| case.more_events);
        let case = CaseNow {
            message_id: event.message_id,
            office_id: one.holder_office_id.clone(),
            public: event.public,
            accused_office_ids: one.accused_office_ids.clone(),
            more_events: earlier + 1,
        };
        cases.insert(case_id, case);
    }
    let known = messages::count_events(tx, &counts).await?;
    messages::put_cases(tx, &cases).await?;

    let cases: HashMap<Uuid, CaseNow> = cases.into_iter().collect();
    let (mut ready, mut waiting) = (Vec::new(), Vec::new());
    for one in heard {
        match known.get(&one.event.message_id) {
            Some(known) if known.submitted => ready.push(of_message(one.event, *known)),
            _ => waiting.push((one.event, None)),
        }
    }
    choose_offices(tx, &mut ready, &cases).await?;
    let told = telling::tell(tx, terms, now, &ready).await?;
    let ready = ready.into_iter().zip(told).map(|(telling, told)| (telling.event, Some(told)));
    waiting.extend(ready);
    events::insert(tx, &waiting).await
}

/// Messages were submitted: whatever waited for them is told now.
pub(crate) async fn submitted(
    tx: &mut PgConnection,
    terms: Terms,
    now: Timestamp,
    mut new: Vec<Submission>,
) -> Result<(), sqlx::Error> {
    store::take_turn(tx).await?;
    new.sort_by_key(|one| one.message_id);
    let waited_for = messages::submit(tx, &new).await?;
    let accounts: BTreeMap<Holder, i64> =
        new.iter().filter_map(|one| Some((Holder::Account(one.account_id?), 0))).collect();
    let alive = holders::lock(tx, &accounts).await?;
    let gone: Vec<Uuid> = (accounts.keys())
        .filter(|holder| !alive.contains_key(*holder))
        .filter_map(Holder::account)
        .collect();
    if !gone.is_empty() {
        erasing::forget_authors(tx, &gone).await?;
    }
    if waited_for.is_empty() {
        return Ok(());
    }
    let known: HashMap<Uuid, Known> = (new.iter())
        .map(|one| {
            let account_id = one.account_id.filter(|id| !gone.contains(id));
            let historical = one.historical;
            (one.message_id, Known { submitted: true, account_id, historical })
        })
        .collect();
    let waiting = events::waiting(tx, &waited_for).await?;
    let case_ids: Vec<Uuid> = waiting.iter().filter_map(|event| event.case_id).collect();
    let cases = messages::cases(tx, &case_ids).await?;
    let ready = waiting.into_iter().filter_map(|event| {
        let known = *known.get(&event.message_id)?;
        Some(of_message(event, known))
    });
    let mut ready: Vec<Telling> = ready.collect();
    choose_offices(tx, &mut ready, &cases).await?;
    let told = telling::tell(tx, terms, now, &ready).await?;
    let told: Vec<_> =
        ready.into_iter().zip(told).map(|(telling, told)| (telling.event, told)).collect();
    events::settle(tx, &told).await
}

/// Offices were put under others.
pub(crate) async fn offices_put(
    tx: &mut PgConnection,
    put: &BTreeMap<String, Office>,
) -> Result<(), sqlx::Error> {
    store::take_turn(tx).await?;
    offices::put(tx, put).await
}

/// An event of a message that is known.
fn of_message(mut event: Happened, known: Known) -> Telling {
    // What moderation says of a message from another system concerns its past; what an office does
    // with it now is told by the case's own times.
    event.historical |= known.historical && event.case_id.is_none();
    let account = known.account_id.filter(|_| event.kind.tells_author());
    Telling { event, account, office: None }
}

/// Chooses the offices that are told: the one that has the case now, or that the event names, unless it,
/// or an office above it, is accused. Routing gives no case to such an office; here it is not told even by mistake.
async fn choose_offices(
    tx: &mut PgConnection,
    tellings: &mut [Telling],
    cases: &HashMap<Uuid, CaseNow>,
) -> Result<(), sqlx::Error> {
    let case = |telling: &Telling| {
        let event = &telling.event;
        let case = cases.get(&event.case_id?)?;
        let told = event.kind.tells_office(event.withdrawn)
            && !event.office_id.is_empty()
            && (event.kind.names_its_office() || case.office_id == event.office_id);
        told.then_some(case)
    };
    let doubtful: Vec<String> = (tellings.iter())
        .filter(|telling| case(telling).is_some_and(|case| !case.accused_office_ids.is_empty()))
        .map(|telling| telling.event.office_id.clone())
        .collect();
    let chains = match doubtful.is_empty() {
        true => HashMap::new(),
        false => offices::chains(tx, &doubtful).await?,
    };
    for telling in tellings {
        telling.office = case(telling).and_then(|case| {
            let office_id = &telling.event.office_id;
            let alone = std::slice::from_ref(office_id);
            let chain = chains.get(office_id).map_or(alone, Vec::as_slice);
            let accused = chain.iter().any(|office| case.accused_office_ids.contains(office));
            (!accused).then(|| office_id.clone())
        });
    }
    Ok(())
}
