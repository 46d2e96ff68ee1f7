//! A program that calls the API. It keeps no cookies.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;

use crate::portal::Running;

/// A call that is being made.
pub(super) struct Call {
    address: SocketAddr,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) fn call(portal: &Running, method: Method, path: &str) -> Call {
    Call {
        address: portal.address(),
        method,
        path: path.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

pub(super) fn get(portal: &Running, path: &str) -> Call {
    call(portal, Method::GET, path)
}

pub(super) fn post(portal: &Running, path: &str) -> Call {
    call(portal, Method::POST, path)
}

impl Call {
    pub(super) fn header(mut self, name: impl AsRef<str>, value: &str) -> Self {
        self.headers.push((name.as_ref().to_owned(), value.to_owned()));
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    pub(super) fn body(mut self, kind: &str, body: &str) -> Self {
        self.body = Bytes::from(body.to_owned());
        self.header(header::CONTENT_TYPE, kind)
    }

    pub(super) fn bearer(self, token: &str) -> Self {
        self.header(header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    pub(super) async fn send(self) -> Answer {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("http://{}{}", self.address, self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body)).unwrap();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert!(!parts.headers.contains_key(header::SET_COOKIE), "the API sets no cookie");
        assert_eq!(parts.headers["x-content-type-options"], "nosniff");
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn header(&self, name: impl AsRef<str>) -> &str {
        self.headers.get(name.as_ref()).map_or("", |value| value.to_str().unwrap())
    }

    /// A good answer in JSON.
    pub(super) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self.json()
    }

    /// A problem with this status and reason.
    pub(super) fn problem(&self, status: u16, reason: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        let told = self.json();
        assert_eq!(told["reason"], reason, "{told}");
        assert_eq!(told["status"], status);
        let id = self.header("x-request-id");
        assert_eq!(told["instance"], format!("urn:uuid:{id}"));
        assert!(!told["title"].as_str().unwrap().is_empty());
        assert!(!told["detail"].as_str().unwrap().is_empty());
        told
    }
}
