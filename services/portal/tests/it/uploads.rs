//! Forms that come slowly, and places for uploads: nobody keeps others from writing.

use std::time::Duration;

use http::StatusCode;
use liuyan_kit::testing::eventually;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    browser::Browser,
    files::{BYTES, chosen, takes_files},
    portal::Running,
};

/// More than anything here should take.
const LONG: Duration = Duration::from_secs(20);

/// A part of a form.
fn part(head: &str, value: &str) -> String {
    format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n{value}")
}

/// A part with a file, of which there is more to come.
fn file() -> String {
    part("name=\"files\"; filename=\"slow.jpg\"", "begins like a file")
}

/// Begins to send a form to `path`, and goes no further.
async fn begin(portal: &Running, path: &str, headers: &str, parts: &[String]) -> TcpStream {
    let mut stream = TcpStream::connect(portal.address()).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\n{headers}content-length: 1000000\r\n\
         content-type: multipart/form-data; boundary=b\r\n\r\n",
        portal.address()
    );
    let text = format!("{head}{}", parts.join("\r\n"));
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// The answer to a form that never ended.
async fn answer(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    let read = async {
        let mut piece = vec![0; 65_536];
        // The connection ends with the answer, one way or another.
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..length]);
        }
    };
    timeout(LONG, read).await.unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

/// The headers and the first part of a form of `browser`'s.
async fn own(browser: &mut Browser) -> (String, String) {
    let token = browser.get("/new").await.hidden("_token");
    let cookies = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
    let cookies = format!("cookie: {}\r\n", cookies.collect::<Vec<_>>().join("; "));
    (cookies, part("name=\"_token\"", &token))
}

async fn one_place(page_ms: i64) -> Running {
    let limits = [("page_ms", page_ms), ("forms_per_minute", 0)];
    let limits = limits.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
    let files = [("uploads".to_owned(), 1.into())].into_iter().collect();
    Running::with_both("http", limits, files).await
}

/// Takes the only place, by a file that does not end.
async fn take_the_place(portal: &Running) -> TcpStream {
    let (cookies, token) = own(&mut portal.browser()).await;
    let held = begin(portal, "/new", &cookies, &[token, file()]).await;
    eventually("a file is on its way", LONG, || async {
        (portal.fake.count("IntakeService/IssueUploadToken") == 1).then_some(())
    })
    .await;
    held
}

#[tokio::test]
async fn forms_without_a_file_take_no_place_from_others_and_are_not_waited_for() {
    let portal = one_place(1_500).await;
    let came = takes_files(&portal.fake);
    let slow = [part("name=\"title\"", "slow")];
    let mut held = Vec::new();
    for (path, headers) in [
        ("/new", ""),
        ("/api/v1/attachments", "idempotency-key: 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7fc1\r\n"),
    ] {
        held.push(begin(&portal, path, headers, &slow).await);
    }
    let mut browser = portal.english();
    let preview = chosen(&mut browser, "preview", &[("lamp.jpg", BYTES)]).await;
    assert_eq!(preview.status, StatusCode::OK);
    preview.shows(&["lamp.jpg"]);
    assert_eq!(came.lock().unwrap().len(), 1);
    for stream in held {
        let told = answer(stream).await;
        assert!(told.starts_with("HTTP/1.1 504"), "{told}");
    }
}

#[tokio::test]
async fn where_there_is_no_place_for_a_file_everything_that_was_typed_comes_back() {
    let portal = one_place(1_500).await;
    takes_files(&portal.fake);
    let _held = take_the_place(&portal).await;
    let mut browser = portal.english();
    let form = chosen(&mut browser, "submit", &[("lamp.jpg", BYTES)]).await;
    assert_eq!(form.status, StatusCode::UNPROCESSABLE_ENTITY);
    form.shows(&["lamp.jpg: not added", "A street lamp is out", "number nine", "please ring"]);
    assert_eq!(portal.fake.count("IntakeService/SubmitMessage"), 0);
    // Whoever has no file needs no place.
    let preview = chosen(&mut browser, "preview", &[]).await;
    assert_eq!(preview.status, StatusCode::OK);
    // A file that comes slowly is not waited for.
    let (cookies, token) = own(&mut browser).await;
    let typed = part("name=\"title\"", "A street lamp is out");
    let stream = begin(&portal, "/new", &cookies, &[token, typed, file()]).await;
    let told = answer(stream).await;
    assert!(told.starts_with("HTTP/1.1 422") && told.contains("slow.jpg"), "{told}");
    assert!(told.contains("value=\"A street lamp is out\""), "{told}");
}

#[tokio::test]
async fn a_program_without_a_place_is_refused_at_once() {
    let portal = one_place(1_500).await;
    takes_files(&portal.fake);
    let _held = take_the_place(&portal).await;
    let key = "idempotency-key: 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7fc1\r\n";
    let stream = begin(&portal, "/api/v1/attachments", key, &[file()]).await;
    let told = answer(stream).await;
    assert!(told.starts_with("HTTP/1.1 503") && told.contains("OVERLOADED"), "{told}");
}
