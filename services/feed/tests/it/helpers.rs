//! A feed without a bus: events are handed to its consumer, routing is a double, readers come over
//! real gRPC.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use liuyan_feed::{
    CHECKS, Feed,
    app::{self, App, gate::Gate, shelf::Shelf, tail::Tail},
    config::Config,
    consumer,
    grpc::Grpc,
    routing::Views,
    worker,
};
use liuyan_kit::{
    auth::Caller,
    clock::{Clock as _, SystemClock, to_proto},
    db::Db,
    grpc::Channel,
    host::Worked,
    id,
    messaging::Envelope,
    objects::Objects,
    service::Service as _,
    testing,
};
use liuyan_proto::{
    Event,
    liuyan::{
        common::v1::{CaseState, PublicCase, Visibility},
        feed::v1::{
            ListEventsRequest, ListEventsResponse, WatchEventsRequest, WatchEventsResponse,
            feed_service_client::FeedServiceClient, feed_service_server::FeedServiceServer,
            watch_events_response::Frame,
        },
        routing::v1::{self as routing, CaseRef},
    },
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming, service::Routes};
use uuid::Uuid;

use crate::routing::Routing;

/// Every wait of a test ends here.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A feed with what stands around it.
pub(crate) struct House {
    pub(crate) db: Db,
    pub(crate) app: App,
    pub(crate) routing: Routing,
    pub(crate) views: Views,
    pub(crate) grpc: Grpc,
    pub(crate) client: FeedServiceClient<Channel>,
    /// Where its objects are.
    pub(crate) folder: TempDir,
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) async fn house() -> House {
    house_with(|_| ()).await
}

/// A feed with other settings.
pub(crate) async fn house_with(change: impl FnOnce(&mut Config)) -> House {
    house_on((*testing::database::<Feed>().await).clone(), change).await
}

/// The same on a database of its own.
pub(crate) async fn house_on(db: Db, change: impl FnOnce(&mut Config)) -> House {
    #[derive(serde::Deserialize)]
    struct Defaults {
        service: Config,
    }
    let Defaults { service: mut config } = toml::from_str(Feed::DEFAULTS).unwrap();
    config.heartbeat_min_ms = 1;
    config.goodbye_ms = 200;
    change(&mut config);
    app::found(&db, now()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let app = replica(&db, &config, folder.path()).await;
    let routing = Routing::default();
    let address = testing::stub(routing.routes()).await;
    let views = Views::new(testing::channel(address), Duration::from_secs(5));
    let grpc = Grpc::new(app.clone());
    let address = testing::stub(Routes::new(FeedServiceServer::new(grpc.clone()))).await;
    let client = FeedServiceClient::new(testing::channel(address));
    House { db, app, routing, views, grpc, client, folder }
}

async fn replica(db: &Db, config: &Config, folder: &Path) -> App {
    let objects = Objects::open(&testing::place_of_objects(folder), "feed").unwrap();
    let shelf = Arc::new(Shelf::new(db.clone(), Some(objects), config.unpacked_bytes));
    App {
        db: db.clone(),
        clock: Arc::new(SystemClock),
        tail: Arc::new(Tail::open(db.clone(), Arc::clone(&shelf), config).await.unwrap()),
        shelf,
        gate: Arc::new(Gate::new(config)),
        streams: Arc::default(),
        rewritten: Arc::default(),
        held: Arc::default(),
        troubles: Arc::default(),
        stopping: CancellationToken::new(),
        config: Arc::new(config.clone()),
    }
}

impl House {
    /// Another process on the same database.
    pub(crate) async fn replica(&self) -> App {
        replica(&self.db, &self.app.config, self.folder.path()).await
    }

    /// Looks after the stretches until nothing is due any more.
    pub(crate) async fn export(&self) {
        while matches!(self.app.look_after_stretches().await.unwrap(), Worked::More) {}
    }

    fn room(&self) -> &Objects {
        self.app.shelf.objects().unwrap()
    }

    /// What all objects hold, by their names.
    pub(crate) async fn packed(&self) -> BTreeMap<String, Vec<u8>> {
        let listed: Vec<_> = self.room().list("").unwrap().try_collect().await.unwrap();
        let mut found = BTreeMap::new();
        for name in listed.into_iter().map(|listed| listed.name) {
            let content: Vec<Bytes> =
                self.room().get(&name).await.unwrap().content.try_collect().await.unwrap();
            found.insert(name, content.concat());
        }
        found
    }

    /// The same, unpacked.
    pub(crate) async fn objects(&self) -> BTreeMap<String, String> {
        let text = |packed: Vec<u8>| {
            String::from_utf8(zstd::stream::decode_all(packed.as_slice()).unwrap()).unwrap()
        };
        self.packed().await.into_iter().map(|(name, packed)| (name, text(packed))).collect()
    }

    /// Puts bytes in the place of what an object holds; removes it for `None`.
    pub(crate) async fn damage(&self, name: &str, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                let mut writer = self.room().writer(name).unwrap();
                writer.write(Bytes::copy_from_slice(bytes)).await.unwrap();
                writer.finish().await.unwrap();
            }
            None => self.room().delete(name).await.unwrap(),
        }
        self.app.shelf.forget();
    }

    /// Hands events to the consumer, as one batch.
    pub(crate) async fn hear(&self, batch: &[Envelope]) {
        consumer::of_routing().deliver(&self.db, now(), batch).await.unwrap();
    }

    /// Appends until nothing moves any more.
    pub(crate) async fn append(&self) {
        while matches!(worker::append_some(&self.app, &self.views).await.unwrap(), Worked::More) {}
    }

    /// Hears one event and appends it.
    pub(crate) async fn take(&self, event: Envelope) {
        self.hear(&[event]).await;
        self.append().await;
    }

    pub(crate) async fn list(
        &self,
        request: ListEventsRequest,
    ) -> Result<ListEventsResponse, Status> {
        self.client.clone().list_events(request).await.map(Response::into_inner)
    }

    pub(crate) async fn all(&self) -> ListEventsResponse {
        self.list(ListEventsRequest { page_size: 500, ..Default::default() }).await.unwrap()
    }

    pub(crate) async fn watch(&self, request: WatchEventsRequest) -> Watching {
        Watching(self.client.clone().watch_events(request).await.unwrap().into_inner())
    }

    /// A number that the database knows.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut connection = self.db.read().await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut *connection).await.unwrap()
    }

    /// The promises of the feed that its database breaks.
    pub(crate) async fn breaches(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        for (promise, sql) in CHECKS {
            if self.count(sql).await > 0 {
                found.push(*promise);
            }
        }
        found
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        let mut connection = self.db.read().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    }
}

