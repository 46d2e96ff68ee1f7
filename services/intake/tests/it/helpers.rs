//! A board of one service: intake's use cases and RPCs on a fresh database, without a bus.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use liuyan_intake::{
    Intake,
    app::{App, vault::Vault},
    audit::{PublicKeys, audit},
    config::Config,
    consumer,
    grpc::Grpc,
    keys::Keys,
};
use liuyan_kit::{
    auth::{self, Caller, Signer},
    clock::{ManualClock, SharedClock},
    db::Db,
    id,
    messaging::{Consumer, Envelope, Fault},
    objects::Objects,
    service::Service as _,
    testing::{self, TestDb},
};
use liuyan_proto::{
    Event,
    liuyan::{
        common::v1::{CaseState, Visibility},
        intake::v1::{
            Author, NewMessage, SubmitMessageRequest, SubmitMessageResponse,
            intake_service_server::IntakeService as _,
        },
        routing::v1::{CaseRef, CodeListPublished, OfficePut},
    },
};
use tempfile::TempDir;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// An office that takes messages.
pub(crate) const OFFICE: &str = "110000-s";
/// An office that takes none.
pub(crate) const CLOSED: &str = "120000-s";

/// Intake on a fresh database.
pub(crate) struct Desk {
    pub(crate) db: TestDb,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) app: App,
    pub(crate) grpc: Grpc,
    pub(crate) receipt_key: [u8; 32],
    pub(crate) signer: Signer,
    pub(crate) objects: Objects,
    pub(crate) folder: Arc<TempDir>,
    config: Config,
    versions: Mutex<HashMap<Uuid, i64>>,
}

/// The defaults, with key files in `folder`.
pub(crate) fn config(folder: &Path) -> Config {
    let table: toml::Table = Intake::DEFAULTS.parse().unwrap();
    let mut config: Config = table["service"].clone().try_into().unwrap();
    config.generate_keys = true;
    config.keyring_file = folder.join("keyring");
    config.receipt_key_file = folder.join("receipt.pem");
    config.access_key_file = folder.join("access.keys");
    config.log.key_file = folder.join("log.pem");
    config.attachments.spool_folder = folder.join("spool");
    std::fs::create_dir_all(&config.attachments.spool_folder).unwrap();
    config
}

impl Desk {
    /// Intake that has heard of no office yet.
    pub(crate) async fn empty() -> Self {
        Self::with(|_| {}).await
    }

