//! A producer with its consumers, a bus, a folder for archives, and a clock that is moved by hand.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{
    clock::{ManualClock, SharedClock},
    config,
    grpc::Channel,
    host::Readiness,
    messaging::{
        Outgoing,
        archive::{self, Error, History, Keeper, Range, Step, format::Said},
        confirm, outbox,
        relay::{self, Office},
    },
    objects::Objects,
    testing::{self, TestDb},
};
use liuyan_local::testing::OwnNats;
use liuyan_proto::liuyan::messaging::v1::confirmation_service_server::ConfirmationServiceServer;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use uuid::Uuid;

use crate::messaging::helpers::{
    Killed, LIMIT, Log, clock, count, database, event, execute, hear, nats, now, relay_in,
    settings, subject,
};

pub(super) struct Scene {
    pub(super) db: TestDb,
    pub(super) clock: Arc<ManualClock>,
    server: OwnNats,
    office: Office,
    folder: tempfile::TempDir,
    consumers: BTreeMap<&'static str, (TestDb, Channel)>,
    relay: Option<Killed>,
    confirming: Option<Killed>,
    others: Vec<Killed>,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let db = database().await;
        let server = liuyan_local::testing::nats().await;
        let office = Office::default();
        let relay = relay_in(&db, &nats(server.url()), office.clone()).await;
        Self {
            db,
            clock: ManualClock::at(now()),
            server,
            office,
            folder: tempfile::tempdir().unwrap(),
            consumers: BTreeMap::new(),
            relay: Some(relay),
            confirming: None,
            others: Vec::new(),
        }
    }

    /// A consumer that hears and confirms.
    pub(super) async fn consumer(&mut self, name: &'static str) {
        self.silent(name).await;
        self.hear(name).await;
    }

    /// A consumer that is registered and answers, and hears nothing yet.
    pub(super) async fn silent(&mut self, name: &'static str) {
        let heard = database().await;
        let answers = confirm::Confirmations::new((*heard).clone(), clock(), &settings());
        let address = testing::stub(Routes::new(ConfirmationServiceServer::new(answers))).await;
        self.consumers.insert(name, (heard, testing::channel(address)));
        self.confirm();
    }

    pub(super) async fn hear(&mut self, name: &'static str) {
        let url = self.server.url().to_owned();
        let hearing = hear(self.heard(name), &url, name, &Log::default()).await;
        self.others.push(hearing);
    }

    pub(super) fn heard(&self, name: &str) -> &TestDb {
        &self.consumers[name].0
    }

    fn confirmer(&self) -> confirm::Confirmer {
        let consumers = self.consumers.iter();
        confirm::Confirmer {
            source: "intake",
            db: (*self.db).clone(),
            consumers: consumers.map(|(name, (_, channel))| (*name, channel.clone())).collect(),
            settings: settings(),
            clock: Arc::clone(&self.clock) as SharedClock,
            stopping: CancellationToken::new(),
        }
    }

    /// Lets the producer ask, of all consumers that there are now.
    pub(super) fn confirm(&mut self) {
        self.confirming = Some(tokio::spawn(confirm::run(self.confirmer())).into());
    }

    pub(super) fn stop_confirming(&mut self) {
        self.confirming = None;
    }

    pub(super) fn stop_relay(&mut self) {
        self.relay = None;
    }

    pub(super) fn keeper(&self) -> Keeper {
        let hearers = self.consumers.iter();
        Keeper {
            confirmer: self.confirmer(),
            hearers: hearers.map(|(name, (_, channel))| (*name, Some(channel.clone()))).collect(),
            objects: self.objects(),
            office: self.office.clone(),
            readiness: Readiness::default(),
        }
    }

    /// Lets a keeper do its work from now on.
    pub(super) fn keep(&mut self) {
        self.others.push(tokio::spawn(archive::run(self.keeper())).into());
    }

    fn objects(&self) -> Objects {
        Objects::open(&config::Objects::in_folder(self.folder.path()), "intake").unwrap()
    }

    /// The beginning of the day so many days ago.
    pub(super) fn day(&self, ago: i64) -> Timestamp {
        let day = 86_400;
        Timestamp::from_second((now().as_second().div_euclid(day) - ago) * day).unwrap()
    }

    /// Says events at noon of the day so many days ago, as it was said then: in the day's partition.
    pub(super) async fn say(&self, ago: i64, subject: Uuid, marks: &[&str]) {
        let day = self.day(ago);
        execute(
            &self.db,
            &format!("select messaging.make_partitions('{}', 1)", day.strftime("%F")),
        )
        .await;
        self.say_without_partition(ago, subject, marks).await;
    }

    pub(super) async fn say_without_partition(&self, ago: i64, subject: Uuid, marks: &[&str]) {
        let at = self.day(ago) + SignedDuration::from_hours(12);
        for mark in marks {
            let outgoing = Outgoing::new(subject, &event(mark));
            self.db
                .write(move |tx| {
                    Box::pin(async move { outbox::publish_all(tx, at, &[outgoing]).await })
                })
                .await
                .unwrap();
        }
    }

    /// Waits until a consumer has confirmed all that was said before yesterday.
    pub(super) async fn confirmed(&self, name: &str) {
        testing::eventually("the consumer has confirmed", LIMIT, || async {
            let confirmed = format!(
                "select count(*) from messaging.confirmations where consumer = '{name}'
                 and confirmed_before > (select max(messaging.time_of(event_id)) from (
                     select event_id from messaging.outbox
                     where event_id < messaging.first_id_at(now() - interval '1 day')) as old)"
            );
            (count(&self.db, &confirmed).await == 1).then_some(())
        })
        .await;
    }

    pub(super) async fn epoch(&self) -> i64 {
        count(&self.db, "select epoch from messaging.relay").await
    }

    /// Ends the relay, and lets another holder take the lease.
    pub(super) async fn next_epoch(&mut self) -> i64 {
        self.stop_relay();
        execute(&self.db, "update messaging.relay set expires_at = '-infinity'").await;
        relay::take_lease(&self.db, subject(), 1_000).await.unwrap().unwrap()
    }

    /// What one round did.
    pub(super) async fn steps(&self) -> Vec<Step> {
        let steps = self.keeper().round(self.epoch().await).await.unwrap();
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// Goes through one round, in which every day that it looks at must go; how many these are.
    pub(super) async fn gone(&self) -> usize {
        let steps = self.steps().await;
        assert!(steps.iter().all(|step| *step == Step::Gone), "{steps:?}");
        steps.len()
    }

    /// How many events are in the outbox.
    pub(super) async fn rows(&self) -> i64 {
        count(&self.db, "select count(*) from messaging.outbox").await
    }

    pub(super) async fn history(&self, subject: Option<Uuid>) -> Result<Vec<Said>, Error> {
        let history = History { db: (*self.db).clone(), objects: Some(self.objects()) };
        let range = Range { from: self.day(1_000), until: self.day(-1), subject };
        history.events(range).try_collect().await
    }

    pub(super) async fn objects_there(&self) -> Vec<String> {
        let listed = self.objects().list("").unwrap();
        listed.map_ok(|object| object.name).try_collect().await.unwrap()
    }

    pub(super) fn content(&self, object: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join("intake").join(object)).unwrap()
    }

    pub(super) fn replace(&self, object: &str, content: &[u8]) {
        std::fs::write(self.folder.path().join("intake").join(object), content).unwrap();
    }

    /// Empties the bus.
    pub(super) async fn empty_bus(&mut self) {
        self.server.wipe().await;
        self.server.restart().await;
    }
}

/// Subjects and versions.
pub(super) fn lines(said: &[Said]) -> Vec<(Uuid, i64)> {
    said.iter().map(|said| (said.subject_id, said.version)).collect()
}