/// A stream at its reader.
pub(crate) struct Watching(pub(crate) Streaming<WatchEventsResponse>);

impl Watching {
    /// The next frame; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<WatchEventsResponse> {
        tokio::time::timeout(SOON, self.0.message()).await.expect("a frame comes soon").unwrap()
    }

    /// The next frame of a kind, passing over others.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> WatchEventsResponse {
        loop {
            let response = self.next().await.expect("the stream has not ended");
            if response.frame.as_ref().is_some_and(&wanted) {
                return response;
            }
        }
    }
}

/// A case whose events the test makes.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) id: Uuid,
    pub(crate) message_id: Uuid,
    pub(crate) version: i64,
    pub(crate) revision: u64,
    pub(crate) office_id: &'static str,
    pub(crate) division_code: &'static str,
    pub(crate) kind: &'static str,
}

impl Case {
    pub(crate) fn new() -> Self {
        Self {
            id: id::v7(now()),
            message_id: id::v7(now()),
            version: 0,
            revision: 0,
            office_id: "110100-s",
            division_code: "110100",
            kind: "complaint",
        }
    }

    /// The view of this case as it is now.
    pub(crate) fn view(&self, title: &str) -> PublicCase {
        PublicCase {
            case_id: self.id.to_string(),
            message_id: self.message_id.to_string(),
            office_id: self.office_id.to_owned(),
            division_code: self.division_code.to_owned(),
            kind: self.kind.to_owned(),
            title: title.to_owned(),
            state: CaseState::Assigned.into(),
            revision: self.revision,
            ..PublicCase::default()
        }
    }

    pub(crate) fn case_ref(&self, public: bool) -> CaseRef {
        CaseRef {
            case_id: self.id.to_string(),
            message_id: self.message_id.to_string(),
            office_id: self.office_id.to_owned(),
            division_code: self.division_code.to_owned(),
            kind: self.kind.to_owned(),
            visibility: Visibility::Public.into(),
            public,
            state: CaseState::Assigned.into(),
            revision: self.revision,
            occurred_at: Some(to_proto(now())),
            ..CaseRef::default()
        }
    }

    fn say<E: Event>(&mut self, public: bool, event: impl FnOnce(CaseRef) -> E) -> Envelope {
        self.version += 1;
        self.revision += 1;
        Envelope {
            event_id: id::v7(now()),
            subject_id: self.id,
            version: self.version,
            kind: E::TYPE.to_owned(),
            at: now(),
            traceparent: None,
            payload: Bytes::from(event(self.case_ref(public)).encode_to_vec()),
        }
    }

    pub(crate) fn opened(&mut self) -> Envelope {
        self.say(true, |case| routing::CaseOpened { case: Some(case), ..Default::default() })
    }

    pub(crate) fn accepted(&mut self) -> Envelope {
        self.say(true, |case| routing::CaseAccepted { case: Some(case) })
    }

