//! `RuleService`: requests in, answers out.

use std::sync::Arc;

use liuyan_kit::{auth::Caller, class::Violation, clock::to_proto, locale::Words};
use liuyan_proto::liuyan::moderation::v1::{self as proto, rule_service_server::RuleService};
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    decode, name,
    parse::{self, listing},
    words,
};
use crate::{
    app::{App, calls::Write},
    domain::{rules::Files, trial::Trial},
    error::{Error, Faults},
    store::rules::Listed,
};

/// The longest note, in characters.
const LONGEST_NOTE: usize = 200;

/// Serves `RuleService`.
pub struct RuleGrpc {
    app: Arc<App>,
    words: Words,
}

impl RuleGrpc {
    /// Serves the use cases of `app`.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, words: words() }
    }

    pub(super) fn app(&self) -> &Arc<App> {
        &self.app
    }

    fn answer<T>(&self, caller: &Caller, result: Result<T, Error>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    async fn list(
        &self,
        request: proto::ListRulesRequest,
    ) -> Result<proto::ListRulesResponse, Error> {
        let mut faults = Faults::default();
        let size = listing::size(&mut faults, request.page_size);
        let below = match request.page_token.as_str() {
            "" => Some(u32::MAX),
            token => token.parse().ok(),
        };
        faults.check(below.is_some(), "page_token", "PAGE_TOKEN_INVALID");
        faults.end()?;
        let (listed, in_force, trials) =
            self.app.list_rules(below.unwrap_or(u32::MAX), size).await?;
        let more = u32::try_from(listed.len()).is_ok_and(|listed| listed == size);
        let last = listed.last().filter(|_| more);
        Ok(proto::ListRulesResponse {
            next_page_token: last.map(|set| set.version.to_string()).unwrap_or_default(),
            rule_sets: listed
                .iter()
                .map(|set| {
                    let trial = trials.iter().find(|trial| trial.version == set.version);
                    rule_set(set, in_force, trial)
                })
                .collect(),
            in_force,
        })
    }

    async fn begin(
        &self,
        caller: &Caller,
        request: proto::TryRulesRequest,
    ) -> Result<proto::TryRulesResponse, Error> {
        let given = request.files.clone().unwrap_or_default();
        let files = Files { rules: given.rules, lexicon: given.lexicon, everyday: given.everyday };
        if request.check_only {
            self.app.check_rules(files).await?;
            return Ok(proto::TryRulesResponse { trial: None });
        }
        let call = call(caller, "TryRules", &request, &request.request_id)?;
        let answer = self.app.try_rules(call, files, |begun| {
            proto::TryRulesResponse { trial: Some(trial(begun)) }.encode_to_vec()
        });
        decode(&answer.await?)
    }

    async fn publish(
        &self,
        caller: &Caller,
        request: proto::PublishRulesRequest,
    ) -> Result<proto::PublishRulesResponse, Error> {
        let call = call(caller, "PublishRules", &request, &request.request_id)?;
        let trial_id = parse::id("trial_id", &request.trial_id)?;
        let note = note(&request.note)?;
        let answer = self.app.publish_rules(call, trial_id, note, |set, in_force, trial| {
            let rule_set = Some(rule_set(set, in_force, trial));
            proto::PublishRulesResponse { rule_set }.encode_to_vec()
        });
        decode(&answer.await?)
    }

    async fn roll_back(
        &self,
        caller: &Caller,
        request: proto::RollBackRulesRequest,
    ) -> Result<proto::RollBackRulesResponse, Error> {
        let call = call(caller, "RollBackRules", &request, &request.request_id)?;
        let mut faults = Faults::default();
        faults.check(request.version > 0, "version", "VERSION_REQUIRED");
        faults.end()?;
        let note = note(&request.note)?;
        let answer =
            self.app.roll_back_rules(call, request.version, note, |set, in_force, trial| {
                let rule_set = Some(rule_set(set, in_force, trial));
                proto::RollBackRulesResponse { rule_set }.encode_to_vec()
            });
        decode(&answer.await?)
    }
}

/// A write that its caller may repeat.
pub(super) fn call(
    caller: &Caller,
    rpc: &str,
    request: &impl Message,
    request_id: &str,
) -> Result<Write, Error> {
    let request_id: Uuid = parse::id("request_id", request_id)?;
    let hash = Sha256::new().chain_update(rpc).chain_update(request.encode_to_vec()).finalize();
    Ok(Write { caller: name(caller), request_id, body_hash: hash.into() })
}

fn note(note: &str) -> Result<String, Error> {
    let mut faults = Faults::default();
    if note.chars().count() > LONGEST_NOTE {
        faults.push(Violation::new("note", "NOTE_TOO_LONG").with("max", LONGEST_NOTE));
    }
    faults.end()?;
    Ok(note.to_owned())
}