    /// Intake with another configuration, that has heard of no office yet.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        change(&mut config);
        Self::furnished(config, Arc::new(folder)).await
    }

    /// The same board after it has lost its database: with its keys and without its rows.
    pub(crate) async fn robbed(&self) -> Self {
        Self::furnished(self.config.clone(), Arc::clone(&self.folder)).await
    }

    async fn furnished(config: Config, folder: Arc<TempDir>) -> Self {
        let db = testing::database::<Intake>().await;
        let clock = ManualClock::at(Timestamp::from_second(1_764_000_000).unwrap());
        let shared: SharedClock = clock.clone();
        let (private, _) = auth::generate_key().unwrap();
        let signer = Signer::new("intake", &private, shared.clone()).unwrap();
        let objects = objects(folder.path());
        let (app, receipt_key) = start(&config, &db, shared, signer.clone(), &objects);
        let grpc = Grpc::new(app.clone());
        let versions = Mutex::default();
        Self { db, clock, app, grpc, receipt_key, signer, objects, folder, config, versions }
    }

    /// Intake that knows one open office, one closed one, and the code lists.
    pub(crate) async fn open() -> Self {
        Self::empty().await.told().await
    }

    /// Tells offices and codes.
    pub(crate) async fn told(self) -> Self {
        for (office_id, open) in [(OFFICE, true), (CLOSED, false)] {
            self.hear_office(office_id, open).await;
        }
        for (list, codes) in
            [("kinds", ["enquiry", "complaint"].as_slice()), ("domains", ["7", "20"].as_slice())]
        {
            self.hear_list(list, 1, codes).await;
        }
        self.app.refresh_directory().await.unwrap();
        self
    }

    /// The same intake on another way to its database.
    pub(crate) async fn on(&self, db: Db) -> Grpc {
        let keys = Keys::open(&self.config).unwrap();
        let vault = self.vault();
        let (clock, signer) = (self.clock.clone(), self.signer.clone());
        let app = App::start(
            self.config.clone(),
            db,
            clock,
            keys,
            vault,
            signer,
            Some(self.objects.clone()),
        )
        .unwrap();
        app.refresh_directory().await.unwrap();
        Grpc::new(app)
    }

    /// The vault, as another program with the keyring opens it.
    pub(crate) fn vault(&self) -> Vault {
        Vault::open(&self.config.keyring_file, false).unwrap()
    }

    /// The public keys, as `liuyan verify` knows them.
    pub(crate) fn public_keys(&self) -> PublicKeys {
        let keys = Keys::open(&self.config).unwrap();
        PublicKeys {
            receipts: keys.receipt_keys().iter().cloned().collect(),
            log: keys.log_verifier_key(),
        }
    }

    /// Gives all that waits its place in the log, and signs.
    pub(crate) async fn sequence(&self) {
        self.clock.advance(jiff::SignedDuration::from_secs(61));
        while self.app.sequence_once(Uuid::nil()).await.unwrap() {}
        // A burst may have been signed in part.
        self.clock.advance(jiff::SignedDuration::from_secs(30));
        self.app.sequence_once(Uuid::nil()).await.unwrap();
    }

    /// What is wrong with receipts and log.
    pub(crate) async fn audit(&self) -> Vec<String> {
        let mut connection = self.db.read().await.unwrap();
        audit(&mut connection, &self.public_keys(), self.now()).await.unwrap().breaches
    }

    /// The same intake after a restart, or another replica of it.
    pub(crate) async fn restarted(&self) -> Grpc {
        let app = self.another(&self.config);
        app.refresh_directory().await.unwrap();
        Grpc::new(app)
    }

    /// Another replica, with another configuration.
    pub(crate) fn another(&self, config: &Config) -> App {
        start(config, &self.db, self.clock.clone(), self.signer.clone(), &self.objects).0
    }

    /// Its configuration.
    pub(crate) fn config(&self) -> Config {
        self.config.clone()
    }

    /// Hears an office.
    pub(crate) async fn hear_office(&self, office_id: &str, open: bool) {
        let event = OfficePut { office_id: office_id.to_owned(), open, ..OfficePut::default() };
        self.hear(id::of_name("office", office_id), event).await.unwrap();
    }

    /// Hears a code list.
    pub(crate) async fn hear_list(&self, list: &str, version: u32, codes: &[&str]) {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        let event = CodeListPublished { list: list.to_owned(), version, codes };
        self.hear(id::of_name("list", list), event).await.unwrap();
    }

    /// Hears the next event of a subject.
    pub(crate) async fn hear<E: Event>(&self, subject_id: Uuid, event: E) -> Result<(), Fault> {
        let envelope = self.envelope(subject_id, &event);
        consumer_of(E::SOURCE).deliver(&self.db, self.now(), &[envelope]).await.map(|_| ())
    }

    /// Hears several events in one batch.
    pub(crate) async fn hear_all<E: Event>(&self, events: Vec<(Uuid, E)>) -> Result<(), Fault> {
        let batch: Vec<Envelope> =
            events.iter().map(|(subject, event)| self.envelope(*subject, event)).collect();
        consumer_of(E::SOURCE).deliver(&self.db, self.now(), &batch).await.map(|_| ())
    }

    fn envelope<E: Event>(&self, subject_id: Uuid, event: &E) -> Envelope {
        let mut versions = self.versions.lock().unwrap();
        let version = versions.entry(subject_id).or_default();
        *version += 1;
        Envelope {
            event_id: id::v7(self.now()),
            subject_id,
            version: *version,
            kind: E::TYPE.to_owned(),
            at: self.now(),
            traceparent: None,
            payload: event.encode_to_vec().into(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        liuyan_kit::clock::Clock::now(&*self.clock)
    }

    /// Submits as somebody without a token.
    pub(crate) async fn submit(
        &self,
        request: SubmitMessageRequest,
    ) -> Result<SubmitMessageResponse, Status> {
        self.submit_as(&anonymous(), request).await
    }

    /// Submits as a caller.
    pub(crate) async fn submit_as(
        &self,
        caller: &Caller,
        request: SubmitMessageRequest,
    ) -> Result<SubmitMessageResponse, Status> {
        self.grpc.submit_message(as_caller(caller, request)).await.map(tonic::Response::into_inner)
    }

    /// Submits a message and gives its id.
    pub(crate) async fn submitted(&self) -> Uuid {
        let response = self.submit(a_submission()).await.unwrap();
        response.receipt.unwrap().message_id.parse().unwrap()
    }
}

/// Intake's room for large things.
pub(crate) fn objects(folder: &Path) -> Objects {
    Objects::open(&testing::place_of_objects(folder), "intake").unwrap()
}

fn start(
    config: &Config,
    db: &TestDb,
    clock: SharedClock,
    signer: Signer,
    objects: &Objects,
) -> (App, [u8; 32]) {
    let keys = Keys::open(config).unwrap();
    let vault = Vault::open(&config.keyring_file, true).unwrap();
    let receipt_key = keys.receipt_public_key();
    let objects = Some(objects.clone());
    let app = App::start(config.clone(), (**db).clone(), clock, keys, vault, signer, objects);
    (app.unwrap(), receipt_key)
}

fn consumer_of(source: &str) -> Consumer {
    match source {
        "moderation" => consumer::moderation(),
        _ => consumer::routing(),
    }
}

/// Somebody without a token who reads English.
pub(crate) fn anonymous() -> Caller {
    Caller::anonymous("en")
}

/// Somebody with a token.
pub(crate) fn caller(subject: &str, scopes: &[&str]) -> Caller {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Caller { issuer: "test".to_owned(), subject: subject.to_owned(), scopes, ..anonymous() }
}

/// A citizen who is signed in.
pub(crate) fn account(account_id: Uuid) -> Caller {
    Caller { issuer: "identity".to_owned(), ..caller(&account_id.to_string(), &["account"]) }
}

/// An agency that brings messages.
pub(crate) fn agency(agency_id: &str) -> Caller {
    Caller { issuer: "identity".to_owned(), ..caller(agency_id, &["message:submit"]) }
}

/// A service of the house, in its own name.
pub(crate) fn service(name: &str) -> Caller {
    Caller { issuer: name.to_owned(), ..caller(name, &[]) }
}

/// The author of a message.
pub(crate) fn author_of(message_id: Uuid) -> Caller {
    caller("author", &[&format!("author:message/{message_id}")])
}

/// A request as the guard hands it on.
pub(crate) fn as_caller<T>(caller: &Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller.clone());
    request
}

