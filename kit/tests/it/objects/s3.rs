//! As much of an S3 as the client needs: one bucket in memory, which believes every signature that is
//! there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Query, State},
};
use bytes::Bytes;
use http::{Method, StatusCode, Uri};
use liuyan_kit::config;

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Bytes>,
    /// Parts by upload and number.
    uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
    begun: u32,
    aborted: usize,
}

#[derive(Clone, Default)]
pub(super) struct Bucket(Arc<Mutex<Inner>>);

type Parameters = Query<BTreeMap<String, String>>;
type Answer = http::Response<Body>;

impl Bucket {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.inner().objects.keys().cloned().collect()
    }

    pub(super) fn uploads(&self) -> usize {
        self.inner().uploads.len()
    }

    pub(super) fn aborted(&self) -> usize {
        self.inner().aborted
    }

    /// Serves it under `name`, and gives the settings of a client.
    pub(super) async fn serve(&self, name: &str) -> config::Objects {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let layer = DefaultBodyLimit::disable();
        let router = Router::new().fallback(answer).layer(layer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        config::Objects {
            endpoint,
            bucket: name.to_owned(),
            allow_http: true,
            prefix: "all".to_owned(),
            access_key: "id".into(),
            secret_key: "secret".into(),
            ..config::Objects::default()
        }
    }
}

async fn answer(
    State(bucket): State<Bucket>,
    method: Method,
    uri: Uri,
    Query(parameters): Parameters,
    headers: http::HeaderMap,
    body: Bytes,
) -> Answer {
    let signed = headers.get("authorization").is_some_and(|it| it.as_bytes().starts_with(b"AWS4"));
    if !signed {
        return with(StatusCode::FORBIDDEN, "");
    }
    let name = uri.path().strip_prefix("/bucket").unwrap().trim_start_matches('/').to_owned();
    let mut inner = bucket.inner();
    let upload = parameters.get("uploadId").cloned();
    match (method.as_str(), upload) {
        ("POST", None) if parameters.contains_key("uploads") => {
            inner.begun += 1;
            let id = inner.begun.to_string();
            inner.uploads.insert(id.clone(), BTreeMap::new());
            xml(&format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        ("PUT", Some(id)) => {
            let part = parameters["partNumber"].parse().unwrap();
            inner.uploads.get_mut(&id).unwrap().insert(part, body);
            with(StatusCode::OK, "")
        }
        ("POST", Some(id)) => {
            let parts = inner.uploads.remove(&id).unwrap();
            let whole = parts.into_values().collect::<Vec<_>>().concat();
            inner.objects.insert(name, whole.into());
            xml("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
        }
        ("DELETE", Some(id)) => {
            inner.uploads.remove(&id);
            inner.aborted += 1;
            with(StatusCode::NO_CONTENT, "")
        }
        ("PUT", None) => {
            inner.objects.insert(name, body);
            with(StatusCode::OK, "")
        }
        ("DELETE", None) => {
            inner.objects.remove(&name);
            with(StatusCode::NO_CONTENT, "")
        }
        ("GET", None) if name.is_empty() => {
            let prefix = parameters.get("prefix").cloned().unwrap_or_default();
            let found = inner.objects.iter().filter(|(name, _)| name.starts_with(&prefix));
            let contents: String = found
                .map(|(name, content)| {
                    format!(
                        "<Contents><Key>{name}</Key><Size>{}</Size><ETag>x</ETag>
                         <LastModified>2026-10-01T00:00:00.000Z</LastModified></Contents>",
                        content.len()
                    )
                })
                .collect();
            xml(&format!("<ListBucketResult>{contents}</ListBucketResult>"))
        }
        ("GET", None) => match inner.objects.get(&name) {
            Some(content) => with(StatusCode::OK, content.clone()),
            None => with(StatusCode::NOT_FOUND, ""),
        },
        _ => with(StatusCode::NOT_IMPLEMENTED, ""),
    }
}

fn xml(text: &str) -> Answer {
    with(StatusCode::OK, text.to_owned())
}

fn with(status: StatusCode, body: impl Into<Body>) -> Answer {
    http::Response::builder()
        .status(status)
        .header("etag", "x")
        .header("last-modified", "Thu, 01 Oct 2026 00:00:00 GMT")
        .body(body.into())
        .unwrap()
}
