//! `liuyan model`: the models that tell where messages belong.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use liuyan_proto::liuyan::routing::v1::{
    self as proto, ModelState, suggestion_service_client::SuggestionServiceClient,
};
use serde_json::json;
use tokio::time::sleep;
use tonic::{service::interceptor::InterceptedService, transport::Channel};

use crate::{
    args::Output,
    board::{Bearer, Board},
    error::Error,
    output,
    rules::{refused, request_id, word},
};

mod files;

/// How often a training is asked how far it is.
const ASK: Duration = Duration::from_secs(1);

/// What to do with models.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists the models, the newest first.
    List {
        /// What they tell.
        #[arg(long, value_enum, default_value_t = Subject::Domain)]
        subject: Subject,
    },
    /// Has a model trained on what was decided on this board, and waits for it.
    Train {
        /// What it is to tell.
        #[arg(long, value_enum, default_value_t = Subject::Domain)]
        subject: Subject,
    },
    /// Measures a model on cases that were decided after its training; or, with files, one that is
    /// trained on the rows of one file on those of another.
    Evaluate {
        /// What it tells.
        #[arg(long, value_enum, default_value_t = Subject::Domain)]
        subject: Subject,
        /// Its version; the one in force if left out.
        #[arg(long, default_value_t = 0)]
        version: u32,
        /// A CSV file with a column of labels, from which a model is trained; no board is needed.
        #[arg(long, requires = "test")]
        train: Option<PathBuf>,
        /// A CSV file of the same columns, on which it is measured.
        #[arg(long, requires = "train")]
        test: Option<PathBuf>,
        /// The column with the labels; found by its name if left out.
        #[arg(long, requires = "train")]
        label: Option<String>,
    },
    /// Puts a trained model in force.
    Publish {
        /// Its version.
        version: u32,
        /// What it tells.
        #[arg(long, value_enum, default_value_t = Subject::Domain)]
        subject: Subject,
        /// Why.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Puts a model in force again that was in force before; 0 for none.
    RollBack {
        /// Its version.
        version: u32,
        /// What it tells.
        #[arg(long, value_enum, default_value_t = Subject::Domain)]
        subject: Subject,
        /// Why.
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// What a model tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// The domain of a message.
    Domain,
    /// The office of a message whose own is not there.
    Office,
}

impl Subject {
    fn number(self) -> i32 {
        match self {
            Self::Domain => proto::ModelSubject::Domain.into(),
            Self::Office => proto::ModelSubject::Office.into(),
        }
    }
}

type Models = SuggestionServiceClient<InterceptedService<Channel, Bearer>>;

/// Runs the command.
pub(crate) async fn run(dir: &Path, command: Command, output: Output) -> Result<(), Error> {
    if let Command::Evaluate { train: Some(train), test: Some(test), label, .. } = &command {
        // Programs read it, whatever else is asked for.
        files::tell(&files::evaluate(train, test, label.as_deref())?, Output::Json);
        return Ok(());
    }
    let channel = Board::find(dir)?.channel("routing", &["model:write"]).await?;
    let mut models = SuggestionServiceClient::new(channel);
    match command {
        Command::List { subject } => {
            let rows: Vec<_> = listed(&mut models, subject).await?.iter().map(described).collect();
            print(&rows, output);
            Ok(())
        }
        Command::Train { subject } => {
            let request =
                proto::TrainModelRequest { subject: subject.number(), request_id: request_id() };
            let asked = models.train_model(request).await.map_err(refused)?.into_inner();
            let version = asked.model.unwrap_or_default().version;
            print(&[described(&wait(&mut models, subject, version).await?)], output);
            Ok(())
        }
        Command::Evaluate { subject, version, .. } => {
            let request = proto::EvaluateModelRequest { subject: subject.number(), version };
            let answer = models.evaluate_model(request).await.map_err(refused)?.into_inner();
            let figures = answer.figures.unwrap_or_default();
            let classes = answer.labels.into_iter().map(|it| (it.label, it.f1));
            let evaluated = files::Evaluated {
                macro_f1: figures.macro_f1,
                accuracy: figures.accuracy,
                ece: figures.ece,
                classes: classes.collect(),
            };
            files::tell(&evaluated, output);
            Ok(())
        }
        Command::Publish { version, subject, note } => {
            let request = proto::PublishModelRequest {
                subject: subject.number(),
                version,
                note,
                request_id: request_id(),
            };
            let answer = models.publish_model(request).await.map_err(refused)?.into_inner();
            print(&answer.model.iter().map(described).collect::<Vec<_>>(), output);
            Ok(())
        }
        Command::RollBack { version, subject, note } => {
            let request = proto::RollBackModelRequest {
                subject: subject.number(),
                version,
                note,
                request_id: request_id(),
            };
            let answer = models.roll_back_model(request).await.map_err(refused)?.into_inner();
            print(&answer.model.iter().map(described).collect::<Vec<_>>(), output);
            Ok(())
        }
    }
}

async fn listed(models: &mut Models, subject: Subject) -> Result<Vec<proto::Model>, Error> {
    let request = proto::ListModelsRequest {
        subject: subject.number(),
        page_size: 200,
        page_token: String::new(),
    };
    Ok(models.list_models(request).await.map_err(refused)?.into_inner().models)
}

async fn wait(models: &mut Models, subject: Subject, version: u32) -> Result<proto::Model, Error> {
    loop {
        let all = listed(models, subject).await?;
        let found = all.into_iter().find(|model| model.version == version);
        let found = found.unwrap_or_default();
        if found.state() != ModelState::Waiting {
            return Ok(found);
        }
        sleep(ASK).await;
    }
}

fn described(model: &proto::Model) -> serde_json::Value {
    let figures = model.figures.unwrap_or_default();
    json!({
        "subject": word(model.subject().as_str_name(), "MODEL_SUBJECT_"),
        "version": model.version,
        "state": word(model.state().as_str_name(), "MODEL_STATE_"),
        "in_force": model.in_force,
        "fault": model.fault,
        "examples": model.examples,
        "macro_f1": figures.macro_f1,
        "accuracy": figures.accuracy,
        "ece": figures.ece,
        "sure": figures.sure,
        "requested_by": model.requested_by,
        "sha256": model.sha256,
    })
}

fn print(rows: &[serde_json::Value], output: Output) {
    let header = ["subject", "version", "state", "in force", "cases", "macro-F1", "ECE", "sure of"];
    output::rows(output, &header, rows, |row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let figure = |name: &str| format!("{:.3}", row[name].as_f64().unwrap_or_default());
        let state: BTreeSet<String> =
            [text("state"), text("fault")].into_iter().filter(|it| !it.is_empty()).collect();
        vec![
            text("subject"),
            row["version"].to_string(),
            state.into_iter().collect::<Vec<_>>().join(": "),
            row["in_force"].to_string(),
            row["examples"].to_string(),
            figure("macro_f1"),
            figure("ece"),
            figure("sure"),
        ]
    });
}
