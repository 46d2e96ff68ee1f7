//! Erased means erased, on a whole board: a message that was reviewed, opened, answered, shown and
//! fed is erased, and then no database holds a word of it.

use std::time::{Duration, Instant};

use liuyan_proto::liuyan::{
    common::v1::Visibility,
    intake::v1::{
        Author, AuthorSelector, EraseAuthorDataRequest, LookUpMessageRequest, NewMessage, Place,
        SubmitMessageRequest, author_selector::By, intake_service_client::IntakeServiceClient,
    },
    routing::v1::{GetCaseRequest, case_service_client::CaseServiceClient, get_case_request::Name},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tonic::Request;
use uuid::Uuid;

use crate::board::Board;

/// How long something may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// What must not be found; the routing's words are pairs of characters, so the words are Latin ones.
const CANARIES: [&str; 6] = [
    "zqcanarytitle",
    "zqcanarybody",
    "zqcanaryremark",
    "zqcanaryplace",
    "zqcanaryname",
    "13987650042",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_erased_message_no_database_holds_a_word() {
    let board = Board::start(&[]);
    let mut intake = IntakeServiceClient::new(board.channel("intake").await);
    let message = NewMessage {
        office_id: an_office(&board).await,
        kind: "enquiry".to_owned(),
        title: format!("A lamp is out {}", CANARIES[0]),
        body: format!("It has been out for a week now {}", CANARIES[1]),
        remark: CANARIES[2].to_owned(),
        place: Some(Place { text: CANARIES[3].to_owned(), location: None, public: true }),
        author: Some(Author { name: CANARIES[4].to_owned(), phone: CANARIES[5].to_owned() }),
        visibility: Visibility::Public.into(),
        ..NewMessage::default()
    };
    let request_id = Uuid::from_u128(42).to_string();
    let submission = SubmitMessageRequest { request_id, message: Some(message), historical: None };
    let answer = intake.submit_message(submission).await.unwrap().into_inner();
    let receipt = answer.receipt.unwrap();

    let mut cases = CaseServiceClient::new(board.channel("routing").await);
    let wanted = GetCaseRequest { name: Some(Name::MessageId(receipt.message_id.clone())) };
    let deadline = Instant::now() + PATIENCE;
    while cases.get_case(wanted.clone()).await.is_err() {
        assert!(Instant::now() < deadline, "a clean message is public soon");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // It is everywhere now that it may be; the canaries can be found, or the search proves nothing.
    let (code, told) = board.liuyan(&["verify", "--wait", "60"]);
    assert_eq!(code, 0, "everything holds before: {told}");
    let found = search(&board).await;
    for place in ["intake", "routing", "feed"] {
        assert!(found.iter().any(|hit| hit.starts_with(place)), "{place} holds it: {found:?}");
    }

    let look_up = LookUpMessageRequest { number: receipt.number, access_code: answer.access_code };
    let token = intake.look_up_message(look_up).await.unwrap().into_inner().author_token;
    let mut erase = Request::new(EraseAuthorDataRequest {
        author: Some(AuthorSelector { by: Some(By::MessageId(receipt.message_id)) }),
        request_id: Uuid::from_u128(43).to_string(),
        messages_too: true,
        purpose: String::new(),
    });
    let bearer = format!("Bearer {token}").parse().unwrap();
    erase.metadata_mut().insert("authorization", bearer);
    let erased = intake.erase_author_data(erase).await.unwrap().into_inner();
    assert_eq!((erased.contacts, erased.messages), (1, 1));

    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = search(&board).await;
        if found.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "left: {found:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(cases.get_case(wanted).await.is_err(), "nobody sees it");
    let (code, told) = board.liuyan(&["verify", "--wait", "60"]);
    assert_eq!(code, 0, "everything holds after: {told}");
}

/// An office that takes messages.
async fn an_office(board: &Board) -> String {
    let mut connection = PgConnection::connect(&board.at.postgres["routing"]).await.unwrap();
    let office = "select office_id from offices where open and level = 'city' order by 1 limit 1";
    sqlx::query_scalar(office).fetch_one(&mut connection).await.unwrap()
}

/// Every row of every table of every database in which a canary is, as text or as bytes.
async fn search(board: &Board) -> Vec<String> {
    let mut found = Vec::new();
    for (service, url) in &board.at.postgres {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "select format('%I.%I', nspname, relname)
             from pg_class join pg_namespace on pg_namespace.oid = relnamespace
             where relkind = 'r' and nspname in ('public', 'messaging')",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        for table in tables {
            let pattern: Vec<String> =
                CANARIES.iter().flat_map(|word| [(*word).to_owned(), hex::encode(word)]).collect();
            let query = format!("select count(*) from {table} as it where it::text ~* $1");
            let hits: i64 = sqlx::query_scalar(AssertSqlSafe(query))
                .bind(pattern.join("|"))
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if hits > 0 {
                found.push(format!("{service} {table} {hits}"));
            }
        }
    }
    found
}
