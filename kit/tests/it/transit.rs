//! A ring whose keys a service wraps that speaks Vault's transit API over HTTP.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path as UrlPath, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use liuyan_kit::seal::{
    DataKey, Error, Keyring,
    transit::{Settings, Transit},
};
use serde_json::{Value, json};

const TOKEN: &str = "a-token";

/// A transit engine in memory: a value is wrapped by being remembered.
#[derive(Default)]
struct Engine {
    version: u32,
    wrapped: Vec<String>,
    /// What was called.
    calls: Vec<String>,
    /// How many of the next calls find it away.
    away: u32,
}

type Shared = Arc<Mutex<Engine>>;

impl Engine {
    fn wrap(&mut self, plain: &str) -> String {
        self.wrapped.push(plain.to_owned());
        format!("vault:v{}:{}", self.version, self.wrapped.len() - 1)
    }

    fn unwrap(&self, value: &str) -> Option<String> {
        self.wrapped.get(value.rsplit(':').next()?.parse::<usize>().ok()?).cloned()
    }

    fn one(&mut self, what: &str, item: &Value) -> Value {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        match what {
            "encrypt" => json!({ "ciphertext": self.wrap(&text("plaintext")) }),
            _ => match (self.unwrap(&text("ciphertext")), what) {
                (Some(plain), "decrypt") => json!({ "plaintext": plain }),
                (Some(plain), _) => json!({ "ciphertext": self.wrap(&plain) }),
                (None, _) => json!({ "error": "invalid ciphertext" }),
            },
        }
    }
}

async fn serve(
    State(engine): State<Shared>,
    UrlPath(rest): UrlPath<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Json<Value>, StatusCode> {
    let mut engine = engine.lock().unwrap();
    engine.calls.push(rest.clone());
    if engine.away > 0 {
        engine.away -= 1;
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    if headers.get("x-vault-token").is_none_or(|token| token != TOKEN) {
        return Err(StatusCode::FORBIDDEN);
    }
    if rest == "datakey/wrapped/board" {
        let fresh = Keyring::generate().to_text();
        let plain = fresh.split_whitespace().nth(2).unwrap().to_owned();
        return Ok(Json(json!({ "data": { "ciphertext": engine.wrap(&plain) } })));
    }
    let what = rest.strip_suffix("/board").ok_or(StatusCode::NOT_FOUND)?.to_owned();
    let body: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let items = body["batch_input"].as_array().cloned().ok_or(StatusCode::BAD_REQUEST)?;
    let results: Vec<Value> = items.iter().map(|item| engine.one(&what, item)).collect();
    Ok(Json(json!({ "data": { "batch_results": results } })))
}

async fn engine(folder: &Path) -> (Shared, Transit) {
    let engine = Shared::default();
    engine.lock().unwrap().version = 1;
    let router =
        Router::new().route("/v1/transit/{*rest}", post(serve)).with_state(Arc::clone(&engine));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let token_file = folder.join("token");
    std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
    let settings = Settings {
        address: format!("http://{address}"),
        mount: "transit".to_owned(),
        key: "board".to_owned(),
        token_file,
        timeout_ms: 2_000,
        allow_http: true,
    };
    (engine, Transit::open(&settings).unwrap().unwrap())
}

#[tokio::test]
async fn a_ring_is_made_and_unwrapped_in_one_call_and_the_service_is_not_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, transit) = engine(folder.path()).await;
    let text = transit.make_ring().await.unwrap();
    assert!(text.lines().all(|line| line.contains(" vault:v1:")), "nothing in it is plain");
    engine.lock().unwrap().calls.clear();

    let ring = transit.unwrap_ring(&text).await.unwrap();
    for _ in 0..100 {
        let key = DataKey::generate();
        let wrapped = ring.wrap(b"place", &key);
        let sealed = key.seal(b"name", b"secret");
        assert_eq!(
            ring.unwrap(b"place", &wrapped).unwrap().open(b"name", &sealed).unwrap(),
            b"secret"
        );
    }
    assert_eq!(engine.lock().unwrap().calls, ["decrypt/board"]);
    // Another process with the same file has the same keys.
    let other = transit.unwrap_ring(&text).await.unwrap();
    let sealed = ring.seal(b"place", b"secret");
    assert_eq!(other.open_sealed(b"place", &sealed).unwrap(), b"secret");
    assert_eq!(other.blind_index(b"phone"), ring.blind_index(b"phone"));
}

#[tokio::test]
async fn a_plain_ring_moves_to_the_service_and_is_wrapped_anew_by_its_newer_key() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, transit) = engine(folder.path()).await;
    let mut plain = Keyring::generate();
    let sealed = plain.seal(b"place", b"secret");
    plain.rotate();
    let wrapped = transit.wrap_ring(&plain.to_text()).await.unwrap();
    assert_eq!(wrapped.matches("vault:v1:").count(), 3);
    engine.lock().unwrap().version = 2;
    let anew = transit.wrap_ring(&wrapped).await.unwrap();
    assert_eq!((anew.matches("vault:v2:").count(), anew.matches("vault:v1:").count()), (3, 0));
    let ring = transit.unwrap_ring(&anew).await.unwrap();
    assert_eq!(ring.open_sealed(b"place", &sealed).unwrap(), b"secret");
    assert_eq!(ring.to_text().as_str(), plain.to_text().as_str());
}

#[tokio::test]
async fn a_service_that_is_away_is_tried_again_and_one_that_refuses_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, transit) = engine(folder.path()).await;
    let text = transit.make_ring().await.unwrap();
    engine.lock().unwrap().away = 2;
    transit.unwrap_ring(&text).await.unwrap();
    engine.lock().unwrap().away = 100;
    assert!(matches!(transit.unwrap_ring(&text).await, Err(Error::Transit(_))));

    engine.lock().unwrap().away = 0;
    let unknown = text.replace("vault:v1:0", "vault:v1:77");
    assert!(matches!(transit.unwrap_ring(&unknown).await, Err(Error::Transit(_))));
    std::fs::write(folder.path().join("token"), "another").unwrap();
    engine.lock().unwrap().calls.clear();
    let refused = transit.unwrap_ring(&text).await.unwrap_err();
    assert!(refused.to_string().contains("403"), "{refused}");
    assert_eq!(engine.lock().unwrap().calls.len(), 1);
}
