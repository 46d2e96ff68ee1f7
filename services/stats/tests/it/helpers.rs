//! A stats service without its host, and short words for what the others say.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{
    auth::Caller,
    clock::{Clock, ManualClock, to_proto},
    id,
    messaging::{Consumer, Envelope},
    service::Service,
    testing::{self, TestDb},
};
use liuyan_proto::{
    Event,
    liuyan::{
        intake::v1::MessageSubmitted,
        moderation::v1::{MessageApproved, MessageDeclined},
        routing::v1 as routing,
        stats::v1::{self as proto, stats_service_server::StatsService},
    },
};
use liuyan_stats::{App, Config, Grpc, Stats, indicator, of_intake, of_moderation, of_routing};
use tonic::{Request, Status};
use uuid::Uuid;

/// A stats service without its host.
pub(crate) struct Bench {
    pub(crate) db: TestDb,
    pub(crate) app: Arc<App>,
    pub(crate) grpc: Arc<Grpc>,
    pub(crate) clock: Arc<ManualClock>,
    consumers: HashMap<&'static str, Consumer>,
    versions: Mutex<HashMap<(&'static str, Uuid), i64>>,
}

/// The settings of this release.
pub(crate) fn config() -> Config {
    #[derive(serde::Deserialize)]
    struct File {
        service: Config,
    }
    toml::from_str::<File>(Stats::DEFAULTS).unwrap().service
}

/// A fresh service with the settings of this release.
pub(crate) async fn bench() -> Bench {
    bench_with(config()).await
}

/// A fresh service.
pub(crate) async fn bench_with(config: Config) -> Bench {
    let db = testing::database::<Stats>().await;
    let clock = ManualClock::at(at("2026-07-01T08:00:00Z"));
    let app = Arc::new(App {
        db: (*db).clone(),
        clock: clock.clone(),
        indicators: indicator::parse(indicator::DATA).unwrap(),
        config,
    });
    app.publish_definitions(indicator::VERSION).await.unwrap();
    app.apply_rules().await.unwrap();
    let consumers = HashMap::from([
        ("intake", of_intake(Arc::default())),
        ("moderation", of_moderation(Arc::default())),
        ("routing", of_routing(Arc::default())),
    ]);
    let grpc = Arc::new(Grpc::new(Arc::clone(&app)));
    Bench { db, app, grpc, clock, consumers, versions: Mutex::default() }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An id that differs from those of other numbers.
pub(crate) fn message(number: u128) -> Uuid {
    let id = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_0000_0000_0000_0001);
    // Ids of messages are of version 7.
    Uuid::from_u128(id & !(0xf << 76) | (7 << 76))
}

/// A public message to an office in Fuzhou, submitted on the first of July.
pub(crate) fn submitted(id: Uuid) -> MessageSubmitted {
    MessageSubmitted {
        message_id: id.to_string(),
        number: "N".into(),
        office_id: "350102-s".into(),
        kind: "help".into(),
        domain: "7".into(),
        topic: "x".into(),
        visibility: 1,
        channel: 1,
        submitted_at: Some(to_proto(at("2026-07-01T01:00:00Z"))),
        revision: 1,
        ..MessageSubmitted::default()
    }
}

pub(crate) fn approved(id: Uuid) -> MessageApproved {
    MessageApproved { message_id: id.to_string(), ..MessageApproved::default() }
}

pub(crate) fn declined(id: Uuid, ground: &str) -> MessageDeclined {
    MessageDeclined { message_id: id.to_string(), ground: ground.into(), declined_at: None }
}

/// The id of a message's case.
pub(crate) fn case_of(id: Uuid) -> Uuid {
    Uuid::from_u128(!id.as_u128())
}

/// What every event of the case of a public message tells.
pub(crate) fn case(id: Uuid, moment: &str) -> routing::CaseRef {
    routing::CaseRef {
        case_id: case_of(id).to_string(),
        message_id: id.to_string(),
        office_id: "350102-s".into(),
        division_code: "350102".into(),
        kind: "help".into(),
        domain: "7".into(),
        visibility: 1,
        public: true,
        state: 1,
        revision: 1,
        accused_office_ids: Vec::new(),
        occurred_at: Some(to_proto(at(moment))),
        causation_id: String::new(),
    }
}

/// A case with a deadline on the tenth of July.
pub(crate) fn opened(case: routing::CaseRef) -> routing::CaseOpened {
    let deadline_at = Some(to_proto(at("2026-07-10T15:59:59.999999Z")));
    routing::CaseOpened { case: Some(case), deadline_at, ..routing::CaseOpened::default() }
}

pub(crate) fn replied(case: routing::CaseRef) -> routing::CaseReplied {
    let reply_id = Uuid::nil().to_string();
    routing::CaseReplied { case: Some(case), reply_id, ..Default::default() }
}

pub(crate) fn rated(case: routing::CaseRef, mark: u32) -> routing::CaseRated {
    routing::CaseRated {
        case: Some(case),
        reply_id: Uuid::nil().to_string(),
        resolution: mark,
        attitude: mark,
        speed: mark,
        rated_at: None,
    }
}

pub(crate) fn closed(case: routing::CaseRef, outcome: i32) -> routing::CaseClosed {
    routing::CaseClosed { case: Some(routing::CaseRef { state: 4, ..case }), outcome }
}

pub(crate) fn office(id: &str, path: &[&str]) -> routing::OfficePut {
    routing::OfficePut {
        office_id: id.into(),
        division_code: path.last().map(|code| (*code).into()).unwrap_or_default(),
        open: true,
        parent_office_id: String::new(),
        division_path: path.iter().map(|code| (*code).into()).collect(),
    }
}

impl Bench {
    /// Hears events of one source, in one batch.
    pub(crate) async fn hear(&self, batch: Vec<Envelope>) {
        assert!(self.try_hear(batch).await, "the batch is taken");
    }

