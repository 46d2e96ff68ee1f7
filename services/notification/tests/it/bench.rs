//! A notification service without its host, and everybody around it.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::SignedDuration;
use liuyan_kit::{
    auth::Caller as Who,
    clock::{Clock, ManualClock},
    messaging::{Consumer, Envelope},
    service::Service,
    testing::{self, TestDb},
};
use liuyan_notification::{
    App, Caller, Config, Ears, Grpc, Letters, Mailer, Notification, Peers as Asking, Vault, Wakes,
    address::Channel,
};
use liuyan_proto::{
    Event,
    liuyan::notification::v1::{
        self as proto, subscription_service_server::SubscriptionService as _,
    },
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::{
    peers::Peers,
    sinks::{MailServer, Receiver},
};

/// The agency of tests.
pub(crate) const AGENCY: &str = "agency-one";

/// A notification service without its host.
pub(crate) struct Bench {
    pub(crate) db: TestDb,
    pub(crate) app: Arc<App>,
    pub(crate) grpc: Grpc,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) peers: Peers,
    pub(crate) mail: MailServer,
    pub(crate) hook: Receiver,
    ears: Ears,
    versions: Mutex<HashMap<(&'static str, Uuid), i64>>,
    _keys: tempfile::TempDir,
}

/// The settings of this release.
pub(crate) fn config() -> Config {
    #[derive(serde::Deserialize)]
    struct File {
        service: Config,
    }
    toml::from_str::<File>(Notification::DEFAULTS).unwrap().service
}

/// A fresh service that mails to the bench's own server and calls its own receiver.
pub(crate) async fn bench() -> Bench {
    bench_with(|_| {}).await
}

/// The same, with other settings.
pub(crate) async fn bench_with(change: impl FnOnce(&mut Config)) -> Bench {
    let db = testing::database::<Notification>().await;
    let clock = ManualClock::at(testing::now());
    let (peers, mail, hook) =
        (Peers::default(), MailServer::start().await, Receiver::start().await);
    let keys = tempfile::tempdir().unwrap();
    let mut config = config();
    config.email.smtp_url = format!("smtp://{}", mail.address).into();
    config.email.timeout_ms = 5_000;
    config.webhook.allow_insecure = true;
    config.webhook.allow_internal = true;
    config.webhook.timeout_ms = 5_000;
    change(&mut config);
    let address = peers.serve().await;
    let [routing, identity, feed] = [(); 3].map(|()| testing::channel(address));
    let app = Arc::new(App {
        db: (*db).clone(),
        clock: clock.clone(),
        vault: Vault::open(&keys.path().join("keyring"), true).unwrap(),
        peers: Asking::new(routing, identity, feed, config.office_memory_seconds),
        mailer: Mailer::new(&config.email).unwrap(),
        caller: Caller::new(&config.webhook).unwrap(),
        letters: Letters::new(&config),
        wakes: Wakes::default(),
        config,
    });
    Bench {
        db,
        ears: Ears::of(&app),
        grpc: Grpc::new(Arc::clone(&app)),
        app,
        clock,
        peers,
        mail,
        hook,
        versions: Mutex::default(),
        _keys: keys,
    }
}

/// Different at each call, without a source of chance.
pub(crate) fn fresh() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let next = NEXT.fetch_add(1, Ordering::SeqCst);
    let high = u128::from(next.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // Ids of messages are of version 7.
    Uuid::from_u128(((high << 64) | u128::from(next)) & !(0xf << 76) | (7 << 76))
}

/// A person who is signed in, as the guard hands them over.
pub(crate) fn person(account_id: Uuid) -> Who {
    who(&account_id.to_string(), &["account"])
}

/// A clerk of an office.
pub(crate) fn clerk(account_id: Uuid, office: &str) -> Who {
    Who { offices: vec![office.to_owned()], ..person(account_id) }
}

/// An agency.
pub(crate) fn agency() -> Who {
    who(AGENCY, &["webhook:manage"])
}

/// The author of a message, without an account.
pub(crate) fn author(message_id: Uuid) -> Who {
    let scope = format!("author:message/{message_id}");
    Who { issuer: "intake".into(), ..who("author", &[&scope]) }
}

/// An operator.
pub(crate) fn operator() -> Who {
    Who { issuer: "operator".into(), ..who("operator", &["delivery:manage"]) }
}

fn who(subject: &str, scopes: &[&str]) -> Who {
    Who {
        issuer: "identity".into(),
        subject: subject.to_owned(),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        ..Who::anonymous("en")
    }
}

/// A request of somebody.
pub(crate) fn by<T>(who: &Who, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(who.clone());
    request
}

/// The machine-readable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    use tonic_types::StatusExt;
    status.get_details_error_info().unwrap().reason
}

/// What is wrong with the fields of a request.
pub(crate) fn violations(status: &Status) -> HashSet<(String, String)> {
    use tonic_types::StatusExt;
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations.into_iter().map(|wrong| (wrong.field, wrong.reason)).collect()
}

impl Bench {
    /// The next event of a subject, as its source says it now.
    pub(crate) fn event<E: Event>(&self, subject_id: Uuid, event: &E) -> Envelope {
        let mut versions = self.versions.lock().unwrap();
        let version = versions.entry((E::SOURCE, subject_id)).or_default();
        *version += 1;
        Envelope {
            event_id: liuyan_kit::id::v7(self.clock.now()),
            subject_id,
            version: *version,
            kind: E::TYPE.into(),
            at: self.clock.now(),
            traceparent: None,
            payload: event.encode_to_vec().into(),
        }
    }

