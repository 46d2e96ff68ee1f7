//! What one service hands on to the next is there, once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::{Databases, Finding, number, rows};
use crate::error::Error;

pub(super) async fn run(databases: &Databases) -> Result<Vec<Finding>, Error> {
    Ok(vec![
        states_add_up(databases).await?,
        reviews_are_messages(databases).await?,
        approved_is_cased(databases).await?,
        intake_knows_the_cases(databases).await?,
        wishes_are_heard(databases).await?,
        erasures_are_heard(databases).await?,
        feed_is_what_routing_made_public(databases).await?,
    ])
}

/// stored = in review + returned + declined + withdrawn + erased + approved.
async fn states_add_up(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new(
        "stored = in review + returned + declined + withdrawn + erased + approved",
        "intake, moderation",
    );
    let stored = number(databases.of("intake")?, "select count(*) from messages").await?;
    let counts: Vec<(String, i64)> = rows(
        databases.of("moderation")?,
        "select case when erased_at is null then state else 'erased' end, count(*)
             from reviews group by 1",
    )
    .await?;
    let counts: BTreeMap<String, i64> = counts.into_iter().collect();
    let sum: i64 = counts.values().sum();
    finding.checked = stored;
    if stored != sum.unsigned_abs() {
        finding.breach(format!(
            "{stored} messages are stored, the reviews' states add up to {sum}: {counts:?}"
        ));
    }
    Ok(finding)
}

/// Every message has a review that stands where intake says, and no review is without a message.
async fn reviews_are_messages(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("every message has its review", "intake, moderation");
    let messages: Vec<(Uuid, String, i32)> = rows(
        databases.of("intake")?,
        "select message_id, case when state = 'withdrawn' and case_id is not null
                                 then 'approved' else state end, revision from messages",
    )
    .await?;
    let reviews: Vec<(Uuid, String, i32)> = rows(
        databases.of("moderation")?,
        "select message_id, case when erased_at is not null then 'erased'
                                 when state in ('screening', 'held') then 'in_review'
                                 -- For intake, what was decided stands until the appeal is decided.
                                 when state = 'appealed' then
                                     (select case decision when 'return' then 'returned' else 'declined' end
                                      from decisions where decisions.message_id = reviews.message_id
                                                       and ordinal = decision_count)
                                 else state end, revision from reviews",
    )
    .await?;
    compare(&mut finding, messages, reviews, "message", ("intake", "moderation"));
    Ok(finding)
}

/// approved = cased.
async fn approved_is_cased(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("approved = cased", "moderation, routing");
    let approved: Vec<(Uuid, String, i32)> = rows(
        databases.of("moderation")?,
        "select message_id, number, revision from reviews where state = 'approved'",
    )
    .await?;
    let cased: Vec<(Uuid, String, i32)> = rows(
        databases.of("routing")?,
        "select openings.message_id, cases.number, openings.text_revision
         from openings left join cases using (message_id)
         where cases.case_id is not null or openings.state = 'done'",
    )
    .await
    .map_err(|_| Error::Check("a case is missing for an opening that is done".to_owned()))?;
    compare(&mut finding, approved, cased, "message", ("moderation", "routing"));
    Ok(finding)
}

/// Intake tells the author of the case that there is.
async fn intake_knows_the_cases(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("the author is told of the case", "intake, routing");
    let told: Vec<(Uuid, String, i32)> = rows(
        databases.of("intake")?,
        "select message_id, case_id::text, 0 from messages where case_id is not null",
    )
    .await?;
    let cases: Vec<(Uuid, String, i32)> =
        rows(databases.of("routing")?, "select message_id, case_id::text, 0 from cases").await?;
    compare(&mut finding, told, cases, "message", ("intake", "routing"));
    Ok(finding)
}

/// Every wish to withdraw has come to routing, which decides or remembers it.
async fn wishes_are_heard(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("every wish to withdraw is heard", "intake, routing");
    let asked: Vec<(Uuid, String, i32)> = rows(
        databases.of("intake")?,
        "select message_id, 'asked', 0 from messages where withdrawal_requested_at is not null",
    )
    .await?;
    let heard: Vec<(Uuid, String, i32)> =
        rows(databases.of("routing")?, "select message_id, 'asked', 0 from withdrawals").await?;
    compare(&mut finding, asked, heard, "the wish for message", ("intake", "routing"));
    Ok(finding)
}

