//! An agency follows: by the client, over a line that breaks, and by the command.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use liuyan_feed_client::{
    Checkpoint, Credentials, Feed, Settings, Watch, Watcher, What,
    v1::{Event, ListEventsRequest},
};
use liuyan_proto::liuyan::{
    intake::v1::{NewMessage, SubmitMessageRequest, intake_service_client::IntakeServiceClient},
    routing::v1::{ListOfficesRequest, directory_service_client::DirectoryServiceClient},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::board::{Board, PROGRAM, eventually};

/// What people write of. Like texts would be held for a person.
const MATTERS: [&str; 6] = [
    "The bench in front of the library has lost two of its boards.",
    "At the old mill the lamp along the footpath stays dark all night.",
    "Bus 14 leaves the school stop four minutes before classes end.",
    "After rain the underpass at the station is full of water for days.",
    "The clinic on the hill has no ramp, and its door is too narrow.",
    "Trucks use the orchard road as a short cut early every morning.",
];
/// Each message becomes a case, and the case is assigned.
const EVENTS_OF_EACH: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agency_misses_nothing_over_a_line_that_breaks_and_across_restarts() {
    let board = Board::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("place.json");
    let line = Line::to(&board.at.grpc["feed"]).await;
    let feed = as_agency(&board, &line.address).await;
    let mut got: Vec<Event> = Vec::new();

    submit(&board, &MATTERS[..3]).await;
    let mut watcher = watcher(&feed, &place);
    take(&mut watcher, &mut got, 3 * EVENTS_OF_EACH).await;
    // The line breaks while the stream is live, and the agency's process ends a little later.
    line.cut();
    submit(&board, &MATTERS[3..5]).await;
    take(&mut watcher, &mut got, 5 * EVENTS_OF_EACH).await;
    drop(watcher);
    submit(&board, &MATTERS[5..]).await;
    let mut watcher = self::watcher(&feed, &place);
    take(&mut watcher, &mut got, 6 * EVENTS_OF_EACH).await;

    let listed = listed(&feed).await;
    let ids = |events: &[Event]| events.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&got), ids(&listed), "each event once, in its order");
    assert_eq!(Checkpoint::read(&place).unwrap().position, listed.len() as u64);
    let place = place.to_str().unwrap();
    let lag = ["feed", "lag", "--checkpoint", place, "--max-lag", "0"];
    assert_eq!(board.liuyan(&lag).0, 0);
    by_the_command(&board, listed.len());

    // The operator restored a backup, here of all that there was: readers are told, and nothing comes twice.
    let (code, told) = board.liuyan(&["feed", "begin-epoch"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(&format!("\"position\":{}", listed.len())), "{told}");
    let changed = eventually("the reader is told of a new life of the log", || async {
        let about = feed.get().await.ok()?;
        told.contains(&about.epoch).then_some(about.epoch)
    })
    .await;
    let in_time = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            match watcher.next().await.unwrap().unwrap().what {
                What::EpochChanged { epoch } => return epoch,
                What::Events(events) => assert!(events.is_empty(), "{events:?}"),
                _ => {}
            }
        }
    });
    assert_eq!(in_time.await.expect("the reader is told"), changed);
}

