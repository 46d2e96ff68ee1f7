#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod consumer;
pub mod domain;
pub mod error;
pub mod events;
pub mod grpc;
pub mod store;
pub mod texts;
pub mod worker;

use std::sync::Arc;

use liuyan_kit::{host::Host, service::Service};
use liuyan_proto::liuyan::routing::v1::{
    case_service_server::CaseServiceServer,
    common_problem_service_server::CommonProblemServiceServer,
    consultation_service_server::ConsultationServiceServer,
    directory_service_server::DirectoryServiceServer,
    model_case_service_server::ModelCaseServiceServer,
    suggestion_service_server::SuggestionServiceServer,
};
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tonic::service::Routes;

use app::App;
use config::Config;

pub use store::checks::{CHECKS, Check};

static MIGRATOR: Migrator = sqlx::migrate!();

/// Finds the office and follows the case until it is answered.
#[derive(Debug, Clone, Copy)]
pub struct Routing;

impl Service for Routing {
    const NAME: &'static str = "routing";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Config = Config;

    fn migrator() -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn start(config: Config, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        let directory = worker::load_directory(&host, &db).await?;
        let app = App::new(db.clone(), host.clock(), directory, config)?;
        let texts = texts::Texts::new(host.channel("moderation")?);
        let originals = texts::Originals::new(host.channel("intake")?);

        let (approved, wished) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let erased = Arc::new(Notify::new());
        app.renew_models().await?;
        worker::open_cases(&host, &app, &texts, Arc::clone(&approved));
        worker::change_texts(&host, &app, &texts);
        worker::settle_withdrawals(&host, &app, Arc::clone(&wished));
        worker::settle_erasures(&host, &app, Arc::clone(&erased));
        worker::forget_answers(&host, &app);
        worker::finalise_ratings(&host, &app);
        worker::escalate(&host, &app);
        worker::part(&host, &app);
        worker::break_promises(&host, &app);
        worker::tell_results(&host, &app);
        worker::renew_directory(&host, &app);
        worker::index_cases(&host, &app);
        worker::renew_models(&host, &app);
        worker::train_models(&host, &app);

        host.relay(&db).await?;
        let of_intake = consumer::of_intake(host.clock()).wakes(wished).wakes(erased);
        host.consume(&db, of_intake).await?;
        host.consume(&db, consumer::of_moderation(host.clock()).wakes(approved)).await?;

        let directory = DirectoryServiceServer::new(grpc::directory::Grpc::new(app.clone()));
        let suggestion = SuggestionServiceServer::new(grpc::suggestion::Grpc::new(app.clone()));
        let problems = CommonProblemServiceServer::new(grpc::problems::Grpc::new(app.clone()));
        let models = ModelCaseServiceServer::new(grpc::model_cases::Grpc::new(app.clone()));
        let asked = ConsultationServiceServer::new(grpc::consultations::Grpc::new(app.clone()));
        let cases = CaseServiceServer::new(grpc::cases::Grpc::new(app, originals, host.signer()));
        let routes = Routes::new(directory).add_service(cases).add_service(suggestion);
        host.serve(routes.add_service(problems).add_service(models).add_service(asked)).await
    }
}