    /// Hears events of one source, and may refuse.
    pub(crate) async fn try_hear(&self, batch: Vec<Envelope>) -> bool {
        let source = batch[0].kind.split('.').nth(1).unwrap().to_owned();
        let consumer = &self.consumers[source.as_str()];
        consumer.deliver(&self.db, self.clock.now(), &batch).await.is_ok()
    }

    /// The next event about a subject.
    pub(crate) fn event<E: Event>(&self, subject_id: Uuid, event: &E) -> Envelope {
        let mut versions = self.versions.lock().unwrap();
        let version = versions.entry((E::SOURCE, subject_id)).or_default();
        *version += 1;
        Envelope {
            event_id: id::v7(self.clock.now()),
            subject_id,
            version: *version,
            kind: E::TYPE.into(),
            at: self.clock.now(),
            traceparent: None,
            payload: event.encode_to_vec().into(),
        }
    }

    /// Something about a subject is said and heard.
    pub(crate) async fn say<E: Event>(&self, subject_id: Uuid, event: &E) {
        self.hear(vec![self.event(subject_id, event)]).await;
    }

    /// Something about the case of a message is said and heard.
    pub(crate) async fn say_case<E: Event>(&self, message_id: Uuid, event: &E) {
        self.say(case_of(message_id), event).await;
    }

    /// Offices of Fujian and Beijing, and a ministry.
    pub(crate) async fn directory(&self) {
        let offices = [
            office("350000-g", &["350000"]),
            office("350100-g", &["350000", "350100"]),
            office("350102-s", &["350000", "350100", "350102"]),
            office("350200-g", &["350000", "350200"]),
            office("110101-s", &["110000", "110101"]),
            office("m-01", &[]),
        ];
        let batch =
            offices.iter().map(|put| self.event(id::of_name("office", &put.office_id), put));
        self.hear(batch.collect()).await;
    }

    /// A public message that is approved and has a case with `office`.
    pub(crate) async fn a_case(&self, number: u128, office: &str) -> Uuid {
        let id = message(number);
        let event = MessageSubmitted { office_id: office.into(), ..submitted(id) };
        self.say(id, &event).await;
        self.say(id, &approved(id)).await;
        self.say_case(id, &opened(self.case_at(id, office))).await;
        id
    }