/// Every erasure has come to routing, which remembers it.
async fn erasures_are_heard(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("every erasure is heard", "intake, routing");
    let erased: Vec<(Uuid, String, i32)> = rows(
        databases.of("intake")?,
        "select message_id, 'erased', 0 from messages where erased_at is not null",
    )
    .await?;
    let heard: Vec<(Uuid, String, i32)> =
        rows(databases.of("routing")?, "select message_id, 'erased', 0 from erasures").await?;
    compare(&mut finding, erased, heard, "the erasure of message", ("intake", "routing"));
    Ok(finding)
}

fn compare(
    finding: &mut Finding,
    left: Vec<(Uuid, String, i32)>,
    right: Vec<(Uuid, String, i32)>,
    thing: &str,
    (left_name, right_name): (&str, &str),
) {
    finding.checked = left.len() as u64;
    let mut right: HashMap<Uuid, (String, i32)> =
        right.into_iter().map(|(id, state, revision)| (id, (state, revision))).collect();
    for (id, state, revision) in left {
        match right.remove(&id) {
            None => finding.breach(format!("{thing} {id} is missing in {right_name}")),
            Some(other) if other != (state.clone(), revision) => finding.breach(format!(
                "{thing} {id}: {left_name} says {state} (revision {revision}), {right_name} {} (revision {})",
                other.0, other.1
            )),
            Some(_) => {}
        }
    }
    for id in right.into_keys() {
        finding.breach(format!("{thing} {id} is missing in {left_name}"));
    }
}

/// The events of cases that the feed holds, or says why it does not, are those that routing said.
async fn feed_is_what_routing_made_public(databases: &Databases) -> Result<Finding, Error> {
    let mut finding = Finding::new("the feed is what routing made public", "routing, feed");
    let said: Vec<(Uuid,)> = rows(
        databases.of("routing")?,
        "select event_id from messaging.outbox
         where type in ('liuyan.routing.v1.case-opened', 'liuyan.routing.v1.case-assigned',
                        'liuyan.routing.v1.case-accepted', 'liuyan.routing.v1.case-transferred',
                        'liuyan.routing.v1.case-returned', 'liuyan.routing.v1.case-paused',
                        'liuyan.routing.v1.case-resumed', 'liuyan.routing.v1.case-extended',
                        'liuyan.routing.v1.case-grouped', 'liuyan.routing.v1.case-ungrouped',
                        'liuyan.routing.v1.helper-invited', 'liuyan.routing.v1.reply-corrected',
                        'liuyan.routing.v1.follow-up-asked', 'liuyan.routing.v1.case-reopened',
                        'liuyan.routing.v1.promise-made', 'liuyan.routing.v1.promise-kept',
                        'liuyan.routing.v1.promise-broken',
                        'liuyan.routing.v1.case-replied',
                        'liuyan.routing.v1.case-closed', 'liuyan.routing.v1.case-text-changed',
                        'liuyan.routing.v1.withdrawal-refused')",
    )
    .await?;
    let held: Vec<(Uuid, String)> = rows(
        databases.of("feed")?,
        "select event_id, 'log' from log
         union all select event_id, 'withheld' from withheld
         union all select event_id, 'pending' from pending",
    )
    .await?;
    finding.checked = said.len() as u64;
    let said: BTreeSet<Uuid> = said.into_iter().map(|(id,)| id).collect();
    let mut places: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for (id, place) in held {
        places.entry(id).or_default().push(place);
    }
    for id in &said {
        match places.remove(id).as_deref() {
            None => finding.breach(format!("event {id} is missing in the feed")),
            Some([place]) if place == "pending" => {
                finding.breach(format!("event {id} still waits to enter the feed"));
            }
            Some([_]) => {}
            Some(several) => finding.breach(format!("event {id} is in {}", several.join(" and "))),
        }
    }
    for id in places.into_keys() {
        finding.breach(format!("event {id} is in the feed and was never said"));
    }
    Ok(finding)
}
