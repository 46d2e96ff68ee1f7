//! Sets of rules are tried, published and rolled back.

use std::sync::Arc;

use liuyan_moderation::{
    InForce, RuleGrpc,
    rules::{Files, RuleSet},
    screen::Screener,
};
use liuyan_proto::liuyan::moderation::v1::{
    self as proto, RuleSetState, RuleTrialState, rule_service_server::RuleService,
};
use tonic::Status;

use crate::helpers::{
    Bench, CLEAN, HELD, RELEASE, a_message, bench, fields, reason, request_id, with_scopes,
};

/// A request of an editor of rules.
pub(crate) fn editor<T>(request: T) -> tonic::Request<T> {
    with_scopes("eve", &["rules:edit"], request)
}

/// The service of rules.
pub(crate) fn service(bench: &Bench) -> RuleGrpc {
    RuleGrpc::new(Arc::clone(&bench.app))
}

/// The files of this release with one more term.
pub(crate) fn with_term(term: &str) -> proto::RuleFiles {
    let mut files = Files::current();
    files.lexicon.push_str(&format!("{term},insult,,,,,ours\n"));
    proto::RuleFiles { lexicon: files.lexicon, ..proto::RuleFiles::default() }
}

async fn begin(bench: &Bench, files: proto::RuleFiles) -> Result<proto::RuleTrial, Status> {
    let request =
        proto::TryRulesRequest { files: Some(files), request_id: request_id(), check_only: false };
    Ok(service(bench).try_rules(editor(request)).await?.into_inner().trial.unwrap())
}

/// Tries files to the end.
pub(crate) async fn tried(bench: &Bench, files: proto::RuleFiles) -> proto::RuleTrial {
    let trial_id = begin(bench, files).await.unwrap().trial_id;
    while bench.app.try_some().await.unwrap() {}
    trial(bench, &trial_id).await
}

async fn trial(bench: &Bench, trial_id: &str) -> proto::RuleTrial {
    let request = proto::GetRuleTrialRequest { trial_id: trial_id.into() };
    service(bench).get_rule_trial(editor(request)).await.unwrap().into_inner().trial.unwrap()
}

fn publishing(trial_id: &str) -> proto::PublishRulesRequest {
    proto::PublishRulesRequest {
        trial_id: trial_id.into(),
        note: "lamps".into(),
        request_id: request_id(),
    }
}

async fn publish(bench: &Bench, trial_id: &str) -> Result<proto::RuleSet, Status> {
    let answer = service(bench).publish_rules(editor(publishing(trial_id))).await?;
    Ok(answer.into_inner().rule_set.unwrap())
}

async fn roll_back(bench: &Bench, version: u32) -> Result<proto::RuleSet, Status> {
    let request =
        proto::RollBackRulesRequest { version, note: String::new(), request_id: request_id() };
    let answer = service(bench).roll_back_rules(editor(request)).await?;
    Ok(answer.into_inner().rule_set.unwrap())
}

async fn listed(bench: &Bench) -> proto::ListRulesResponse {
    let request = proto::ListRulesRequest::default();
    service(bench).list_rules(editor(request)).await.unwrap().into_inner()
}

/// Messages of which the word "lamp" would hold some.
async fn some_messages(bench: &Bench) {
    for body in
        [CLEAN, HELD, "The road has a hole.", "The lamp at the gate is out.", "The bus is late."]
    {
        bench.submit(&a_message(body)).await;
    }
    bench.screen().await;
}

