//! `liuyan policies`: whose messages pass at once where the rules find nothing in them.

use clap::ValueEnum;
use liuyan_proto::liuyan::moderation::v1::{
    self as proto, OfficePolicy, rule_service_client::RuleServiceClient,
};
use serde_json::json;
use tonic::{service::interceptor::InterceptedService, transport::Channel};

use crate::{
    args::Output,
    board::{Bearer, Board},
    error::Error,
    output,
    rules::{refused, request_id, word},
};

/// Policies that are asked for at a time.
const PAGE: i32 = 200;

/// What to do with choices of offices.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists the offices with a choice of their own, and what holds for all others.
    List,
    /// Chooses for an office.
    Set {
        /// The office's id.
        office: String,
        /// Whose messages pass.
        passing: Passing,
        /// Refuse if the choice is no longer the one with this etag, as `list` tells it.
        #[arg(long, default_value = "")]
        etag: String,
    },
}

/// Whose messages pass.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Passing {
    /// A person reads every message.
    Nobody,
    /// Those of authors in good standing.
    Trusted,
    /// Those of everybody.
    Everybody,
}

type Policies = RuleServiceClient<InterceptedService<Channel, Bearer>>;

/// Runs the command.
pub(crate) async fn run(board: &Board, command: Command, output: Output) -> Result<(), Error> {
    let channel = board.channel("moderation", &["rules:edit"]).await?;
    let mut policies = RuleServiceClient::new(channel);
    match command {
        Command::List => list(&mut policies, output).await,
        Command::Set { office, passing, etag } => {
            let passing = match passing {
                Passing::Nobody => proto::Passing::Nobody,
                Passing::Trusted => proto::Passing::Trusted,
                Passing::Everybody => proto::Passing::Everybody,
            };
            let policy = OfficePolicy {
                office_id: office,
                passing: passing.into(),
                etag,
                ..OfficePolicy::default()
            };
            let request =
                proto::PutOfficePolicyRequest { request_id: request_id(), policy: Some(policy) };
            let answer = policies.put_office_policy(request).await.map_err(refused)?.into_inner();
            print(&answer.policy.iter().map(described).collect::<Vec<_>>(), output);
            Ok(())
        }
    }
}

async fn list(policies: &mut Policies, output: Output) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = proto::ListOfficePoliciesRequest { page_size: PAGE, page_token };
        let page = policies.list_office_policies(request).await.map_err(refused)?.into_inner();
        rows.extend(page.policies.iter().map(described));
        if page.next_page_token.is_empty() {
            let passing = passing(page.default_passing());
            let sample = page.sample_of_ten_thousand;
            rows.push(
                json!({ "office": "*", "passing": passing, "sample_of_ten_thousand": sample }),
            );
            break;
        }
        page_token = page.next_page_token;
    }
    print(&rows, output);
    Ok(())
}

fn print(rows: &[serde_json::Value], output: Output) {
    output::rows(output, &["office", "passing", "set by", "etag"], rows, |row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        vec![text("office"), text("passing"), text("set_by"), text("etag")]
    });
}

fn described(policy: &OfficePolicy) -> serde_json::Value {
    json!({
        "office": policy.office_id,
        "passing": passing(policy.passing()),
        "set_by": policy.set_by,
        "etag": policy.etag,
    })
}

fn passing(passing: proto::Passing) -> String {
    word(passing.as_str_name(), "PASSING_")
}