/// A fresh request id.
pub(crate) fn request_id() -> String {
    id::v7(Timestamp::from_second(1_764_000_000).unwrap()).to_string()
}

/// A message that is taken.
pub(crate) fn a_message() -> NewMessage {
    NewMessage {
        office_id: OFFICE.to_owned(),
        kind: "enquiry".to_owned(),
        domain: "7".to_owned(),
        title: "A street lamp is out".to_owned(),
        body: "The lamp before number nine has been out for a week.".to_owned(),
        ..NewMessage::default()
    }
}

/// A message that is taken, with an author.
pub(crate) fn a_message_by(name: &str, phone: &str) -> NewMessage {
    let author = Some(Author { name: name.to_owned(), phone: phone.to_owned() });
    NewMessage { author, ..a_message() }
}

/// A submission of a message.
pub(crate) fn a_submission_of(message: NewMessage) -> SubmitMessageRequest {
    SubmitMessageRequest { request_id: request_id(), message: Some(message), historical: None }
}

/// A submission that is taken.
pub(crate) fn a_submission() -> SubmitMessageRequest {
    a_submission_of(a_message())
}

/// What routing tells of the case of a message.
pub(crate) fn a_case(case_id: Uuid, message_id: Uuid) -> CaseRef {
    CaseRef {
        case_id: case_id.to_string(),
        message_id: message_id.to_string(),
        office_id: OFFICE.to_owned(),
        visibility: Visibility::Public.into(),
        state: CaseState::Assigned.into(),
        revision: 1,
        ..CaseRef::default()
    }
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Fields and rules of a refusal.
pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    let Some(request) = status.get_details_bad_request() else { return Vec::new() };
    request.field_violations.into_iter().map(|it| (it.field, it.reason)).collect()
}

/// Counts the rows of a query that gives one number.
pub(crate) async fn count(db: &TestDb, query: &'static str) -> i64 {
    let mut connection = db.read().await.unwrap();
    sqlx::query_scalar(query).fetch_one(&mut *connection).await.unwrap()
}
