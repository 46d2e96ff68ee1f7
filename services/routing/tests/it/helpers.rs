//! Routing without a bus: events are handed to its consumers, moderation and intake are doubles,
//! everybody else comes over real gRPC. The clock moves only when a test moves it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{
    auth::{self, Claims, Signer},
    clock::{Clock as _, ManualClock, to_proto},
    config::Issuer,
    id,
    messaging::{Consumer, Envelope},
    testing::{self, Board, TestDb},
};
use liuyan_proto::{
    Event,
    liuyan::{
        common::v1::Visibility,
        intake::v1::{
            MessageErased, WithdrawalRequested, intake_service_server::IntakeServiceServer,
        },
        moderation::v1::{
            MessageApproved, MessageRedacted, MessageWithdrawn,
            review_service_server::ReviewServiceServer,
        },
        routing::v1::{
            self as routing, case_service_client::CaseServiceClient,
            directory_service_client::DirectoryServiceClient, get_case_request::Name,
        },
    },
};
use liuyan_routing::{
    Routing,
    app::{App, editing},
    config::Config,
    consumer,
};
use tonic::{Status, service::Routes};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::{intake::Intake, moderation::Moderation};

/// Every wait of a test ends here.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) type Cases = CaseServiceClient<liuyan_kit::grpc::Channel>;

/// Routing with what stands around it.
pub(crate) struct House {
    pub(crate) board: Board,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) moderation: Moderation,
    pub(crate) intake: Intake,
    /// Signs tokens of those who act for divisions.
    signer: Signer,
    versions: Mutex<HashMap<(&'static str, Uuid), i64>>,
}

/// The trace in which a test says an event about a subject.
pub(crate) fn trace_of<E: Event>(subject_id: Uuid) -> String {
    let name = id::of_name("trace", &format!("{} {subject_id}", E::TYPE)).simple().to_string();
    format!("00-{name}-00f067aa0ba902b7-01")
}

/// An approved message as a test describes it.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) message_id: Uuid,
    number: Option<&'static str>,
    office: &'static str,
    title: &'static str,
    kind: &'static str,
    domain: &'static str,
    visibility: Visibility,
    accused: Vec<String>,
    written: Option<Timestamp>,
    consultation: Option<Uuid>,
}

pub(crate) fn a_message() -> Message {
    Message {
        message_id: id::v7(testing::now()),
        number: None,
        office: "130102-g",
        title: "a title",
        kind: "help",
        domain: "7",
        visibility: Visibility::Public,
        accused: vec![],
        written: None,
        consultation: None,
    }
}

impl Message {
    pub(crate) fn to(self, office: &'static str) -> Self {
        Self { office, ..self }
    }

    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    pub(crate) fn titled(self, title: &'static str) -> Self {
        Self { title, ..self }
    }

    pub(crate) fn about(self, kind: &'static str, domain: &'static str) -> Self {
        Self { kind, domain, ..self }
    }

    pub(crate) fn numbered(self, number: &'static str) -> Self {
        Self { number: Some(number), ..self }
    }

    pub(crate) fn private(self) -> Self {
        Self { visibility: Visibility::Private, ..self }
    }

    pub(crate) fn accusing(self, offices: &[&str]) -> Self {
        Self { accused: offices.iter().map(|id| (*id).to_owned()).collect(), ..self }
    }

    pub(crate) fn asked_by(self, consultation: Uuid) -> Self {
        Self { consultation: Some(consultation), kind: "suggestion", ..self }
    }

    pub(crate) fn written_at(self, at: &str) -> Self {
        Self { written: Some(at.parse().unwrap()), ..self }
    }
}

impl House {
    /// Opens on Wednesday, 3 June 2026, ten o'clock in China.
    pub(crate) async fn open() -> Self {
        let clock = ManualClock::at("2026-06-03T10:00:00+08".parse().unwrap());
        let moderation = Moderation::default();
        let routes = Routes::new(ReviewServiceServer::new(moderation.clone()));
        let intake = Intake::default();
        let texts = Routes::new(IntakeServiceServer::new(intake.clone()));
        let (private, public) = auth::generate_key().unwrap();
        let signer = Signer::new("identity", &private, clock.clone()).unwrap();
        let identity =
            Issuer { name: "identity".to_owned(), public_key: public, ..testing::issuer() };
        let mut settings = toml::toml! {
            [service]
            idle_milliseconds = 20
        };
        let issuers = toml::Value::try_from([testing::issuer(), identity]).unwrap();
        let issuers = toml::Table::from_iter([("issuers".to_owned(), issuers)]);
        settings.insert("auth".to_owned(), issuers.into());
        let board = Board::new()
            .with_settings::<Routing>(settings)
            .with_stub("moderation", testing::stub(routes).await)
            .with_stub("intake", testing::stub(texts).await)
            .with_clock(clock.clone())
            .without_bus()
            .start()
            .await;
        let house = Self { board, clock, moderation, intake, signer, versions: Mutex::default() };
        // The relay moves what was said at the start to the partition of that day; who reads at
        // that very moment sees it in neither.
        testing::eventually("the outbox has its partitions", SOON, || async {
            let made = "select count(to_regclass('messaging.outbox_20260603'))";
            (house.count(made).await == 1).then_some(())
        })
        .await;
        house
    }

