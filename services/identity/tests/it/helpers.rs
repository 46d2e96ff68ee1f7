//! An identity service without its host.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::SignedDuration;
use liuyan_identity::{App, CHECKS, Config, Grpc, Hasher, Identity, Vault};
use liuyan_kit::{
    auth::{self, Caller, Signer, Verifier},
    clock::{Clock as _, ManualClock},
    config::Issuer,
    grpc::CLIENT_ADDRESS,
    id,
    service::Service as _,
    testing::{self, TestDb},
};
use liuyan_proto::liuyan::identity::v1::{
    self as proto, Role, identity_service_server::IdentityService as _,
};
use tempfile::TempDir;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

/// What every account of the tests has.
pub(crate) const PASSWORD: &str = "a long enough password";

/// What other services let this one grant, and what this one lets itself.
pub(crate) const GRANTS: &[&str] = &[
    "account",
    "account:write",
    "agency:write",
    "case:read",
    "case:supervise",
    "case:work",
    "column:write",
    "delivery:manage",
    "directory:write",
    "feed:read",
    "message:on_behalf",
    "message:submit",
    "model:write",
    "review:senior",
    "review:work",
    "rules:edit",
    "session:*",
    "stats:recount",
    "webhook:manage",
];

/// An identity service without its host.
pub(crate) struct Bench {
    pub(crate) db: TestDb,
    pub(crate) app: Arc<App>,
    pub(crate) grpc: Grpc,
    pub(crate) clock: Arc<ManualClock>,
    config: Config,
    folder: TempDir,
}

/// The settings of this release, with a keyring in `folder` and quick hashing.
pub(crate) fn config(folder: &Path) -> Config {
    let table: toml::Table = Identity::DEFAULTS.parse().unwrap();
    let mut config: Config = table["service"].clone().try_into().unwrap();
    config.generate_keys = true;
    config.keyring_file = folder.join("keyring");
    config.password.memory_kib = 8;
    config.password.passes = 1;
    config
}

/// A fresh service.
pub(crate) async fn bench() -> Bench {
    bench_with(|_| {}).await
}

/// A fresh service with other settings.
pub(crate) async fn bench_with(change: impl FnOnce(&mut Config)) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    change(&mut config);
    let db = testing::database::<Identity>().await;
    let clock = ManualClock::at("2026-05-01T08:00:00Z".parse().unwrap());
    let signer = Signer::new("identity", &auth::generate_key().unwrap().0, clock.clone()).unwrap();
    let app = app(&db, &config, &clock, signer);
    let grpc = Grpc::new(Arc::clone(&app));
    Bench { db, app, grpc, clock, config, folder }
}

fn app(db: &TestDb, config: &Config, clock: &Arc<ManualClock>, signer: Signer) -> Arc<App> {
    Arc::new(App {
        db: (**db).clone(),
        clock: clock.clone(),
        vault: Vault::open(&config.keyring_file, config.generate_keys).unwrap(),
        hasher: Hasher::new(&config.password).unwrap(),
        signer,
        config: config.clone(),
    })
}

impl Bench {
    /// The same service after a restart with other settings.
    pub(crate) fn restarted(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config;
        change(&mut config);
        let app = app(&self.db, &config, &self.clock, self.app.signer.clone());
        let grpc = Grpc::new(Arc::clone(&app));
        Self { app, grpc, config, ..self }
    }

    /// The folder of the keys.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Time passes.
    pub(crate) fn after(&self, duration: SignedDuration) {
        self.clock.advance(duration);
    }

    /// Puts an account, as an administrator.
    pub(crate) async fn put(
        &self,
        request: proto::PutAccountRequest,
    ) -> Result<proto::Account, Status> {
        let answer = self.grpc.put_account(by("boss", request)).await?;
        Ok(answer.into_inner().account.unwrap())
    }

    /// A citizen with [`PASSWORD`].
    pub(crate) async fn citizen(&self, name: &str) -> proto::Account {
        self.put(an_account(name)).await.unwrap()
    }

    /// Signs in.
    pub(crate) async fn sign_in(
        &self,
        name: &str,
        password: &str,
    ) -> Result<proto::SignInResponse, Status> {
        let request = proto::SignInRequest { name: name.into(), password: password.into() };
        Ok(self.grpc.sign_in(anyone(request)).await?.into_inner())
    }

    /// Signs in by the portal, which tells the address.
    pub(crate) async fn sign_in_from(
        &self,
        address: &str,
        name: &str,
        password: &str,
    ) -> Result<proto::SignInResponse, Status> {
        let request = proto::SignInRequest { name: name.into(), password: password.into() };
        let mut request = of_portal(request);
        request.metadata_mut().insert(CLIENT_ADDRESS, address.parse().unwrap());
        Ok(self.grpc.sign_in(request).await?.into_inner())
    }

    /// Signs in with [`PASSWORD`], and gives the session.
    pub(crate) async fn session(&self, name: &str) -> proto::Session {
        self.sign_in(name, PASSWORD).await.unwrap().session.unwrap()
    }