/// The same by `liuyan feed`, as the agency.
fn by_the_command(board: &Board, events: usize) {
    let (code, told) = board.liuyan(&["feed", "check", "--subscriptions"]);
    assert_eq!(code, 0, "{told}");
    assert!(!told.contains("skipped"), "{told}");

    let consume = ["feed", "consume", "--subscription", "archive", "--until-caught-up"];
    let first = [&consume[..], &["--create", "--from", "earliest"]].concat();
    let fails = "test $LIUYAN_EVENT_TYPE = liuyan.routing.v1.case-opened || exit 3";
    let (code, told) = board.liuyan(&[&first[..], &["--exec", fails]].concat());
    assert_eq!(code, 1, "what was put aside is no success: {told}");
    let half = events / EVENTS_OF_EACH;
    let expected = format!("{{\"done\":{half},\"parked\":{half}}}");
    assert!(told.contains(&expected), "{expected} in {told}");
    let (code, told) =
        board.liuyan(&["feed", "lag", "--subscription", "archive", "--max-lag", "0"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(&format!("\"parked_events\":{half}")), "{told}");
    let (code, told) = board.liuyan(&consume);
    assert_eq!((code, told.lines().count()), (0, 0), "all is done: {told}");

    // Where the filter chooses nothing the place moves on all the same.
    let nothing = ["--subscription", "nothing", "--create", "--from", "earliest"];
    let closed = ["--type", "liuyan.routing.v1.case-closed", "--until-caught-up"];
    let (code, told) = board.liuyan(&[&["feed", "consume"][..], &nothing, &closed].concat());
    assert_eq!((code, told.lines().count()), (0, 0), "{told}");
    let (code, told) =
        board.liuyan(&["feed", "lag", "--subscription", "nothing", "--max-lag", "0"]);
    assert_eq!(code, 0, "{told}");

    let watch = ["feed", "watch", "--until-caught-up", "--type", "liuyan.routing.v1.case-assigned"];
    let (code, told) = board.liuyan(&watch);
    assert_eq!((code, told.matches("\"subjectRevision\":\"2\"").count()), (0, half), "{told}");
    let (code, told) = board.liuyan(&["feed", "watch", "--from", "snapshot", "--until-caught-up"]);
    assert_eq!((code, told.matches("\"subjectRevision\":\"2\"").count()), (0, half), "{told}");
    assert!(told.contains("\"snapshotEnd\":{}"), "{told}");
    assert_eq!(board.liuyan(&["feed", "watch", "--type", "nonsense"]).0, 2);
    assert_eq!(board.liuyan(&["feed", "watch", "--endpoint", "http://127.0.0.1:9"]).0, 3);
}

#[test]
fn the_sandbox_keeps_the_contract_as_far_as_it_goes() {
    let mut sandbox = Sandbox::start();
    let endpoint = sandbox.endpoint();
    let check = ["--output", "json", "feed", "check", "--endpoint", &endpoint];
    let done = Command::new(PROGRAM).args(check).output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{told}");
    assert_eq!(told.matches("\"passed\"").count(), 21, "{told}");
}

/// A feed without a board; it ends with this.
struct Sandbox(Child);

impl Sandbox {
    fn start() -> Self {
        let arguments = ["--output", "json", "feed", "sandbox", "--port", "0"];
        Self(Command::new(PROGRAM).args(arguments).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn endpoint(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        told["feed"].as_str().unwrap().to_owned()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A line to a service that can be cut.
struct Line {
    address: String,
    cuts: watch::Sender<u64>,
}

impl Line {
    async fn to(service: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (cuts, _) = watch::channel(0);
        let (cutting, service) = (cuts.clone(), service.to_owned());
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (mut cut, service) = (cutting.subscribe(), service.clone());
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(&service).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts }
    }

    /// Ends every connection at once.
    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn as_agency(board: &Board, endpoint: &str) -> Feed {
    let (client_id, client_secret) = board.agency();
    let credentials = Credentials::Agency {
        identity: format!("http://{}", board.at.grpc["identity"]),
        client_id: client_id.to_owned(),
        client_secret: client_secret.to_owned(),
    };
    Feed::new(&Settings::new(endpoint).with(credentials)).unwrap()
}

fn watcher(feed: &Feed, place: &Path) -> Watcher {
    feed.watch(Watch { checkpoint: Some(place.to_owned()), ..Watch::default() }).unwrap()
}

/// Follows until there are so many events, and commits each step.
async fn take(watcher: &mut Watcher, got: &mut Vec<Event>, until: usize) {
    let follow = async {
        while got.len() < until {
            let step = watcher.next().await.unwrap().unwrap();
            got.extend(step.events().iter().cloned());
            watcher.commit().await.unwrap();
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), follow).await;
    in_time.unwrap_or_else(|_| panic!("{} of {until} events came", got.len()));
}

async fn listed(feed: &Feed) -> Vec<Event> {
    let request = ListEventsRequest { page_size: 500, ..ListEventsRequest::default() };
    let request = feed.request(request).await.unwrap();
    feed.client().await.unwrap().list_events(request).await.unwrap().into_inner().events
}

pub(crate) async fn submit(board: &Board, matters: &[&str]) {
    let mut directory = DirectoryServiceClient::new(board.channel("routing").await);
    let request =
        ListOfficesRequest { include_below: true, page_size: 50, ..ListOfficesRequest::default() };
    let offices = directory.list_offices(request).await.unwrap().into_inner().offices;
    let office = offices.into_iter().find(|office| office.open).unwrap().office_id;
    let intake = IntakeServiceClient::new(board.channel("intake").await);
    for matter in matters {
        let request = SubmitMessageRequest {
            request_id: liuyan_kit::id::of_name("journey", matter).to_string(),
            message: Some(NewMessage {
                office_id: office.clone(),
                kind: "suggestion".to_owned(),
                title: matter.chars().take(40).collect(),
                body: (*matter).to_owned(),
                ..NewMessage::default()
            }),
            historical: None,
        };
        eventually("intake takes the message", || {
            let (mut intake, request) = (intake.clone(), request.clone());
            async move { intake.submit_message(request).await.ok() }
        })
        .await;
    }
}
