//! A moderation service without its host.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::Ordering},
};

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{
    auth::{self, Caller, Signer},
    clock::{Clock, ManualClock, to_proto},
    messaging::{Consumer, Envelope},
    seal::Keyring,
    service::Service,
    testing::{self, TestDb},
};
use liuyan_moderation::{
    App, Config, Grpc, InForce, Moderation, RuleGrpc, Texts, Vault, of_intake,
    rules::{Files, RuleSet},
    screen::Screener,
};
use liuyan_proto::{
    Event,
    liuyan::{intake::v1 as intake, moderation::v1 as moderation},
};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::intake::Intake;

/// The version of the set of rules that this release brings.
pub(crate) const RELEASE: u32 = 4;

/// A moderation service without its host.
pub(crate) struct Bench {
    pub(crate) db: TestDb,
    pub(crate) app: Arc<App>,
    pub(crate) grpc: Arc<Grpc>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) intake: Intake,
    consumer: Consumer,
    versions: Mutex<HashMap<Uuid, i64>>,
}

/// The settings of this release.
pub(crate) fn config() -> Config {
    #[derive(serde::Deserialize)]
    struct File {
        service: Config,
    }
    let mut settings = toml::from_str::<File>(Moderation::DEFAULTS).unwrap().service;
    // Tests say what they take samples of.
    settings.work.sample_of_ten_thousand = 0;
    // Messages of these tests are much the same, which matters to few of them.
    Config { compare_messages: false, ..settings }
}

/// A fresh service with the settings of this release.
pub(crate) async fn bench() -> Bench {
    bench_with(config()).await
}

/// A fresh service.
pub(crate) async fn bench_with(config: Config) -> Bench {
    let db = testing::database::<Moderation>().await;
    let clock = ManualClock::at("2026-05-01T08:00:00Z".parse().unwrap());
    let intake = Intake::default();
    let rules = Files::current();
    let app = Arc::new(App {
        db: (*db).clone(),
        clock: clock.clone(),
        texts: Texts::new(testing::channel(intake.serve().await)),
        vault: Vault::new(Keyring::generate()),
        rules: InForce::new(Screener::new(RuleSet::parse(&rules).unwrap()).unwrap()),
        config,
    });
    app.load_data(&rules).await.unwrap();
    let consumer = of_intake(clock.clone(), Arc::default());
    let (key, _) = auth::generate_key().unwrap();
    let signer = Signer::new("moderation", &key, clock.clone()).unwrap();
    let grpc = Arc::new(Grpc::new(Arc::clone(&app), signer));
    Bench { db, app, grpc, clock, intake, consumer, versions: Mutex::default() }
}

/// A message as its author wrote it; tests change what matters to them.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) event: intake::MessageSubmitted,
    pub(crate) text: intake::Text,
}

/// A clean public message.
pub(crate) fn a_message(body: &str) -> Message {
    let id = Uuid::from_u128(rand_like());
    let event = intake::MessageSubmitted {
        message_id: id.to_string(),
        number: format!("N{}", &id.simple().to_string()[..10]),
        office_id: "110000-secretary".into(),
        kind: "help".into(),
        domain: "7".into(),
        topic: "x".into(),
        visibility: 1,
        channel: 1,
        author_id: format!("pseudonym {id}"),
        submitted_at: Some(to_proto("2026-05-01T07:00:00Z".parse().unwrap())),
        occurred_at: None,
        revision: 1,
        ..intake::MessageSubmitted::default()
    };
    let text = intake::Text {
        message_id: id.to_string(),
        revision: 1,
        title: "The street lamp".into(),
        body: body.into(),
        place: "at the gate".into(),
        ..intake::Text::default()
    };
    Message { event, text }
}

/// Different at each call, without a source of chance.
fn rand_like() -> u128 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let next = NEXT.fetch_add(1, Ordering::SeqCst);
    let id = u128::from(next.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(next);
    // Ids of messages are of version 7.
    id & !(0xf << 76) | (7 << 76)
}

/// Clean, and held by the rules.
pub(crate) const CLEAN: &str = "The lamp at our gate is broken.";
/// What an author writes who appeals.
pub(crate) const REASON: &str = "The lamp is the matter of this very office.";
pub(crate) const HELD: &str = "Please call 13800138000 about the lamp.";

impl Bench {
    /// Hears events of intake, in one batch.
    pub(crate) async fn hear(&self, batch: Vec<Envelope>) {
        self.consumer.deliver(&self.db, self.clock.now(), &batch).await.unwrap();
    }

    /// Hears events of intake, and may refuse.
    pub(crate) async fn try_hear(&self, batch: Vec<Envelope>) -> bool {
        self.consumer.deliver(&self.db, self.clock.now(), &batch).await.is_ok()
    }

