//! An event of the feed is the same JSON wherever somebody meets it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use liuyan_proto::{
    json,
    liuyan::{
        feed::v1::{ListEventsRequest, feed_service_client::FeedServiceClient},
        notification::v1::{
            CreateEndpointRequest, EndpointChannel, VerifyEndpointRequest,
            subscription_service_client::SubscriptionServiceClient,
        },
    },
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tonic::Request;

use crate::{
    board::{Board, eventually},
    feed::submit,
};

const MATTERS: [&str; 2] = [
    "The swing on the playground by the river has only one rope left.",
    "Nobody empties the bins along the market street on Sundays.",
];
/// Each message becomes a case, and the case is assigned.
const EVENTS: usize = 4;

/// Small stretches become objects at once; calls may stay on this machine.
const SETTINGS: [(&str, &str); 5] = [
    ("FEED__SERVICE__STRETCH_EVENTS", "2"),
    ("FEED__SERVICE__EXPORT_AFTER_DAYS", "0"),
    ("FEED__SERVICE__EXPORT_IDLE_MS", "200"),
    ("NOTIFICATION__SERVICE__WEBHOOK__ALLOW_INSECURE", "true"),
    ("NOTIFICATION__SERVICE__WEBHOOK__ALLOW_INTERNAL", "true"),
];

/// Events by their ids.
type Events = BTreeMap<String, Value>;

fn by_id(events: impl IntoIterator<Item = Value>) -> Events {
    events.into_iter().map(|event| (event["id"].as_str().unwrap().to_owned(), event)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_the_same_json_by_grpc_page_stream_webhook_and_object() {
    let board = Board::start(&SETTINGS);
    let sink = Sink::start().await;
    hook(&board, &sink).await;
    submit(&board, &MATTERS).await;
    let by_grpc = eventually("the events are recorded", || async {
        let mut feed = FeedServiceClient::new(board.channel("feed").await);
        let page = feed.list_events(ListEventsRequest::default()).await.ok()?.into_inner();
        (page.events.len() == EVENTS).then_some(page)
    })
    .await;
    let expected = by_grpc.events.iter().map(|event| json::event(event).unwrap());
    let expected = by_id(expected.map(|event| serde_json::to_value(event).unwrap()));

    let events = format!("{}/api/v1/events", board.at.http);
    assert_eq!(page(&events).await, expected, "a page");
    assert_eq!(stream(&events).await, expected, "a stream");
    let called = eventually("all calls have come", || async {
        let calls = sink.calls();
        (calls.len() == EVENTS).then_some(calls)
    })
    .await;
    assert_eq!(by_id(called.iter().map(|call| call["data"].clone())), expected, "a webhook");
    let objects = eventually("all stretches are objects", || async {
        let objects = by_id(objects(&board.folder().join("objects")));
        (objects.len() == EVENTS).then_some(objects)
    })
    .await;
    assert_eq!(objects, expected, "an object");
    let (code, told) = board.liuyan(&["feed", "record"]);
    let printed = told.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut without_traces = expected.clone();
    for event in without_traces.values_mut() {
        event.as_object_mut().unwrap().remove("traceparent");
    }
    assert_eq!((code, by_id(printed)), (0, without_traces), "the command");

    // The cursor of a call goes on where the event is.
    let first = &called[0];
    let position: u64 = first["data"]["position"].as_str().unwrap().parse().unwrap();
    let after = format!("{events}?cursor={}", first["cursor"].as_str().unwrap());
    let following = page(&after).await.into_values();
    let mut following: Vec<u64> =
        following.map(|event| event["position"].as_str().unwrap().parse().unwrap()).collect();
    following.sort_unstable();
    assert_eq!(following, (position + 1..=EVENTS as u64).collect::<Vec<_>>());
}

/// Registers the sink as the agency's, and verifies it.
async fn hook(board: &Board, sink: &Sink) {
    let mut hooks = SubscriptionServiceClient::new(board.channel("notification").await);
    let mut request = Request::new(CreateEndpointRequest {
        channel: EndpointChannel::Webhook.into(),
        address: format!("http://{}/hook", sink.address),
        request_id: liuyan_kit::id::of_name("journey", "hook").to_string(),
        ..CreateEndpointRequest::default()
    });
    let token = format!("Bearer {}", board.agency_token().await);
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    let made = hooks.create_endpoint(request).await.unwrap().into_inner();
    let endpoint_id = made.endpoint.unwrap().endpoint_id;
    let code = eventually("the code has come", || async { sink.code() }).await;
    hooks.verify_endpoint(VerifyEndpointRequest { endpoint_id, code }).await.unwrap();
}

async fn page(address: &str) -> Events {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let text = reqwest::get(address).await.unwrap().text().await.unwrap();
    let mut page: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(events) = page["events"].take() else { panic!("no events: {text}") };
    by_id(events)
}

async fn stream(address: &str) -> Events {
    let client = reqwest::Client::new();
    let mut answer =
        client.get(address).header("accept", "text/event-stream").send().await.unwrap();
    let mut text = String::new();
    while text.matches("\ndata: ").count() < EVENTS || !text.ends_with("\n\n") {
        let chunk = answer.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(str::from_utf8(&chunk).unwrap());
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    by_id(data.map(|data| serde_json::from_str(data).unwrap()))
}

/// The events in all objects of old stretches under a folder.
fn objects(folder: &Path) -> Vec<Value> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let paths = entries.map(|entry| entry.unwrap().path());
        let (below, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| path.is_dir());
        folders.extend(below);
        let ours = |path: &PathBuf| path.to_str().unwrap().ends_with(".jsonl.zst");
        for file in files.into_iter().filter(ours) {
            let lines = zstd::stream::decode_all(std::fs::File::open(file).unwrap()).unwrap();
            let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let lines = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
            found.extend(lines.filter_map(|mut line| line.get_mut("event").map(Value::take)));
        }
    }
    found
}

/// Takes calls and says yes.
struct Sink {
    address: std::net::SocketAddr,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Sink {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bodies: Arc<Mutex<Vec<Value>>> = Arc::default();
        let keeping = Arc::clone(&bodies);
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                let bodies = Arc::clone(&keeping);
                tokio::spawn(async move { answer(line, &bodies).await });
            }
        });
        Self { address, bodies }
    }

    fn code(&self) -> Option<String> {
        let bodies = self.bodies.lock().unwrap();
        let code = bodies.iter().find(|body| body["type"] == "endpoint.verify");
        Some(code?["data"]["code"].as_str().unwrap().to_owned())
    }

    fn calls(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().filter(|body| body["type"] != "endpoint.verify").cloned().collect()
    }
}

/// Reads one request after the other from a line.
async fn answer(mut line: TcpStream, bodies: &Mutex<Vec<Value>>) {
    let mut read = Vec::new();
    loop {
        let whole = loop {
            if let Some(whole) = whole_request(&read) {
                break whole;
            }
            match line.read_buf(&mut read).await {
                Ok(1..) => {}
                _ => return,
            }
        };
        let request: Vec<u8> = read.drain(..whole.1).collect();
        bodies.lock().unwrap().push(serde_json::from_slice(&request[whole.0..]).unwrap());
        line.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    }
}

/// Where the body of the first request begins and ends, once all of it is there.
fn whole_request(read: &[u8]) -> Option<(usize, usize)> {
    let head = read.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let lines = str::from_utf8(&read[..head]).unwrap().to_lowercase();
    let length = lines.lines().find_map(|line| line.strip_prefix("content-length:"));
    let end = head + length.map_or(0, |length| length.trim().parse::<usize>().unwrap());
    (read.len() >= end).then_some((head, end))
}
