//! Keys and certificates that change while somebody calls.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use liuyan_kit::{
    auth::{Claims, Signer, generate_key},
    clock::SystemClock,
    config::{Grpc, Tls},
    grpc::{Channel, Credentials},
    testing::{self, Board},
};
use tonic::Code;

use crate::helpers::{Alpha, Beta, LIMIT, SCOPE, ask, assert_refused};

/// Calls again and again, and counts; the first refusal ends it.
struct Caller {
    calls: Arc<AtomicU32>,
    enough: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Result<(), tonic::Status>>,
}

impl Caller {
    fn start(channel: Channel, order: &'static str) -> Self {
        let (calls, enough): (Arc<AtomicU32>, Arc<AtomicBool>) = Default::default();
        let (counted, ends) = (Arc::clone(&calls), Arc::clone(&enough));
        let task = tokio::spawn(async move {
            while !ends.load(Ordering::SeqCst) {
                ask(channel.clone(), order).await?;
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        });
        Self { calls, enough, task }
    }

    /// Lets it make some calls more.
    async fn go_on(&self) {
        let before = self.calls.load(Ordering::SeqCst);
        testing::eventually("calls go on", LIMIT, || {
            let more = self.calls.load(Ordering::SeqCst) >= before + 20 || self.task.is_finished();
            std::future::ready(more.then_some(()))
        })
        .await;
    }

    async fn end(self) {
        self.enough.store(true, Ordering::SeqCst);
        self.task.await.unwrap().unwrap();
    }
}

/// A token of alpha's, signed with `key`.
fn token_of_alpha(key: &str) -> String {
    let signer = Signer::new("alpha", key, Arc::new(SystemClock)).unwrap();
    signer.sign(&Claims {
        sub: "alpha".to_owned(),
        scopes: vec![SCOPE.to_owned()],
        offices: Vec::new(),
        divisions: Vec::new(),
        lifetime: Duration::from_secs(300),
    })
}

#[tokio::test]
async fn the_key_of_a_service_is_turned_over_while_it_calls() {
    let folder = tempfile::tempdir().unwrap();
    let (own, public) = (folder.path().join("auth.pem"), folder.path().join("alpha.pem"));
    let ((old, old_public), (new, new_public)) = (generate_key().unwrap(), generate_key().unwrap());
    fs::write(&own, &old).unwrap();
    fs::write(&public, &old_public).unwrap();
    let of_alpha: toml::Table =
        format!("[auth]\nkey = ''\nkey_file = '{}'", own.display()).parse().unwrap();
    let of_beta: toml::Table = format!(
        "[[auth.issuers]]\nname = 'alpha'\npublic_key_file = '{}'\nscopes = ['{SCOPE}']",
        public.display()
    )
    .parse()
    .unwrap();
    let board = Board::new()
        .without_bus()
        .with_settings::<Alpha>(of_alpha)
        .with_settings::<Beta>(of_beta)
        .start()
        .await;
    let entitled = board.channel_as("alpha", &testing::token("tester", &[SCOPE], &[]));
    let caller = Caller::start(entitled, "beta/scopes");
    let passes = |key: String| {
        let channel = board.channel_as("beta", &token_of_alpha(&key));
        async move { ask(channel, "").await.is_ok() }
    };
    caller.go_on().await;
    assert!(!passes(new.clone()).await, "nobody knows the new key yet");

    // First everybody knows both, then the service signs with the new one, then the old one goes.
    fs::write(&public, format!("{old_public}{new_public}")).unwrap();
    testing::eventually("the new key is known", LIMIT, || async {
        passes(new.clone()).await.then_some(())
    })
    .await;
    assert!(passes(old.clone()).await, "and so is the old one");
    // What holds no key changes nothing.
    fs::write(&own, "half a k").unwrap();
    caller.go_on().await;
    fs::write(&own, &new).unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    fs::write(&public, &new_public).unwrap();
    testing::eventually("the old key is known no more", LIMIT, || async {
        (!passes(old.clone()).await).then_some(())
    })
    .await;
    caller.go_on().await;
    caller.end().await;
    let channel = board.channel_as("beta", &token_of_alpha(&old));
    assert_refused(ask(channel, "").await, Code::Unauthenticated, "TOKEN_INVALID");
}

fn folder_of_tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls")
}

/// Certificates in a folder of their own: a pair, and the authorities that are believed.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn new(pair: &str, authorities: &[&str]) -> Self {
        let certificates = Self(tempfile::tempdir().unwrap());
        certificates.show(pair);
        certificates.believe(authorities);
        certificates
    }

    fn show(&self, pair: &str) {
        for end in ["crt", "key"] {
            let from = folder_of_tests().join(format!("{pair}.{end}"));
            fs::copy(from, self.0.path().join(format!("tls.{end}"))).unwrap();
        }
    }

    fn believe(&self, authorities: &[&str]) {
        let read = |name: &&str| fs::read_to_string(folder_of_tests().join(name)).unwrap();
        let all: String = authorities.iter().map(read).collect();
        fs::write(self.0.path().join("ca.crt"), all).unwrap();
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.0.path().join(name))
    }

    fn channel(&self, url: &str) -> Channel {
        let tls = Tls {
            cert_file: self.file("tls.crt"),
            key_file: self.file("tls.key"),
            ca_file: self.file("ca.crt"),
            require_client: false,
        };
        let settings = Grpc { tls, ..testing::settings().grpc };
        let credentials = Credentials::token(&testing::token("tester", &[SCOPE], &[])).unwrap();
        Channel::new("alpha", url, &settings, credentials).unwrap()
    }
}

#[tokio::test]
async fn certificates_and_their_authority_are_renewed_while_somebody_calls() {
    let both = &["ca.crt", "ca2.crt"][..];
    let server = Certificates::new("tls", both);
    let client = Certificates::new("tls", both);
    let of_alpha: toml::Table = format!(
        "[grpc.tls]\nca_file = '{0}/ca.crt'\ncert_file = '{0}/tls.crt'\nkey_file = '{0}/tls.key'\nrequire_client = true",
        server.0.path().display()
    )
    .parse()
    .unwrap();
    let board = Board::new().without_bus().with_settings::<Alpha>(of_alpha).start().await;
    let url = format!("https://{}", board.grpc("alpha"));
    let caller = Caller::start(client.channel(&url), "");
    caller.go_on().await;

    // The server shows the certificate of another authority.
    let modern = Certificates::new("tls2", &["ca2.crt"]);
    assert!(ask(modern.channel(&url), "").await.is_err(), "it still shows the old one");
    server.show("tls2");
    testing::eventually("the server shows the new certificate", LIMIT, || async {
        ask(modern.channel(&url), "").await.ok()
    })
    .await;
    caller.go_on().await;

    // So does the client; then nobody believes the old authority any more.
    client.show("tls2");
    client.believe(&["ca2.crt"]);
    tokio::time::sleep(Duration::from_secs(11)).await;
    server.believe(&["ca2.crt"]);
    let old = Certificates::new("tls", both);
    testing::eventually("the old authority is believed no more", LIMIT, || async {
        ask(old.channel(&url), "").await.err()
    })
    .await;
    caller.go_on().await;
    caller.end().await;
    ask(client.channel(&url), "").await.unwrap();
}