    pub(crate) fn replied(&mut self) -> Envelope {
        self.say(true, |case| routing::CaseReplied { case: Some(case), ..Default::default() })
    }

    pub(crate) fn text_changed(&mut self) -> Envelope {
        self.say(true, |case| routing::CaseTextChanged { case: Some(case) })
    }

    pub(crate) fn rated(&mut self) -> Envelope {
        self.say(true, |case| routing::RatingChanged { case: Some(case), ..Default::default() })
    }

    /// A rating of before can no longer be changed.
    pub(crate) fn rated_for_good(&mut self) -> Envelope {
        self.say(true, |case| routing::CaseRated { case: Some(case), ..Default::default() })
    }

    /// Another office has it now.
    pub(crate) fn transferred(&mut self, to: &'static str) -> Envelope {
        let from_office_id = std::mem::replace(&mut self.office_id, to).to_owned();
        self.say(true, |case| routing::CaseTransferred { case: Some(case), from_office_id })
    }

    pub(crate) fn opened_in_private(&mut self) -> Envelope {
        self.say(false, |case| routing::CaseOpened { case: Some(case), ..Default::default() })
    }

    /// A case that its author keeps from the public, or that accuses offices.
    pub(crate) fn private(&mut self, accused: &[&str]) -> Envelope {
        let accused_office_ids = accused.iter().map(|office| (*office).to_owned()).collect();
        let visibility = Visibility::Private.into();
        self.say(false, |case| routing::CaseAccepted {
            case: Some(CaseRef { visibility, accused_office_ids, ..case }),
        })
    }

    /// The same with another office.
    pub(crate) fn transferred_in_private(
        &mut self,
        to: &'static str,
        accused: &[&str],
    ) -> Envelope {
        let accused_office_ids = accused.iter().map(|office| (*office).to_owned()).collect();
        let from_office_id = std::mem::replace(&mut self.office_id, to).to_owned();
        let visibility = Visibility::Private.into();
        self.say(false, |case| routing::CaseTransferred {
            case: Some(CaseRef { visibility, accused_office_ids, ..case }),
            from_office_id,
        })
    }

    /// Accepted by a request of its office.
    pub(crate) fn accepted_by(&mut self, request_id: Uuid) -> Envelope {
        let causation_id = request_id.to_string();
        self.say(true, |case| routing::CaseAccepted {
            case: Some(CaseRef { causation_id, ..case }),
        })
    }

    pub(crate) fn closed(&mut self) -> Envelope {
        self.say(true, |case| routing::CaseClosed { case: Some(case), ..Default::default() })
    }

    /// Closed as withdrawn: not public any more.
    pub(crate) fn withdrawn(&mut self) -> Envelope {
        self.say(false, |case| routing::CaseClosed { case: Some(case), ..Default::default() })
    }
}

/// The titles of the cases of events.
pub(crate) fn titles(events: &[liuyan_proto::liuyan::feed::v1::Event]) -> Vec<&str> {
    events.iter().map(|event| event.case.as_ref().unwrap().title.as_str()).collect()
}

/// The reason and the metadata of an error.
pub(crate) fn told(status: &Status) -> (String, HashMap<String, String>) {
    use tonic_types::StatusExt as _;
    let info = status.get_details_error_info().expect("an error names its reason");
    (info.reason, info.metadata)
}

/// The reason of an error.
pub(crate) fn reason(status: &Status) -> String {
    told(status).0
}

/// The fields that an error names, in its order.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    use tonic_types::StatusExt as _;
    let request = status.get_details_bad_request().expect("an error names its fields");
    request.field_violations.into_iter().map(|violation| violation.field).collect()
}

/// A request of an agency; of somebody without a token if `who` is empty, as the streams of these
/// tests are.
pub(crate) fn by<T>(who: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if !who.is_empty() {
        let issuer = "identity".to_owned();
        let caller = Caller { issuer, subject: who.to_owned(), ..Caller::anonymous("en") };
        request.extensions_mut().insert(caller);
    }
    request
}

/// A request of an agency that acts for offices and divisions, with scopes.
pub(crate) fn acting<T>(
    offices: &[&str],
    divisions: &[&str],
    scopes: &[&str],
    message: T,
) -> Request<T> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let mut request = Request::new(message);
    request.extensions_mut().insert(Caller {
        issuer: "identity".to_owned(),
        subject: "agency".to_owned(),
        offices: texts(offices),
        divisions: texts(divisions),
        scopes: texts(scopes),
        ..Caller::anonymous("en")
    });
    request
}

/// Waits until it is so.
pub(crate) async fn eventually(mut so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + SOON;
    while !so().await {
        assert!(tokio::time::Instant::now() < deadline, "it never was so");
        tokio::task::yield_now().await;
    }
}