fn rule_set(set: &Listed, in_force: u32, last: Option<&Trial>) -> proto::RuleSet {
    let state = if set.version == in_force {
        proto::RuleSetState::InForce
    } else if set.published.is_some() {
        proto::RuleSetState::Retired
    } else {
        proto::RuleSetState::Draft
    };
    let published = set.published.as_ref();
    proto::RuleSet {
        version: set.version,
        state: state.into(),
        from_release: set.from_release,
        rule_count: set.rule_count,
        made_by: set.made_by.clone(),
        made_at: Some(to_proto(set.made_at)),
        published_by: published.map(|(by, ..)| by.clone()).unwrap_or_default(),
        published_at: published.map(|(_, at, _)| to_proto(*at)),
        note: published.map(|(.., note)| note.clone()).unwrap_or_default(),
        message_count: set.message_count,
        trial: last.map(trial),
    }
}

fn trial(trial: &Trial) -> proto::RuleTrial {
    let tally = &trial.tally;
    let state =
        if trial.done { proto::RuleTrialState::Done } else { proto::RuleTrialState::Running };
    proto::RuleTrial {
        trial_id: trial.trial_id.to_string(),
        version: trial.version,
        base_version: trial.base_version,
        state: state.into(),
        wanted: trial.wanted,
        read: tally.read,
        held_before: tally.held_before,
        held_after: tally.held_after,
        would_hold: tally.would_hold,
        would_release: tally.would_release,
        ordinary: trial.ordinary,
        ordinary_held: trial.ordinary_held,
        counts: tally
            .rules
            .iter()
            .map(|(rule, (before, after))| proto::RuleCount {
                rule: rule.clone(),
                before: *before,
                after: *after,
            })
            .collect(),
        examples: tally
            .examples
            .iter()
            .map(|example| proto::RuleExample {
                message_id: example.message_id.to_string(),
                holds: example.holds,
                rules: example.rules.clone(),
            })
            .collect(),
        started_by: trial.started_by.clone(),
        started_at: Some(to_proto(trial.started_at)),
        ended_at: trial.ended_at.map(to_proto),
        compared_since: trial.compared_since.map(to_proto),
    }
}

#[tonic::async_trait]
impl RuleService for RuleGrpc {
    async fn list_rules(
        &self,
        request: Request<proto::ListRulesRequest>,
    ) -> Result<Response<proto::ListRulesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.list(request.into_inner()).await)
    }

    async fn get_rules(
        &self,
        request: Request<proto::GetRulesRequest>,
    ) -> Result<Response<proto::GetRulesResponse>, Status> {
        let caller = Caller::of(&request);
        let files = self.app.rules_files(request.get_ref().version).await;
        let answer = files.map(|(version, files)| proto::GetRulesResponse {
            version,
            files: Some(proto::RuleFiles {
                rules: files.rules,
                lexicon: files.lexicon,
                everyday: files.everyday,
            }),
        });
        self.answer(&caller, answer)
    }

    async fn try_rules(
        &self,
        request: Request<proto::TryRulesRequest>,
    ) -> Result<Response<proto::TryRulesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.begin(&caller, request.into_inner()).await)
    }

    async fn get_rule_trial(
        &self,
        request: Request<proto::GetRuleTrialRequest>,
    ) -> Result<Response<proto::GetRuleTrialResponse>, Status> {
        let caller = Caller::of(&request);
        let asked = async {
            let trial_id = parse::id("trial_id", &request.get_ref().trial_id)?;
            let found = self.app.rule_trial(trial_id).await?;
            Ok(proto::GetRuleTrialResponse { trial: Some(trial(&found)) })
        };
        self.answer(&caller, asked.await)
    }

    async fn publish_rules(
        &self,
        request: Request<proto::PublishRulesRequest>,
    ) -> Result<Response<proto::PublishRulesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.publish(&caller, request.into_inner()).await)
    }

    async fn roll_back_rules(
        &self,
        request: Request<proto::RollBackRulesRequest>,
    ) -> Result<Response<proto::RollBackRulesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.roll_back(&caller, request.into_inner()).await)
    }

    async fn list_office_policies(
        &self,
        request: Request<proto::ListOfficePoliciesRequest>,
    ) -> Result<Response<proto::ListOfficePoliciesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.policies(request.into_inner()).await)
    }

    async fn put_office_policy(
        &self,
        request: Request<proto::PutOfficePolicyRequest>,
    ) -> Result<Response<proto::PutOfficePolicyResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.put_policy(&caller, request.into_inner()).await)
    }
}