    /// The next event about a message.
    pub(crate) fn event<E: Event>(&self, id: Uuid, event: &E) -> Envelope {
        let mut versions = self.versions.lock().unwrap();
        let version = versions.entry(id).or_default();
        *version += 1;
        Envelope {
            event_id: liuyan_kit::id::v7(self.clock.now()),
            subject_id: id,
            version: *version,
            kind: E::TYPE.into(),
            at: self.clock.now(),
            traceparent: None,
            payload: event.encode_to_vec().into(),
        }
    }

    /// Intake takes a message and says so.
    pub(crate) async fn submit(&self, message: &Message) -> Uuid {
        let id = message.event.message_id.parse().unwrap();
        self.intake.keep(message.text.clone());
        self.hear(vec![self.event(id, &message.event)]).await;
        id
    }

    /// Many messages, in one batch.
    pub(crate) async fn submit_all(&self, messages: &[Message]) -> Vec<Uuid> {
        let mut batch = Vec::new();
        for message in messages {
            self.intake.keep(message.text.clone());
            let id = message.event.message_id.parse().unwrap();
            batch.push(self.event(id, &message.event));
        }
        let ids = batch.iter().map(|event| event.subject_id).collect();
        self.hear(batch).await;
        ids
    }

    /// A message that the rules hold.
    pub(crate) async fn held(&self) -> Uuid {
        let id = self.submit(&a_message(HELD)).await;
        self.screen().await;
        assert_eq!(self.state(id).await, "held");
        id
    }

    /// A message that the rules approve.
    pub(crate) async fn approved(&self, message: &Message) -> Uuid {
        let id = self.submit(message).await;
        self.screen().await;
        assert_eq!(self.state(id).await, "approved");
        id
    }

    /// The author wishes to withdraw.
    pub(crate) async fn withdraw(&self, id: Uuid) {
        let event = intake::WithdrawalRequested {
            message_id: id.to_string(),
            requested_at: Some(to_proto(self.clock.now())),
        };
        self.hear(vec![self.event(id, &event)]).await;
    }

    /// The author sends a mended text.
    pub(crate) async fn resubmit(&self, id: Uuid, revision: u32, text: intake::Text) {
        self.intake.keep(text);
        let event = intake::MessageResubmitted {
            message_id: id.to_string(),
            revision,
            resubmitted_at: Some(to_proto(self.clock.now())),
        };
        self.hear(vec![self.event(id, &event)]).await;
    }

    /// The rules read until nothing waits.
    pub(crate) async fn screen(&self) {
        while self.app.screen_some().await.unwrap() > 0 {}
    }

    /// Time passes.
    pub(crate) fn after(&self, duration: SignedDuration) {
        self.clock.advance(duration);
    }

    /// Where a review stands.
    pub(crate) async fn state(&self, id: Uuid) -> String {
        sqlx::query_scalar("select state from reviews where message_id = $1")
            .bind(id)
            .fetch_one(&mut *self.db.read().await.unwrap())
            .await
            .unwrap()
    }

    /// A number that a query gives.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut *self.db.read().await.unwrap()).await.unwrap()
    }

    /// What was said, of one type, as messages and events.
    pub(crate) async fn said<E: Event>(&self) -> Vec<(Uuid, E)> {
        let said = testing::said::<E>(&self.db).await;
        said.into_iter().map(|said| (said.subject_id, said.event)).collect()
    }

    /// The checks of the database that fail.
    pub(crate) async fn breaches(&self) -> Vec<&'static str> {
        let mut connection = self.db.read().await.unwrap();
        breaches(&mut connection).await
    }

    /// Claims a review as `who`.
    pub(crate) async fn claim(&self, who: &str, id: Uuid) -> moderation::Review {
        use moderation::review_service_server::ReviewService;
        let request =
            moderation::ClaimReviewRequest { message_id: id.to_string(), request_id: request_id() };
        let answer = self.grpc.claim_review(by(who, request)).await.unwrap();
        answer.into_inner().review.unwrap()
    }

    /// Decides as `who`.
    pub(crate) async fn decide(
        &self,
        who: &str,
        review: &moderation::Review,
        decision: moderation::decide_review_request::Decision,
    ) -> Result<moderation::Review, Status> {
        use moderation::review_service_server::ReviewService;
        let request = moderation::DecideReviewRequest {
            message_id: review.message_id.clone(),
            etag: review.etag.clone(),
            request_id: request_id(),
            decision: Some(decision),
            accused_office_ids: Vec::new(),
        };
        let answer = self.grpc.decide_review(by(who, request)).await?;
        Ok(answer.into_inner().review.unwrap())
    }

    /// Chooses for an office whose messages pass.
    pub(crate) async fn choose(
        &self,
        office_id: &str,
        passing: moderation::Passing,
    ) -> moderation::OfficePolicy {
        use moderation::rule_service_server::RuleService;
        let policy = moderation::OfficePolicy {
            office_id: office_id.into(),
            passing: passing.into(),
            ..moderation::OfficePolicy::default()
        };
        let request =
            moderation::PutOfficePolicyRequest { request_id: request_id(), policy: Some(policy) };
        let service = RuleGrpc::new(Arc::clone(&self.app));
        let answer = service.put_office_policy(with_scopes("eve", &["rules:edit"], request));
        answer.await.unwrap().into_inner().policy.unwrap()
    }

    /// A message that Ann declined.
    pub(crate) async fn declined(&self) -> Uuid {
        let id = self.held().await;
        let review = self.claim("ann", id).await;
        self.decide("ann", &review, decline("out_of_remit")).await.unwrap();
        id
    }

    /// Its author appeals.
    pub(crate) async fn appeal(&self, id: Uuid) -> Result<moderation::Appeal, Status> {
        use moderation::review_service_server::ReviewService;
        let request = moderation::AppealDecisionRequest {
            message_id: id.to_string(),
            reason: REASON.into(),
            request_id: request_id(),
        };
        let answer = self.grpc.appeal_decision(as_author(id, request)).await?;
        Ok(answer.into_inner().appeal.unwrap())
    }

    /// Ends an appeal as `who`.
    pub(crate) async fn end_appeal(
        &self,
        who: &str,
        review: &moderation::Review,
        outcome: moderation::decide_appeal_request::Outcome,
    ) -> Result<moderation::Review, Status> {
        use moderation::review_service_server::ReviewService;
        let request = moderation::DecideAppealRequest {
            message_id: review.message_id.clone(),
            etag: review.etag.clone(),
            request_id: request_id(),
            explanation: "We have looked again.".into(),
            outcome: Some(outcome),
            accused_office_ids: Vec::new(),
        };
        let answer = self.grpc.decide_appeal(by(who, request)).await?;
        Ok(answer.into_inner().review.unwrap())
    }

    /// Public texts, as a service asks for them.
    pub(crate) async fn public(&self, ids: &[Uuid]) -> Vec<moderation::PublicText> {
        use moderation::review_service_server::ReviewService;
        let message_ids = ids.iter().map(Uuid::to_string).collect();
        let request = moderation::BatchGetPublicTextRequest { message_ids };
        let answer = self.grpc.batch_get_public_text(by("routing", request)).await.unwrap();
        answer.into_inner().texts
    }
}

