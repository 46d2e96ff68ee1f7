//! A mail server that speaks SMTP (RFC 5321), and a receiver of calls over HTTP. Both keep what they
//! get, and answer as they are told.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header::LOCATION},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Mutex as Gate, OwnedMutexGuard},
};

/// A mail that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// To whom, as the envelope says.
    pub(crate) to: String,
    /// The message as it came, its encodings undone as far as tests need it.
    pub(crate) text: String,
}

impl Mail {
    /// The value of a header, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let mut lines = head.lines();
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }

    /// The parts of the body, decoded.
    pub(crate) fn parts(&self) -> Vec<String> {
        let kind = self.header("Content-Type").unwrap();
        let boundary = kind.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
        let line = format!("--{boundary}");
        let parts = self.text.split(&line);
        let parts = parts.skip(1).filter(|part| !part.starts_with("--"));
        let parts = parts.filter_map(|part| part.split_once("\r\n\r\n"));
        parts.map(|(head, body)| decode(head, body)).collect()
    }
}

fn decode(head: &str, body: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let head = head.to_lowercase();
    if head.contains("transfer-encoding: base64") {
        let letters: String = body.split_whitespace().collect();
        return String::from_utf8(STANDARD.decode(letters).unwrap()).unwrap();
    }
    if head.contains("transfer-encoding: quoted-printable") {
        return quoted_printable(&body.replace("=\r\n", ""));
    }
    body.to_owned()
}

fn quoted_printable(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'=', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A mail server.
#[derive(Debug, Clone)]
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    refusals: Arc<Mutex<VecDeque<&'static str>>>,
    sessions: Arc<Mutex<usize>>,
    slowness: Arc<Mutex<Slowness>>,
}

/// How long a mail server thinks before it answers, and to what.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Slowness {
    /// It answers at once.
    #[default]
    Not,
    /// It takes a mail at once, and says so late.
    Taking(Duration),
    /// It takes a mail and hangs up instead of saying so.
    HangingUp,
    /// It answers what comes after the mail late.
    Parting(Duration),
    /// It greets nobody.
    Silent,
}

impl MailServer {
    /// A server on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            mails: Arc::default(),
            refusals: Arc::default(),
            sessions: Arc::default(),
            slowness: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *serving.sessions.lock().unwrap() += 1;
                let serving = serving.clone();
                // Whoever hangs up is of no interest.
                tokio::spawn(async move { serving.session(stream).await });
            }
        });
        server
    }

    /// What arrived so far.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Answers the next recipients so, instead of taking them.
    pub(crate) fn refuse(&self, replies: &[&'static str]) {
        self.refusals.lock().unwrap().extend(replies);
    }

    /// From now on it is so slow.
    pub(crate) fn slow(&self, slowness: Slowness) {
        *self.slowness.lock().unwrap() = slowness;
    }

    /// How often somebody came.
    pub(crate) fn sessions(&self) -> usize {
        *self.sessions.lock().unwrap()
    }

    async fn session(&self, stream: TcpStream) -> std::io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let slowness = *self.slowness.lock().unwrap();
        if matches!(slowness, Slowness::Silent) {
            return std::future::pending().await;
        }
        writer.write_all(b"220 mail.example ESMTP\r\n").await?;
        let mut to = String::new();
        while let Some(line) = lines.next_line().await? {
            let command = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            let reply = match command.as_str() {
                "EHLO" => "250-mail.example\r\n250 8BITMIME".to_owned(),
                "RCPT" => match self.refusals.lock().unwrap().pop_front() {
                    Some(refusal) => refusal.to_owned(),
                    None => {
                        let inner = line.split('<').nth(1).unwrap_or_default();
                        inner.split('>').next().unwrap_or_default().clone_into(&mut to);
                        "250 2.1.5 yes".to_owned()
                    }
                },
                "DATA" => {
                    writer.write_all(b"354 go on\r\n").await?;
                    let mut text = String::new();
                    while let Some(line) = lines.next_line().await? {
                        if line == "." {
                            break;
                        }
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        text.push_str("\r\n");
                    }
                    self.mails.lock().unwrap().push(Mail { to: to.clone(), text });
                    match slowness {
                        Slowness::Taking(thinks) => tokio::time::sleep(thinks).await,
                        Slowness::HangingUp => return Ok(()),
                        _ => {}
                    }
                    "250 2.0.0 taken".to_owned()
                }
                "QUIT" => {
                    if let Slowness::Parting(thinks) = slowness {
                        tokio::time::sleep(thinks).await;
                    }
                    "221 bye".to_owned()
                }
                _ => "250 2.0.0 yes".to_owned(),
            };
            writer.write_all(format!("{reply}\r\n").as_bytes()).await?;
            if command == "QUIT" {
                break;
            }
        }
        Ok(())
    }
}

/// A call that came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    /// The body.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver of calls.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Mutex<u16>>,
    gate: Arc<Gate<()>>,
}

impl Receiver {
    /// A receiver on a free port; it answers 200.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            calls: Arc::default(),
            answer: Arc::new(Mutex::new(200)),
            gate: Arc::default(),
        };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// What came so far, codes left out.
    pub(crate) fn calls(&self) -> Vec<Received> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| call.json()["type"] != "endpoint.verify").cloned().collect()
    }

    /// The codes that came.
    pub(crate) fn codes(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        let codes = calls.iter().filter(|call| call.json()["type"] == "endpoint.verify");
        codes.map(|call| call.json()["data"]["code"].as_str().unwrap().to_owned()).collect()
    }

    /// Answers so from now on.
    pub(crate) fn answer(&self, status: u16) {
        *self.answer.lock().unwrap() = status;
    }

    /// Holds back all answers as long as the guard lives; calls are kept first.
    pub(crate) async fn hold_back(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.gate).lock_owned().await
    }
}

async fn take(
    State(receiver): State<Receiver>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    let received = Received { path: uri.path().to_owned(), headers, body };
    receiver.calls.lock().unwrap().push(received);
    drop(receiver.gate.lock().await);
    let status = StatusCode::from_u16(*receiver.answer.lock().unwrap()).unwrap();
    let mut headers = HeaderMap::new();
    if status.is_redirection() {
        headers.insert(LOCATION, HeaderValue::from_static("/elsewhere"));
    }
    (status, headers)
}
