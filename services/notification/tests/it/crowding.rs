//! Everybody speaks at once: in whatever order it is heard, and by however many side by side, each
//! person is told of each event once.

use std::{collections::BTreeMap, sync::Arc};

use jiff::SignedDuration;
use liuyan_kit::{clock::Clock as _, messaging::Envelope};
use liuyan_proto::liuyan::{
    common::v1::Outcome,
    notification::v1::{self as proto, subscription_service_server::SubscriptionService as _},
    routing::v1 as routing,
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy as _, any},
    prop_assert, prop_assert_eq,
    test_runner::{Config, TestCaseError, TestRunner},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use uuid::Uuid;

use crate::{
    bench::{Bench, bench, by, clerk, fresh, person},
    tellings::{Matter, a_matter},
};

/// Who hears side by side of each source.
const REPLICAS: usize = 2;

/// What the author is told of everything that [`everything`] says.
const OF_AUTHOR: [&str; 6] = [
    "case-accepted",
    "case-closed",
    "case-opened",
    "case-transferred",
    "message-approved",
    "message-returned",
];

/// All that is said of a matter, by source, in order. It ends at the office `last`, withdrawn.
fn everything(bench: &Bench, mut matter: Matter, last: &str) -> [Vec<Envelope>; 3] {
    let now = bench.clock.now();
    let (message_id, case_id) = (matter.message_id, matter.case_id);
    let intake = vec![bench.event(message_id, &matter.submission())];
    let moderation = vec![
        bench.event(message_id, &matter.sending_back(now)),
        bench.event(message_id, &matter.approval(now)),
    ];
    let mut routing = vec![
        bench.event(case_id, &matter.opening(now)),
        bench.event(case_id, &matter.assignment(now)),
        bench.event(case_id, &matter.acceptance(now)),
        bench.event(case_id, &matter.transfer(now, last)),
    ];
    let closed = matter.acceptance(now);
    let closed = routing::CaseClosed { case: closed.case, outcome: Outcome::Withdrawn.into() };
    routing.push(bench.event(case_id, &closed));
    [intake, moderation, routing]
}

/// Cuts what is said into batches, of any size up to `most`.
fn cut(chance: &mut StdRng, mut said: Vec<Envelope>, most: usize) -> Vec<Vec<Envelope>> {
    let mut batches = Vec::new();
    while !said.is_empty() {
        let size = chance.random_range(1..=most).min(said.len());
        batches.push(said.split_off(said.len() - size));
    }
    batches
}