    /// What an event of a case says that happens now.
    pub(crate) fn case_at(&self, id: Uuid, office: &str) -> routing::CaseRef {
        let now = self.clock.now().to_string();
        routing::CaseRef { office_id: office.into(), ..case(id, &now) }
    }

    /// Counts until nothing waits.
    pub(crate) async fn count(&self) {
        while self.app.count_some().await.unwrap().more {}
    }

    /// Time passes, and something is heard that tells of it.
    pub(crate) async fn after(&self, days: i64) {
        self.clock.advance(SignedDuration::from_hours(24 * days));
    }

    /// Asks for figures.
    pub(crate) async fn ask(&self, query: proto::QuerySeriesRequest) -> proto::QuerySeriesResponse {
        self.try_ask(query).await.unwrap()
    }

    /// Asks for figures, and may be refused.
    pub(crate) async fn try_ask(
        &self,
        query: proto::QuerySeriesRequest,
    ) -> Result<proto::QuerySeriesResponse, Status> {
        Ok(self.grpc.query_series(anonymous(query)).await?.into_inner())
    }

    /// The numerators of one indicator, by key.
    pub(crate) async fn by(
        &self,
        indicator: &str,
        group_by: proto::GroupBy,
        slice: proto::Slice,
    ) -> Vec<(String, i64)> {
        let answer = self.ask(query(&[indicator], group_by, slice)).await;
        answer.rows.into_iter().map(|row| (row.key, row.values[0].numerator)).collect()
    }

    /// The values of indicators for the whole board.
    pub(crate) async fn values(&self, indicators: &[&str]) -> Vec<Option<f64>> {
        let query = query(indicators, proto::GroupBy::Unspecified, proto::Slice::default());
        let answer = self.ask(query).await;
        answer.rows[0].values.iter().map(|value| value.value).collect()
    }

    /// What a recount finds.
    pub(crate) async fn differences(&self) -> Vec<String> {
        self.app.recount().await.unwrap().differences
    }

    /// Does something to the database behind the service's back.
    pub(crate) async fn meddle(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&mut *self.db.read().await.unwrap()).await.unwrap();
    }

    /// A number that a query gives.
    pub(crate) async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut *self.db.read().await.unwrap()).await.unwrap()
    }

    /// All tallies, as text.
    pub(crate) async fn tallies(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select tally_cells::text from tally_cells order by tally_cells::text collate \"C\"",
        )
        .fetch_all(&mut *self.db.read().await.unwrap())
        .await
        .unwrap()
    }
}

/// The checks of a database that fail.
pub(crate) async fn breaches(connection: &mut sqlx::PgConnection) -> Vec<String> {
    let mut failed = Vec::new();
    for (name, query) in liuyan_stats::CHECKS {
        let breaches: i64 = sqlx::query_scalar(*query).fetch_one(&mut *connection).await.unwrap();
        if breaches > 0 {
            failed.push((*name).to_owned());
        }
    }
    failed.extend(liuyan_stats::recount(connection).await.unwrap().differences);
    failed
}

/// A request of somebody without a token, as the guard hands it over.
pub(crate) fn anonymous<T>(request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.extensions_mut().insert(Caller::anonymous("en"));
    request
}

pub(crate) fn query(
    indicators: &[&str],
    group_by: proto::GroupBy,
    slice: proto::Slice,
) -> proto::QuerySeriesRequest {
    proto::QuerySeriesRequest {
        indicators: indicators.iter().map(|code| (*code).to_owned()).collect(),
        slice: Some(slice),
        group_by: group_by.into(),
    }
}

/// A division with all below it.
pub(crate) fn division(code: &str) -> proto::Slice {
    proto::Slice { division_code: code.into(), ..proto::Slice::default() }
}

/// Keys with numbers.
pub(crate) fn rows(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|(key, number)| ((*key).to_owned(), *number)).collect()
}