    pub(crate) fn db(&self) -> &TestDb {
        self.board.database("routing")
    }

    pub(crate) fn advance_hours(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }

    /// Tokens are valid for an hour: make them after this.
    pub(crate) fn advance_minutes(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    async fn deliver<E: Event>(&self, consumer: Consumer, subject_id: Uuid, event: &E) {
        let version = {
            let mut versions = self.versions.lock().unwrap();
            let version = versions.entry((E::SOURCE, subject_id)).or_default();
            *version += 1;
            *version
        };
        let envelope = Envelope {
            event_id: id::v7(testing::now()),
            subject_id,
            version,
            kind: E::TYPE.to_owned(),
            at: self.clock.now(),
            traceparent: Some(trace_of::<E>(subject_id)),
            payload: event.encode_to_vec().into(),
        };
        consumer.deliver(self.db(), self.clock.now(), &[envelope]).await.unwrap();
    }

    pub(crate) async fn approve(&self, message: &Message) {
        self.moderation.publish(message.message_id, message.title);
        let now = self.clock.now();
        let event = MessageApproved {
            message_id: message.message_id.to_string(),
            number: message
                .number
                .map_or_else(|| format!("N{}", message.message_id.simple()), str::to_owned),
            office_id: message.office.to_owned(),
            kind: message.kind.to_owned(),
            domain: message.domain.to_owned(),
            visibility: message.visibility.into(),
            submitted_at: Some(to_proto(now)),
            occurred_at: message.written.map(to_proto),
            revision: 1,
            accused_office_ids: message.accused.clone(),
            approved_at: Some(to_proto(now)),
            consultation_id: message.consultation.map(|id| id.to_string()).unwrap_or_default(),
            ..MessageApproved::default()
        };
        let consumer = consumer::of_moderation(self.clock.clone());
        self.deliver(consumer, message.message_id, &event).await;
    }

    pub(crate) async fn redact(&self, message_id: Uuid) {
        let message_id = (message_id, message_id.to_string());
        let event = MessageRedacted { message_id: message_id.1, redacted_at: None };
        self.deliver(consumer::of_moderation(self.clock.clone()), message_id.0, &event).await;
    }

    pub(crate) async fn moderation_withdraws(&self, message_id: Uuid) {
        let event = MessageWithdrawn { message_id: message_id.to_string(), withdrawn_at: None };
        self.deliver(consumer::of_moderation(self.clock.clone()), message_id, &event).await;
    }

    pub(crate) async fn wish_to_withdraw(&self, message_id: Uuid) {
        let event = WithdrawalRequested { message_id: message_id.to_string(), requested_at: None };
        self.deliver(consumer::of_intake(self.clock.clone()), message_id, &event).await;
    }

    pub(crate) async fn erase(&self, message_id: Uuid) {
        let event = MessageErased { message_id: message_id.to_string(), erased_at: None };
        self.deliver(consumer::of_intake(self.clock.clone()), message_id, &event).await;
    }

    /// Approves a message and waits for its case.
    pub(crate) async fn a_case(&self, message: &Message) -> routing::Case {
        self.approve(message).await;
        self.case_of(message.message_id).await
    }

    /// Waits for the case of a message.
    pub(crate) async fn case_of(&self, message_id: Uuid) -> routing::Case {
        testing::eventually("the message has a case", SOON, || async {
            self.get(&self.operator(), message_id).await.ok()
        })
        .await
    }

    pub(crate) fn token(&self, scopes: &[&str], offices: &[&str]) -> String {
        testing::token_at(self.clock.clone(), "somebody", scopes, offices)
    }

    pub(crate) fn operator(&self) -> String {
        self.token(&["case:any", "case:work", "message:import"], &[])
    }

    pub(crate) fn clerk(&self, office: &str) -> String {
        self.token(&["case:work"], &[office])
    }

    /// Somebody who acts for divisions and offices.
    pub(crate) fn official(&self, scopes: &[&str], divisions: &[&str], offices: &[&str]) -> String {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        self.signer.sign(&Claims {
            sub: "an official".to_owned(),
            scopes: owned(scopes),
            offices: owned(offices),
            divisions: owned(divisions),
            lifetime: Duration::from_secs(3_600),
        })
    }

    pub(crate) fn author(&self, message_id: Uuid) -> String {
        self.token(&[&format!("author:message/{message_id}")], &[])
    }

    pub(crate) fn cases(&self, token: &str) -> Cases {
        CaseServiceClient::new(self.board.channel_as("routing", token))
    }

    pub(crate) fn public_cases(&self) -> Cases {
        CaseServiceClient::new(self.board.channel("routing"))
    }

    pub(crate) fn editor(&self) -> DirectoryServiceClient<liuyan_kit::grpc::Channel> {
        let token = self.token(&["directory:write"], &[]);
        DirectoryServiceClient::new(self.board.channel_as("routing", &token))
    }

    /// Another replica on the same database.
    pub(crate) async fn replica(&self) -> App {
        let config = Config {
            default_offices: vec!["M35".to_owned()],
            opening_batch: 10,
            idle_milliseconds: 20,
            directory_seconds: 1,
            reply_least: 2,
            reply_most: 20_000,
            near_days: 2,
            escalate_days: 5,
            spread_minutes: 30,
        };
        let db = (**self.db()).clone();
        let snapshot = editing::snapshot(&db).await.unwrap();
        App::new(db, self.clock.clone(), snapshot, config).unwrap()
    }

    pub(crate) fn directory(&self) -> DirectoryServiceClient<liuyan_kit::grpc::Channel> {
        DirectoryServiceClient::new(self.board.channel("routing"))
    }

    pub(crate) async fn get(&self, token: &str, message_id: Uuid) -> Result<routing::Case, Status> {
        let name = Some(Name::MessageId(message_id.to_string()));
        let answer = self.cases(token).get_case(routing::GetCaseRequest { name }).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    pub(crate) async fn get_in_public(&self, message_id: Uuid) -> Result<routing::Case, Status> {
        let name = Some(Name::MessageId(message_id.to_string()));
        let answer = self.public_cases().get_case(routing::GetCaseRequest { name }).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    pub(crate) async fn reply(
        &self,
        token: &str,
        case_id: &str,
        body: &str,
    ) -> Result<routing::ReplyToCaseResponse, Status> {
        let request = a_reply(case_id, body);
        Ok(self.cases(token).reply_to_case(request).await?.into_inner())
    }

    pub(crate) async fn transfer(
        &self,
        token: &str,
        case_id: &str,
        office_id: &str,
    ) -> Result<routing::Case, Status> {
        let request = a_transfer(case_id, office_id);
        Ok(self.cases(token).transfer_case(request).await?.into_inner().case.unwrap())
    }

    /// Types of the events of a case in order, each with its revision and whether it is public.
    pub(crate) async fn story(&self, case_id: &str) -> Vec<String> {
        let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
            "select type, payload from messaging.outbox where subject_id = $1 order by version",
        )
        .bind(case_id.parse::<Uuid>().unwrap())
        .fetch_all(&mut *self.db().read().await.unwrap())
        .await
        .unwrap();
        rows.iter()
            .map(|(kind, payload)| {
                // All events of cases have the CaseRef in field 1.
                let event = <routing::CaseAccepted as prost::Message>::decode(payload.as_slice());
                let case = event.unwrap().case.unwrap();
                let name = kind.rsplit('.').next().unwrap().to_owned();
                format!(
                    "{name} r{} {}",
                    case.revision,
                    if case.public { "public" } else { "hidden" }
                )
            })
            .collect()
    }

    /// Every check of this database holds.
    pub(crate) async fn is_whole(&self) {
        for (name, check) in liuyan_routing::CHECKS {
            assert_eq!(self.count(check).await, 0, "{name}");
        }
    }

    /// A number that the database knows.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        let mut connection = self.db().read().await.unwrap();
        sqlx::query_scalar(query).fetch_one(&mut *connection).await.unwrap()
    }
}

pub(crate) fn a_reply(case_id: &str, body: &str) -> routing::ReplyToCaseRequest {
    routing::ReplyToCaseRequest {
        case_id: case_id.to_owned(),
        request_id: id::v7(testing::now()).to_string(),
        body: body.to_owned(),
        ..routing::ReplyToCaseRequest::default()
    }
}

pub(crate) fn a_transfer(case_id: &str, office_id: &str) -> routing::TransferCaseRequest {
    routing::TransferCaseRequest {
        case_id: case_id.to_owned(),
        request_id: id::v7(testing::now()).to_string(),
        office_id: office_id.to_owned(),
        reason: "They are competent.".to_owned(),
        ..routing::TransferCaseRequest::default()
    }
}

/// A request of any kind that has a case and an id of its own.
macro_rules! asks {
    ($kind:ident, $case_id:expr $(, $field:ident: $value:expr)* $(,)?) => {
        liuyan_proto::liuyan::routing::v1::$kind {
            case_id: $case_id.to_owned(),
            request_id: liuyan_kit::id::v7(liuyan_kit::testing::now()).to_string(),
            $($field: $value,)*
            ..Default::default()
        }
    };
}
pub(crate) use asks;

pub(crate) fn an_acceptance(case_id: &str) -> routing::AcceptCaseRequest {
    routing::AcceptCaseRequest {
        case_id: case_id.to_owned(),
        request_id: id::v7(testing::now()).to_string(),
        ..routing::AcceptCaseRequest::default()
    }
}

pub(crate) fn view(case: &routing::Case) -> &liuyan_proto::liuyan::common::v1::PublicCase {
    case.view.as_ref().unwrap()
}

/// The reason of a refusal.
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Status>) -> String {
    let status = result.unwrap_err();
    status.get_details_error_info().map(|info| info.reason).unwrap_or_else(|| status.to_string())
}

/// The rule that a request broke first.
pub(crate) fn rule(status: &Status) -> String {
    status.get_details_bad_request().unwrap().field_violations[0].reason.clone()
}