#[tokio::test]
async fn a_set_is_tried_on_what_is_stored_published_and_rolled_back() {
    let bench = bench().await;
    some_messages(&bench).await;
    let tried = tried(&bench, with_term("hole")).await;
    assert_eq!(tried.state(), RuleTrialState::Done);
    assert_eq!((tried.read, tried.held_before, tried.held_after), (5, 1, 2));
    assert_eq!((tried.would_hold, tried.would_release), (1, 0));
    assert_eq!((tried.version, tried.base_version), (RELEASE + 1, RELEASE));
    assert!(tried.counts.iter().any(|count| count.rule == "insult" && count.after == 1));
    assert_eq!(tried.examples.len(), 1);
    assert!(tried.examples[0].holds && tried.examples[0].rules == ["insult"]);
    assert_eq!(listed(&bench).await.in_force, RELEASE, "a draft reads nothing");

    let set = publish(&bench, &tried.trial_id).await.unwrap_err();
    assert_eq!(reason(&set), "RULES_HOLD_TOO_MUCH", "two of five are more than three in ten");
    for at in 0..5 {
        bench.approved(&a_message(&format!("The bus is late {at}."))).await;
    }
    let tried = self::tried(&bench, with_term("hole")).await;
    let set = publish(&bench, &tried.trial_id).await.unwrap();
    assert_eq!(
        (set.version, set.state(), set.note.as_str()),
        (RELEASE + 2, RuleSetState::InForce, "lamps")
    );
    let held = bench.submit(&a_message("Another hole in the road.")).await;
    bench.screen().await;
    assert_eq!(bench.state(held).await, "held");
    assert_eq!(bench.claim("mod", held).await.rules_version, RELEASE + 2);

    let set = roll_back(&bench, RELEASE).await.unwrap();
    assert_eq!((set.version, set.state()), (RELEASE, RuleSetState::InForce));
    let passes = bench.approved(&a_message("Another hole in the road.")).await;
    let version =
        format!("select rules_version::bigint from reviews where message_id = '{passes}'");
    assert_eq!(bench.count(Box::leak(version.into_boxed_str())).await, i64::from(RELEASE));
    let list = listed(&bench).await;
    let states: Vec<_> = list.rule_sets.iter().map(|set| (set.version, set.state())).collect();
    let (draft, retired, in_force) =
        (RuleSetState::Draft, RuleSetState::Retired, RuleSetState::InForce);
    assert_eq!(states, [(RELEASE + 2, retired), (RELEASE + 1, draft), (RELEASE, in_force)]);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_set_that_holds_everything_is_refused_with_the_figure() {
    use tonic_types::StatusExt;
    let bench = bench().await;
    let mut files = Files::current();
    for word in ["\u{7684}", "\u{4e86}", "\u{6ca1}", "\u{8bf7}", "\u{5c0f}", "\u{4e00}", "\u{4e0d}"]
    {
        files.lexicon.push_str(&format!("{word},insult,,,,,ours\n"));
    }
    let files = proto::RuleFiles { lexicon: files.lexicon, ..proto::RuleFiles::default() };
    let tried = tried(&bench, files).await;
    assert_eq!(tried.read, 0, "there is no message yet, but there are ordinary ones");
    let refused = publish(&bench, &tried.trial_id).await.unwrap_err();
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(info.reason, "RULES_HOLD_TOO_MUCH");
    assert!(info.metadata["share"].parse::<f64>().unwrap() > 0.9, "{:?}", info.metadata);
    assert_eq!(listed(&bench).await.in_force, RELEASE);
}

#[tokio::test]
async fn what_was_not_tried_or_not_against_the_set_in_force_is_not_published() {
    let bench = bench().await;
    let running = begin(&bench, with_term("hole")).await.unwrap();
    let refused = publish(&bench, &running.trial_id).await.unwrap_err();
    assert_eq!(reason(&refused), "TRIAL_RUNNING");
    let refused = publish(&bench, &request_id()).await.unwrap_err();
    assert_eq!(reason(&refused), "TRIAL_NOT_FOUND");
    let other = tried(&bench, with_term("ditch")).await;
    publish(&bench, &other.trial_id).await.unwrap();
    let refused = publish(&bench, &running.trial_id).await.unwrap_err();
    assert_eq!(reason(&refused), "RULES_CHANGED");
    assert_eq!(reason(&roll_back(&bench, RELEASE + 1).await.unwrap_err()), "RULES_NEVER_IN_FORCE");
    assert_eq!(reason(&roll_back(&bench, 9).await.unwrap_err()), "RULES_NOT_FOUND");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_faulty_file_is_refused_and_every_fault_named_with_its_line() {
    let bench = bench().await;
    let mut files = with_term("Two Words");
    files.lexicon.push_str("word,nothing,,,,,ours\n");
    files.rules = "version = 1\nrule = [\n".into();
    let refused = begin(&bench, files).await.unwrap_err();
    assert_eq!(reason(&refused), "RULES_FAULTY");
    let lines = Files::current().lexicon.lines().count();
    let expected = ["files.rules[2]".to_owned(), format!("files.lexicon[{}]", lines + 2)];
    for field in expected {
        assert!(fields(&refused).contains(&field), "{field}: {:?}", fields(&refused));
    }
    assert_eq!(bench.count("select count(*) from rule_sets").await, 1, "nothing is kept");
}

#[tokio::test]
async fn a_request_that_is_repeated_is_answered_as_before() {
    let bench = bench().await;
    let request = proto::TryRulesRequest {
        files: Some(with_term("hole")),
        request_id: request_id(),
        check_only: false,
    };
    let service = service(&bench);
    let first = service.try_rules(editor(request.clone())).await.unwrap().into_inner();
    let again = service.try_rules(editor(request)).await.unwrap().into_inner();
    assert_eq!(first, again);
    while bench.app.try_some().await.unwrap() {}
    let request = publishing(&first.trial.unwrap().trial_id);
    let first = service.publish_rules(editor(request.clone())).await.unwrap().into_inner();
    let again = service.publish_rules(editor(request.clone())).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = proto::PublishRulesRequest { note: "other".into(), ..request };
    let refused = service.publish_rules(editor(other)).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_trial_that_crashed_goes_on_where_it_was_and_counts_nothing_twice() {
    let bench = bench().await;
    let messages: Vec<_> = (0..600).map(|_| a_message(CLEAN)).collect();
    bench.submit_all(&messages).await;
    let begun = begin(&bench, with_term("lamp")).await.unwrap();
    assert!(bench.app.try_some().await.unwrap());
    bench.intake.away(true);
    assert!(bench.app.try_some().await.is_err());
    assert!(!bench.app.try_some().await.unwrap(), "not at once");
    bench.intake.away(false);
    bench.after(jiff::SignedDuration::from_secs(5));
    while bench.app.try_some().await.unwrap() {}
    let done = trial(&bench, &begun.trial_id).await;
    assert_eq!((done.state(), done.read), (RuleTrialState::Done, 600));
    assert_eq!(done.examples.len(), 50);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn another_replica_takes_up_what_was_published_and_a_new_release_what_no_editor_did() {
    let bench = bench().await;
    let other = InForce::new(Screener::new(RuleSet::current().unwrap()).unwrap());
    assert_eq!(other.screener().version(), RELEASE);
    let mut newer = Files::current();
    newer.rules = newer.rules.replacen(&format!("version = {RELEASE}"), "version = 7", 1);
    bench.app.load_data(&newer).await.unwrap();
    bench.app.follow_rules().await.unwrap();
    assert_eq!(listed(&bench).await.in_force, 7);
    let tried = tried(&bench, with_term("hole")).await;
    publish(&bench, &tried.trial_id).await.unwrap();
    newer.rules = newer.rules.replacen("version = 7", "version = 8", 1);
    bench.app.load_data(&newer).await.unwrap();
    assert_eq!(listed(&bench).await.in_force, 8, "the editor's");
    assert_eq!(listed(&bench).await.rule_sets[0].version, 9, "the release's waits");
    assert!(bench.breaches().await.is_empty());
}