    /// Hears a batch of one source.
    pub(crate) async fn hear(&self, batch: &[Envelope]) {
        let source = batch[0].kind.split('.').nth(1).unwrap();
        let consumer: Consumer = match source {
            "intake" => self.ears.of_intake(),
            "moderation" => self.ears.of_moderation(),
            "routing" => self.ears.of_routing(),
            "identity" => self.ears.of_identity(),
            other => panic!("nobody hears {other}"),
        };
        if source == "routing" {
            batch.iter().for_each(|event| self.peers.records(event));
        }
        consumer.deliver(&self.db, self.clock.now(), batch).await.unwrap();
    }

    /// Something is said about a subject, and heard.
    pub(crate) async fn say<E: Event>(&self, subject_id: Uuid, event: &E) -> Envelope {
        let envelope = self.event(subject_id, event);
        self.hear(std::slice::from_ref(&envelope)).await;
        envelope
    }

    /// Sends all that is due now.
    pub(crate) async fn send(&self) {
        for channel in [Channel::Email, Channel::Webhook] {
            self.app.deliver(channel, &CancellationToken::new()).await.unwrap();
        }
    }

    /// Time passes.
    pub(crate) fn after(&self, duration: SignedDuration) {
        self.clock.advance(duration);
    }

    /// A number that a query gives.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut *self.db.read().await.unwrap()).await.unwrap()
    }

    /// The checks of the database that fail.
    pub(crate) async fn breaches(&self) -> Vec<&'static str> {
        breaches(&mut self.db.read().await.unwrap()).await
    }

    /// Registers an endpoint.
    pub(crate) async fn register(
        &self,
        who: &Who,
        change: impl FnOnce(&mut proto::CreateEndpointRequest),
    ) -> Result<proto::CreateEndpointResponse, Status> {
        let mut request = proto::CreateEndpointRequest {
            channel: proto::EndpointChannel::Email.into(),
            address: "reader@example.org".to_owned(),
            request_id: fresh().to_string(),
            ..Default::default()
        };
        change(&mut request);
        self.grpc.create_endpoint(by(who, request)).await.map(tonic::Response::into_inner)
    }

    /// Brings a code.
    pub(crate) async fn verify(&self, endpoint_id: &str, code: &str) -> Result<(), Status> {
        let request = proto::VerifyEndpointRequest {
            endpoint_id: endpoint_id.to_owned(),
            code: code.to_owned(),
        };
        self.grpc.verify_endpoint(by(&Who::anonymous("en"), request)).await.map(drop)
    }

    /// An agency's endpoint that is called with everything; gives it with its secret.
    pub(crate) async fn hooked(&self) -> (String, String) {
        self.hooked_with(|_| {}).await
    }

    /// An agency's endpoint that is verified; gives it with its secret.
    pub(crate) async fn hooked_with(
        &self,
        change: impl FnOnce(&mut proto::CreateEndpointRequest),
    ) -> (String, String) {
        let url = format!("http://{}/hook-{}", self.hook.address, fresh());
        let made = self
            .register(&agency(), |request| {
                request.channel = proto::EndpointChannel::Webhook.into();
                request.address = url;
                change(request);
            })
            .await
            .unwrap();
        self.send().await;
        let endpoint = made.endpoint.unwrap();
        self.verify(&endpoint.endpoint_id, self.hook.codes().last().unwrap()).await.unwrap();
        (endpoint.endpoint_id, made.signing_secret)
    }

    /// A mail endpoint that is verified.
    pub(crate) async fn mailed(
        &self,
        who: &Who,
        change: impl FnOnce(&mut proto::CreateEndpointRequest),
    ) -> String {
        let endpoint = self.register(who, change).await.unwrap().endpoint.unwrap();
        self.send().await;
        let code = code_in(&self.mail.mails().last().unwrap().parts()[0]);
        self.verify(&endpoint.endpoint_id, &code).await.unwrap();
        endpoint.endpoint_id
    }

    /// All deliveries, as an operator sees them, codes left out.
    pub(crate) async fn deliveries(&self) -> Vec<proto::Delivery> {
        let request = proto::ListDeliveriesRequest::default();
        let answer = self.grpc.list_deliveries(by(&operator(), request)).await.unwrap();
        let deliveries = answer.into_inner().deliveries.into_iter();
        deliveries.filter(|delivery| delivery.event_type != "endpoint.verify").collect()
    }

    /// What somebody was told on the pages.
    pub(crate) async fn notices(&self, who: &Who) -> proto::ListNoticesResponse {
        let request = proto::ListNoticesRequest { page_size: 100, ..Default::default() };
        self.grpc.list_notices(by(who, request)).await.unwrap().into_inner()
    }

    /// The types of what somebody was told on the pages, without their packages, sorted.
    pub(crate) async fn told(&self, who: &Who) -> Vec<String> {
        let notices = self.notices(who).await.notices.into_iter();
        let mut told: Vec<String> = notices.map(|notice| short(&notice.event_type)).collect();
        told.sort();
        told
    }
}

/// A type without its package.
pub(crate) fn short(event_type: &str) -> String {
    event_type.rsplit('.').next().unwrap().to_owned()
}

/// The code that a mail's link brings.
pub(crate) fn code_in(text: &str) -> String {
    let after = text.split("code=").nth(1).unwrap();
    after.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The checks of a database that fail.
pub(crate) async fn breaches(connection: &mut sqlx::PgConnection) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for (name, query) in liuyan_notification::CHECKS {
        let breaches: i64 = sqlx::query_scalar(*query).fetch_one(&mut *connection).await.unwrap();
        if breaches > 0 {
            failed.push(*name);
        }
    }
    failed
}