/// The checks of a database that fail.
pub(crate) async fn breaches(connection: &mut sqlx::PgConnection) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for (name, query) in liuyan_moderation::CHECKS {
        let breaches: i64 = sqlx::query_scalar(*query).fetch_one(&mut *connection).await.unwrap();
        if breaches > 0 {
            failed.push(*name);
        }
    }
    failed
}

/// A request of a moderator, as the guard hands it over.
pub(crate) fn by<T>(who: &str, request: T) -> Request<T> {
    with_scopes(who, &["review:work"], request)
}

/// A request of a senior moderator, as the guard hands it over.
pub(crate) fn by_senior<T>(who: &str, request: T) -> Request<T> {
    with_scopes(who, &["review:work", "review:senior"], request)
}

/// A request of the author of a message, as the guard hands it over.
pub(crate) fn as_author<T>(id: Uuid, request: T) -> Request<T> {
    with_scopes("author", &[&format!("author:message/{id}")], request)
}

/// A request of somebody with scopes, as the guard hands it over.
pub(crate) fn with_scopes<T>(who: &str, scopes: &[&str], request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.extensions_mut().insert(Caller {
        issuer: "identity".into(),
        subject: who.into(),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        ..Caller::anonymous("en")
    });
    request
}

/// A new id of a request.
pub(crate) fn request_id() -> String {
    Uuid::from_u128(rand_like()).to_string()
}

/// A span of the body.
pub(crate) fn body(start: u32, end: u32) -> moderation::Span {
    moderation::Span { field: moderation::TextField::Body.into(), start, end }
}

/// Publishes without spans.
pub(crate) fn publish(
    redactions: Vec<moderation::Span>,
) -> moderation::decide_review_request::Decision {
    moderation::decide_review_request::Decision::Publish(moderation::Publish { redactions })
}

/// Sends back.
pub(crate) fn send_back(ground: &str) -> moderation::decide_review_request::Decision {
    moderation::decide_review_request::Decision::Return(moderation::Return {
        ground: ground.into(),
        explanation: "Please leave the number out.".into(),
        spans: vec![body(12, 23)],
    })
}

/// Declines.
pub(crate) fn decline(ground: &str) -> moderation::decide_review_request::Decision {
    moderation::decide_review_request::Decision::Decline(moderation::Decline {
        ground: ground.into(),
        explanation: "This is not for the board.".into(),
        spans: vec![body(0, 11)],
    })
}

/// The machine-readable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    use tonic_types::StatusExt;
    status.get_details_error_info().unwrap().reason
}

/// The fields that a refusal names, with what is wrong.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    use tonic_types::StatusExt;
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations.into_iter().map(|violation| violation.field).collect()
}

/// A moment.
pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// The decision stands.
pub(crate) fn uphold() -> moderation::decide_appeal_request::Outcome {
    moderation::decide_appeal_request::Outcome::Uphold(moderation::Uphold {})
}
