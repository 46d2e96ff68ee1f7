//! A browser: it keeps cookies and sends forms, and nothing else.

use std::{collections::BTreeMap, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use url::form_urlencoded;

/// A browser of one visitor.
pub(crate) struct Browser {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    language: &'static str,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Headers of every request, besides the usual ones.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    /// Asserts that all of this stands on the page.
    pub(crate) fn shows(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.text.contains(text), "the page does not show {text}:\n{}", self.text);
        }
        self
    }

    /// Asserts that none of this stands on the page.
    pub(crate) fn hides(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(!self.text.contains(text), "the page shows {text}:\n{}", self.text);
        }
        self
    }

    /// Where it leads to.
    pub(crate) fn location(&self) -> &str {
        let status = self.status;
        let location = self.headers.get(header::LOCATION);
        let location = location.unwrap_or_else(|| panic!("{status} leads nowhere:\n{}", self.text));
        location.to_str().unwrap()
    }

    /// The value of the first hidden field of that name.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let begin = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&begin).unwrap_or_else(|| {
            panic!("there is no field {name} on the page:\n{}", self.text);
        });
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Browser {
    pub(crate) fn new(address: SocketAddr, language: &'static str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, address, language, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// Asks for a page.
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, None).await
    }

    /// Sends a form as it is, without a token of its own.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, path, Some(form)).await
    }

    /// Sends a form that stands on `page`, with its hidden token and request id, if it has one.
    pub(crate) async fn submit(
        &mut self,
        page: &Page,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let token = page.hidden("_token");
        let has_id = page.text.contains("name=\"request_id\"");
        let request_id = if has_id { page.hidden("request_id") } else { String::new() };
        let mut all = vec![("_token", token.as_str())];
        if has_id && fields.iter().all(|(name, _)| *name != "request_id") {
            all.push(("request_id", request_id.as_str()));
        }
        all.extend(fields);
        self.post(path, &all).await
    }

    /// Sends a form with files: its fields, and name and bytes of each file.
    pub(crate) async fn send_files(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Page {
        const BETWEEN: &str = "----between";
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!("content-disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend(format!("--{BETWEEN}\r\n{head}{value}\r\n").into_bytes());
        }
        for (name, bytes) in files {
            let head = format!(
                "content-disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\
                 content-type: application/octet-stream\r\n\r\n"
            );
            body.extend(format!("--{BETWEEN}\r\n{head}").into_bytes());
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BETWEEN}--\r\n").into_bytes());
        let kind = format!("multipart/form-data; boundary={BETWEEN}");
        self.send_as(Method::POST, path, Some((kind, body))).await
    }

    async fn send(&mut self, method: Method, path: &str, form: Option<String>) -> Page {
        let kind = "application/x-www-form-urlencoded".to_owned();
        self.send_as(method, path, form.map(|form| (kind, form.into_bytes()))).await
    }

    async fn send_as(
        &mut self,
        method: Method,
        path: &str,
        form: Option<(String, Vec<u8>)>,
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header(header::ACCEPT_LANGUAGE, self.language);
        let (kind, form) = form.unzip();
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if !self.cookies.is_empty() {
            let all: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, all.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(form.unwrap_or_default()))).unwrap();
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Page { status: parts.status, headers: parts.headers, text }
    }
}
