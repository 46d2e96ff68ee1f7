//! `liuyan rules`: the sets of rules by which messages are read.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use liuyan_kit::{
    clock::{Clock as _, SystemClock},
    id,
};
use liuyan_proto::liuyan::moderation::v1::{
    self as proto, RuleTrialState, rule_service_client::RuleServiceClient,
};
use serde_json::json;
use tokio::time::sleep;
use tonic::{Status, service::interceptor::InterceptedService, transport::Channel};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::{
    args::{self, Output},
    board::{Bearer, Board},
    error::Error,
    output,
};

/// The names of the three files in a folder.
const FILES: [&str; 3] = ["rules.toml", "lexicon.csv", "everyday.txt"];
/// How often a trial is asked how far it is.
const ASK: Duration = Duration::from_secs(1);

/// What to do with sets of rules.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists the sets, the newest first.
    List,
    /// Writes the files of a set into a folder.
    Get {
        /// Its number; the set in force if left out.
        #[arg(long, default_value_t = 0)]
        version: u32,
        /// The folder; it is made.
        folder: PathBuf,
    },
    /// Tells everything that is wrong with files; nothing is kept.
    Check {
        /// The folder; a file that is not there is that of the set in force.
        folder: PathBuf,
    },
    /// Reads stored messages by a new set and tells what it would do.
    Try {
        /// The folder; a file that is not there is that of the set in force.
        folder: PathBuf,
    },
    /// Puts a set in force that was tried.
    Publish {
        /// The trial's id.
        #[arg(value_parser = args::uuid)]
        trial: Uuid,
        /// Why.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Puts a set in force again that was in force before.
    RollBack {
        /// Its number.
        version: u32,
        /// Why.
        #[arg(long, default_value = "")]
        note: String,
    },
}

type Rules = RuleServiceClient<InterceptedService<Channel, Bearer>>;

/// Runs the command.
pub(crate) async fn run(board: &Board, command: Command, output: Output) -> Result<(), Error> {
    let channel = board.channel("moderation", &["rules:edit"]).await?;
    let mut rules = RuleServiceClient::new(channel);
    match command {
        Command::List => list(&mut rules, output).await,
        Command::Get { version, folder } => get(&mut rules, version, &folder).await,
        Command::Check { folder } => {
            send(&mut rules, &folder, true).await?;
            output::line("nothing is wrong with these files");
            Ok(())
        }
        Command::Try { folder } => {
            let begun = send(&mut rules, &folder, false).await?.unwrap_or_default();
            let done = wait(&mut rules, begun.trial_id, output).await?;
            tell(&done, output);
            Ok(())
        }
        Command::Publish { trial, note } => {
            let request = proto::PublishRulesRequest {
                trial_id: trial.to_string(),
                note,
                request_id: request_id(),
            };
            let answer = rules.publish_rules(request).await.map_err(refused)?.into_inner();
            in_force(answer.rule_set, output);
            Ok(())
        }
        Command::RollBack { version, note } => {
            let request_id = request_id();
            let request = proto::RollBackRulesRequest { version, note, request_id };
            let answer = rules.roll_back_rules(request).await.map_err(refused)?.into_inner();
            in_force(answer.rule_set, output);
            Ok(())
        }
    }
}

async fn list(rules: &mut Rules, output: Output) -> Result<(), Error> {
    let request = proto::ListRulesRequest { page_size: 200, page_token: String::new() };
    let listed = rules.list_rules(request).await.map_err(refused)?.into_inner();
    let rows: Vec<_> = listed.rule_sets.iter().map(described).collect();
    let header =
        ["version", "state", "rules", "made by", "published by", "read", "would hold", "note"];
    output::rows(output, &header, &rows, |row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        vec![
            row["version"].to_string(),
            text("state"),
            row["rules"].to_string(),
            text("made_by"),
            text("published_by"),
            row["messages"].to_string(),
            row["share"].as_f64().map(|share| format!("{share:.3}")).unwrap_or_default(),
            text("note"),
        ]
    });
    Ok(())
}

fn described(set: &proto::RuleSet) -> serde_json::Value {
    let share = set.trial.as_ref().filter(|trial| trial.read > 0);
    json!({
        "version": set.version,
        "state": word(set.state().as_str_name(), "RULE_SET_STATE_"),
        "rules": set.rule_count,
        "made_by": set.made_by,
        "published_by": set.published_by,
        "messages": set.message_count,
        "note": set.note,
        "trial": set.trial.as_ref().map(|trial| &trial.trial_id),
        "share": share.map(|trial| f64::from(trial.held_after) / f64::from(trial.read)),
    })
}

/// `RULE_SET_STATE_IN_FORCE` gives `in-force`.
pub(crate) fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', "-")
}

