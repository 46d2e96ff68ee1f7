//! Trials of limits by which messages are compared.

use liuyan_kit::clock::to_proto;
use liuyan_moderation::{Config, rules::Files};
use liuyan_proto::liuyan::moderation::v1::{self as proto, rule_service_server::RuleService};
use uuid::Uuid;

use crate::{
    helpers::{Bench, CLEAN, RELEASE, a_message, at, bench, bench_with, config},
    rules::{editor, service, tried, with_term},
};

const LAMP: &str = "The street lamp before number nine has been out for three weeks and nobody has come to mend it.";
const LAMP_AGAIN: &str = "The street lamp before number nine has been out for four weeks, and nobody has come to mend it!";

async fn comparing() -> Bench {
    bench_with(Config { compare_messages: true, ..config() }).await
}

/// The rules of this release with another limit.
fn with_limit(before: &str, after: &str) -> proto::RuleFiles {
    let rules = Files::current().rules;
    assert!(rules.contains(before), "{before}");
    proto::RuleFiles { rules: rules.replacen(before, after, 1), ..proto::RuleFiles::default() }
}

async fn written(bench: &Bench, author: &str, minute: u32, body: &str) -> Uuid {
    let mut message = a_message(body);
    message.event.author_id = author.into();
    message.event.submitted_at = Some(to_proto(at(&format!("2026-05-01T07:{minute:02}:00Z"))));
    let id = bench.submit(&message).await;
    bench.screen().await;
    id
}

fn count(trial: &proto::RuleTrial, rule: &str) -> (u32, u32) {
    let counted = trial.counts.iter().find(|count| count.rule == rule);
    counted.map_or((0, 0), |count| (count.before, count.after))
}

#[tokio::test]
async fn a_trial_shows_what_another_limit_of_flooding_would_hold() {
    let bench = comparing().await;
    let mut ids = Vec::new();
    for (minute, body) in (0..).zip([
        "A hole is in our street.",
        "Somebody should mow the lawn.",
        "When does school begin?",
        "Thanks for fixing my tap!",
    ]) {
        ids.push(written(&bench, "ann", minute, body).await);
    }
    written(&bench, "bob", 9, "The bus to the library is late again.").await;
    let trial = tried(&bench, with_limit("flooding_messages = 10", "flooding_messages = 2")).await;
    assert_eq!((trial.read, trial.held_before, trial.held_after), (5, 0, 2));
    assert_eq!(count(&trial, "flooding"), (0, 2));
    let mut examples: Vec<_> =
        trial.examples.iter().map(|one| (one.message_id.clone(), one.holds)).collect();
    examples.sort();
    let mut expected: Vec<_> = ids[2..].iter().map(|id| (id.to_string(), true)).collect();
    expected.sort();
    assert_eq!(examples, expected);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_trial_shows_which_near_duplicates_another_limit_would_let_pass() {
    let bench = comparing().await;
    written(&bench, "ann", 0, LAMP).await;
    let again = written(&bench, "ann", 5, LAMP_AGAIN).await;
    assert_eq!(bench.state(again).await, "held");
    let files = with_limit("duplicate_likeness = 0.5", "duplicate_likeness = 0.99");
    let trial = tried(&bench, files).await;
    assert_eq!((trial.held_before, trial.held_after, trial.would_release), (1, 0, 1));
    assert_eq!(count(&trial, "near-duplicate"), (1, 0), "the first is like nothing before it");
    assert_eq!(trial.examples[0].message_id, again.to_string());
    let since = trial.compared_since.unwrap().seconds;
    assert_eq!(trial.started_at.unwrap().seconds - since, 90 * 24 * 3_600);
}

#[tokio::test]
async fn a_trial_says_so_where_messages_are_not_compared() {
    let bench = bench().await;
    bench.approved(&a_message(CLEAN)).await;
    assert_eq!(tried(&bench, with_term("hole")).await.compared_since, None);
}

#[tokio::test]
async fn a_list_of_sets_tells_how_many_messages_each_has_read() {
    let bench = bench().await;
    for _ in 0..3 {
        bench.approved(&a_message(CLEAN)).await;
    }
    tried(&bench, with_term("hole")).await;
    let request = editor(proto::ListRulesRequest::default());
    let listed = service(&bench).list_rules(request).await.unwrap().into_inner().rule_sets;
    let counts: Vec<_> = listed.iter().map(|set| (set.version, set.message_count)).collect();
    assert_eq!(counts, [(RELEASE + 1, 0), (RELEASE, 3)]);
    assert_eq!(listed[0].trial.as_ref().unwrap().read, 3, "beside what its trial read");
}
