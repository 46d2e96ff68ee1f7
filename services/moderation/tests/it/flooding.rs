//! One author sends far more than a person writes.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::clock::to_proto;
use liuyan_moderation::Config;
use uuid::Uuid;

use crate::helpers::{Bench, Message, a_message, at, bench_with, config};

/// How many messages the spammer sends.
const MANY: u32 = 1_000;
/// How many of them `flooding_messages` lets through.
const LIMIT: i64 = 10;

fn written(author: &str, at: Timestamp, body: &str) -> Message {
    let mut message = a_message(body);
    message.event.author_id = author.into();
    message.event.submitted_at = Some(to_proto(at));
    message
}

/// A burst of messages that have no more in common than the words of one language.
fn burst() -> Vec<Message> {
    let begun = at("2026-05-01T07:00:00Z");
    // No digits, so that they are no numbers of anybody.
    let letter = |c: char| char::from(b'g' + c.to_digit(16).map_or(0, |digit| digit as u8));
    let body = |number: u64| {
        let word = |at: u64| {
            let mixed = (number * 31 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            format!("{mixed:016x}").chars().map(letter).collect::<String>()
        };
        format!("About {} and {} and {}.", word(1), word(2), word(3))
    };
    (0..MANY)
        .map(|number| {
            let at = begun + SignedDuration::from_millis(i64::from(number));
            written("spammer", at, &body(number.into()))
        })
        .collect()
}

async fn held(bench: &Bench, author: &'static str) -> Vec<Uuid> {
    sqlx::query_scalar(
        "select message_id from reviews where author_id = $1 and state = 'held'
         order by submitted_at, message_id",
    )
    .bind(author)
    .fetch_all(&mut *bench.db.read().await.unwrap())
    .await
    .unwrap()
}

#[tokio::test]
async fn who_floods_the_board_is_held_from_the_limit_on_and_delays_nobody_else() {
    let bench = bench_with(Config { compare_messages: true, ..config() }).await;
    let burst = burst();
    let sent: Vec<Uuid> =
        burst.iter().map(|message| message.event.message_id.parse().unwrap()).collect();
    let mut others = Vec::new();
    // The burst comes in batches, and all of it before anything is read; others write between and after.
    for (number, batch) in burst.chunks(200).enumerate() {
        bench.submit_all(batch).await;
        let body = format!("The lamp at gate {number} is broken, please mend it.");
        let at = at("2026-05-01T07:00:05Z");
        others.push(bench.submit(&written(&format!("neighbour {number}"), at, &body)).await);
    }
    assert!(bench.app.screen_some().await.unwrap() < sent.len(), "one round of several");
    for other in &others {
        assert_eq!(bench.state(*other).await, "approved", "in the very first round");
    }
    bench.screen().await;
    let held = held(&bench, "spammer").await;
    let from = usize::try_from(LIMIT).unwrap();
    assert_eq!(held.len(), sent.len() - from);
    assert!(held == sent[from..], "exactly those after the first ten, in their order");
    let flooded = "select count(distinct message_id) from hits where rule = 'flooding'";
    assert_eq!(bench.count(flooded).await, i64::from(MANY) - LIMIT);
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}