    /// Refreshes a session.
    pub(crate) async fn refresh(
        &self,
        refresh_token: &str,
    ) -> Result<proto::RefreshSessionResponse, Status> {
        let request = proto::RefreshSessionRequest { refresh_token: refresh_token.into() };
        Ok(self.grpc.refresh_session(anyone(request)).await?.into_inner())
    }

    /// What a token is good for at a service that lets identity grant `grants`.
    pub(crate) fn caller_with(&self, token: &str, grants: &[&str]) -> Caller {
        let mut settings = testing::settings().auth;
        settings.issuers = vec![Issuer {
            name: "identity".into(),
            public_key: self.app.signer.public_key(),
            public_key_file: None,
            scopes: grants.iter().map(|&scope| scope.to_owned()).collect(),
        }];
        Verifier::new(&settings, self.clock.clone()).unwrap().verify(token).unwrap()
    }

    /// What a token is good for.
    pub(crate) fn caller(&self, token: &str) -> Caller {
        Caller { locale: "en".into(), ..self.caller_with(token, GRANTS) }
    }

    /// A request of somebody with a token, as the guard hands it over.
    pub(crate) fn with_token<T>(&self, token: &str, request: T) -> Request<T> {
        let mut request = Request::new(request);
        request.extensions_mut().insert(self.caller(token));
        request
    }

    /// A number that a query gives.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut *self.db.read().await.unwrap()).await.unwrap()
    }

    /// How often something is in the audit log.
    pub(crate) async fn audited(&self, action: &str) -> i64 {
        sqlx::query_scalar("select count(*) from audit where action = $1")
            .bind(action)
            .fetch_one(&mut *self.db.read().await.unwrap())
            .await
            .unwrap()
    }

    /// All that stands in the database, as text.
    pub(crate) async fn dump(&self) -> String {
        let mut all = String::new();
        for table in tables(&self.db).await {
            let query = format!("select coalesce(string_agg(t::text, ' '), '') from {table} as t");
            let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
                .fetch_one(&mut *self.db.read().await.unwrap())
                .await
                .unwrap();
            all.push_str(&text);
        }
        all
    }

    /// Asserts that every check of the database holds.
    pub(crate) async fn whole(&self) {
        let mut connection = self.db.read().await.unwrap();
        assert_eq!(breaches(&mut connection).await, Vec::<&str>::new());
    }
}

/// The tables of the service, and of what it said.
pub(crate) async fn tables(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar(
        "select schemaname || '.' || tablename from pg_tables
         where schemaname = 'public' and tablename not like '\\_sqlx%'
            or schemaname = 'messaging' and tablename in ('subjects', 'outbox')
         order by 1",
    )
    .fetch_all(&mut *db.read().await.unwrap())
    .await
    .unwrap()
}

/// The checks of a database that fail.
pub(crate) async fn breaches(connection: &mut sqlx::PgConnection) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for (name, query) in CHECKS {
        let breaches: i64 = sqlx::query_scalar(*query).fetch_one(&mut *connection).await.unwrap();
        if breaches > 0 {
            failed.push(*name);
        }
    }
    failed
}

/// A citizen's account; tests change what matters to them.
pub(crate) fn an_account(name: &str) -> proto::PutAccountRequest {
    proto::PutAccountRequest {
        name: name.into(),
        display_name: "A citizen".into(),
        roles: vec![Role::Citizen.into()],
        email: "someone@mail.example".into(),
        password: PASSWORD.into(),
        request_id: request_id(),
        ..proto::PutAccountRequest::default()
    }
}

/// An agency that reads the feed; tests change what matters to them.
pub(crate) fn an_agency(client_id: &str) -> proto::CreateAgencyRequest {
    proto::CreateAgencyRequest {
        client_id: client_id.into(),
        title: "An agency".into(),
        scopes: vec!["feed:read".into(), "message:submit".into()],
        request_id: request_id(),
        ..proto::CreateAgencyRequest::default()
    }
}

/// A request of somebody without a token.
pub(crate) fn anyone<T>(request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.extensions_mut().insert(Caller::anonymous("en"));
    request
}

/// A request of somebody of another issuer, as the guard hands it over.
pub(crate) fn by<T>(who: &str, request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.extensions_mut().insert(Caller {
        issuer: "operator".into(),
        subject: who.into(),
        scopes: vec!["*".into()],
        ..Caller::anonymous("en")
    });
    request
}

/// A request of the portal in its own name.
fn of_portal<T>(request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.extensions_mut().insert(Caller {
        issuer: "portal".into(),
        subject: "portal".into(),
        ..Caller::anonymous("en")
    });
    request
}

/// A new id of a request.
pub(crate) fn request_id() -> String {
    id::v7(testing::now()).to_string()
}

/// The machine-readable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

/// The fields that a refusal names, with what is wrong.
pub(crate) fn fields(status: &Status) -> Vec<(String, String)> {
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

/// How long a refusal says to wait.
pub(crate) fn retry(status: &Status) -> Duration {
    status.get_details_retry_info().unwrap().retry_delay.unwrap()
}

/// The present by the bench's clock, in seconds.
pub(crate) fn second(bench: &Bench) -> i64 {
    bench.clock.now().as_second()
}