/// People look, prefer and register, mails are sent and refused, and accounts go, while everybody
/// hears.
async fn bustle(bench: Arc<Bench>, accounts: Vec<Uuid>, offices: Vec<String>) {
    for round in 0..40 {
        let account = accounts[round % accounts.len()];
        let mut reader = clerk(account, &offices[round % offices.len()]);
        reader.offices.push(offices[(round + 1) % offices.len()].clone());
        let read = proto::MarkNoticesReadRequest::default();
        bench.grpc.mark_notices_read(by(&reader, read)).await.unwrap();
        let preferences = Some(proto::Preferences { email: true, ..Default::default() });
        let request = proto::UpdatePreferencesRequest { preferences };
        bench.grpc.update_preferences(by(&reader, request)).await.unwrap();
        let address = format!("reader-{round}@example.org");
        bench.register(&person(fresh()), |request| request.address = address).await.unwrap();
        bench.erased(fresh()).await;
        if round % 8 == 0 {
            bench.mail.refuse(&["550 no"]);
            bench.send().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_hear_side_by_side_tell_everybody_once_and_never_block_each_other() {
    let bench = Arc::new(bench().await);
    let mut chance = StdRng::seed_from_u64(7);
    let accounts: Vec<Uuid> = (0..6).map(|_| fresh()).collect();
    let offices: Vec<String> = (0..5).map(|at| format!("office-{at}")).collect();
    let mut said: [Vec<Envelope>; 3] = Default::default();
    let count = 120;
    for at in 0..count {
        let mut matter = a_matter();
        matter.account_id = Some(accounts[at % accounts.len()]);
        matter.office_id.clone_from(&offices[at % offices.len()]);
        let last = &offices[(at + 1) % offices.len()];
        for (all, of_one) in said.iter_mut().zip(everything(&bench, matter, last)) {
            all.extend(of_one);
        }
    }
    let mut hearing = Vec::new();
    for mut all in said {
        all.shuffle(&mut chance);
        let batches = cut(&mut chance, all, 30);
        for replica in 0..REPLICAS {
            let bench = Arc::clone(&bench);
            let mine: Vec<_> = batches.iter().skip(replica).step_by(REPLICAS).cloned().collect();
            hearing.push(tokio::spawn(async move {
                for batch in mine {
                    bench.hear(&batch).await;
                }
            }));
        }
    }
    hearing.push(tokio::spawn(bustle(Arc::clone(&bench), accounts.clone(), offices.clone())));
    for hears in hearing {
        hears.await.unwrap();
    }

    assert!(bench.breaches().await.is_empty(), "{:?}", bench.breaches().await);
    assert_eq!(bench.count("select count(*) from messaging.parked").await, 0);
    assert_eq!(bench.count("select count(*) from events where state = 'waiting'").await, 0);
    let each = i64::try_from(count / accounts.len() * OF_AUTHOR.len()).unwrap();
    let told = "select count(*) from notices where holder like 'account/%' group by holder";
    assert_eq!(numbers(&bench, told).await, vec![each; accounts.len()]);
    // The office that has the case at the end hears of the transfer and of the withdrawal.
    let at_the_end = "select count(*) from notices join events using (event_id)
                      where holder like 'office/%' and kind in ('case-transferred', 'case-closed')
                      group by holder";
    let each = i64::try_from(count / offices.len() * 2).unwrap();
    assert_eq!(numbers(&bench, at_the_end).await, vec![each; offices.len()]);
    let mails = "select count(*) from deliveries where priority = 1";
    assert_eq!(bench.count(mails).await, i64::try_from(count * OF_AUTHOR.len()).unwrap());
}

async fn numbers(bench: &Bench, query: &'static str) -> Vec<i64> {
    sqlx::query_scalar(query).fetch_all(&mut *bench.db.read().await.unwrap()).await.unwrap()
}

/// A source by its place among those of [`everything`], and whose turn it is there.
type Order = (Vec<(usize, usize)>, Vec<bool>, Vec<usize>);

#[test]
fn the_order_of_what_is_heard_changes_nothing_that_is_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bench = runtime.block_on(bench());
    // Three matters; of each, one event of intake, two of moderation, five of routing.
    let events: Vec<(usize, usize)> =
        (0..3).flat_map(|matter| (0..8).map(move |event| (matter, event))).collect();
    let length = events.len();
    let orders = (
        Just(events).prop_shuffle(),
        // Whether an event begins a batch of its own, and which are heard once more.
        vec(any::<bool>(), length),
        vec(0..length, 0..6),
    );
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&orders, |order| runtime.block_on(in_order(&bench, order)));
    result.unwrap();
    assert!(runtime.block_on(bench.breaches()).is_empty());
}

/// Says everything of three matters, the last of them old, in an order.
async fn in_order(bench: &Bench, (order, begins, again): Order) -> Result<(), TestCaseError> {
    let account = fresh();
    let (first, last) = (fresh().to_string(), fresh().to_string());
    let said: Vec<Vec<Envelope>> = (0..3)
        .map(|at| {
            let mut matter = a_matter();
            matter.account_id = Some(account);
            matter.office_id.clone_from(&first);
            if at == 2 {
                matter.occurred_at = Some(bench.clock.now() - SignedDuration::from_hours(25));
            }
            everything(bench, matter, &last).into_iter().flatten().collect()
        })
        .collect();
    let mut batches: Vec<Vec<Envelope>> = Vec::new();
    for ((matter, event), begins) in order.iter().zip(begins) {
        let event = said[*matter][*event].clone();
        match batches.last_mut() {
            Some(batch) if !begins && source(&batch[0]) == source(&event) => batch.push(event),
            _ => batches.push(vec![event]),
        }
    }
    let twice = again.into_iter().map(|at| vec![said[order[at].0][order[at].1].clone()]);
    batches.extend(twice);
    for batch in batches {
        bench.hear(&batch).await;
    }

    let mut expected = OF_AUTHOR.repeat(3);
    expected.sort_unstable();
    prop_assert_eq!(bench.told(&person(account)).await, expected);
    let mut of_last = ["case-closed", "case-transferred"].repeat(3);
    of_last.sort_unstable();
    prop_assert_eq!(bench.told(&clerk(fresh(), &last)).await, of_last);
    // The office that had the case before is told only while it has it.
    let of_first = bench.told(&clerk(fresh(), &first)).await;
    prop_assert!(of_first.len() <= 3 && of_first.iter().all(|kind| kind == "case-assigned"));
    let sent: BTreeMap<Uuid, i64> = sqlx::query_as(
        "select event_id, count(*) from deliveries join endpoints using (endpoint_id)
         where holder = 'account/' || $1 group by event_id",
    )
    .bind(account)
    .fetch_all(&mut *bench.db.read().await.unwrap())
    .await
    .unwrap()
    .into_iter()
    .collect();
    prop_assert_eq!(sent.len(), 2 * OF_AUTHOR.len(), "the old one's events are not mailed");
    prop_assert!(sent.values().all(|count| *count == 1));
    Ok(())
}

fn source(event: &Envelope) -> &str {
    event.kind.split('.').nth(1).unwrap()
}