async fn get(rules: &mut Rules, version: u32, folder: &Path) -> Result<(), Error> {
    let answer = rules.get_rules(proto::GetRulesRequest { version }).await;
    let answer = answer.map_err(refused)?.into_inner();
    let files = answer.files.unwrap_or_default();
    fs::create_dir_all(folder).map_err(Error::other(folder.display().to_string()))?;
    for (name, text) in FILES.iter().zip([files.rules, files.lexicon, files.everyday]) {
        let path = folder.join(name);
        fs::write(&path, text).map_err(Error::other(path.display().to_string()))?;
    }
    output::line(format!("version {} is in {}", answer.version, folder.display()));
    Ok(())
}

async fn send(
    rules: &mut Rules,
    folder: &Path,
    check_only: bool,
) -> Result<Option<proto::RuleTrial>, Error> {
    let mut texts = Vec::with_capacity(FILES.len());
    for name in FILES {
        let path = folder.join(name);
        texts.push(match path.is_file() {
            true => fs::read_to_string(&path).map_err(Error::other(path.display().to_string()))?,
            false => String::new(),
        });
    }
    let [rules_file, lexicon, everyday] = <[String; 3]>::try_from(texts).unwrap_or_default();
    if rules_file.is_empty() && lexicon.is_empty() && everyday.is_empty() {
        let names = FILES.join(", ");
        return Err(Error::Usage(format!("{} has none of {names}", folder.display())));
    }
    let files = proto::RuleFiles { rules: rules_file, lexicon, everyday };
    let request =
        proto::TryRulesRequest { files: Some(files), request_id: request_id(), check_only };
    Ok(rules.try_rules(request).await.map_err(refused)?.into_inner().trial)
}

async fn wait(
    rules: &mut Rules,
    trial_id: String,
    output: Output,
) -> Result<proto::RuleTrial, Error> {
    loop {
        let request = proto::GetRuleTrialRequest { trial_id: trial_id.clone() };
        let answer = rules.get_rule_trial(request).await.map_err(refused)?.into_inner();
        let trial = answer.trial.unwrap_or_default();
        if trial.state() == RuleTrialState::Done {
            return Ok(trial);
        }
        if output == Output::Text {
            output::line(format!("{} of at most {} messages read", trial.read, trial.wanted));
        }
        sleep(ASK).await;
    }
}

fn tell(trial: &proto::RuleTrial, output: Output) {
    let value = json!({
        "trial": trial.trial_id,
        "version": trial.version,
        "read": trial.read,
        "held_before": trial.held_before,
        "held_after": trial.held_after,
        "would_hold": trial.would_hold,
        "would_release": trial.would_release,
        "compared_since": trial.compared_since.map(|since| since.to_string()),
        "rules": trial.counts.iter().map(|count| json!({
            "rule": count.rule, "before": count.before, "after": count.after,
        })).collect::<Vec<_>>(),
        "examples": trial.examples.iter().map(|example| json!({
            "message": example.message_id, "holds": example.holds, "rules": example.rules,
        })).collect::<Vec<_>>(),
    });
    if output == Output::Json {
        return output::json(&value);
    }
    output::line(format!(
        "version {}: of {} messages {} would be held (now {}); {} more, {} no longer",
        trial.version,
        trial.read,
        trial.held_after,
        trial.held_before,
        trial.would_hold,
        trial.would_release
    ));
    if trial.compared_since.is_none() {
        output::line("  this board does not compare messages with each other");
    }
    for count in &trial.counts {
        output::line(format!("  {}: {} -> {}", count.rule, count.before, count.after));
    }
    for example in &trial.examples {
        let what = if example.holds { "held by" } else { "no longer held by" };
        output::line(format!("  {} {what} {}", example.message_id, example.rules.join(", ")));
    }
    output::line(format!("to publish it: liuyan rules publish {}", trial.trial_id));
}

fn in_force(set: Option<proto::RuleSet>, output: Output) {
    let set = set.unwrap_or_default();
    match output {
        Output::Json => output::json(&described(&set)),
        Output::Text => output::line(format!("version {} is in force", set.version)),
    }
}

/// A new id of a request.
pub(crate) fn request_id() -> String {
    id::v7(SystemClock.now()).to_string()
}

/// What the service says, with each fault, and the figure if there is one.
pub(crate) fn refused(status: Status) -> Error {
    let mut faults: Vec<String> = status
        .get_details_bad_request()
        .map(|details| details.field_violations)
        .unwrap_or_default()
        .into_iter()
        .map(|fault| format!("\n  {}: {}", fault.field, fault.description))
        .collect();
    if let Some(info) = status.get_details_error_info() {
        faults.extend(info.metadata.iter().map(|(name, value)| format!("\n  {name}: {value}")));
    }
    Error::call(format!("refused{}", faults.concat()))(status)
}
