//! Citizens who are signed in: what they write is theirs, and nobody else's.

use std::{collections::BTreeSet, sync::Arc};

use jiff::SignedDuration;
use liuyan_intake::Intake;
use liuyan_kit::{
    auth::{self, Caller, Claims, Signer},
    clock::SystemClock,
    testing::{self, Board, said},
};
use liuyan_proto::liuyan::intake::v1::{
    GetMessageRequest, IssueAuthorTokenRequest, IssueAuthorTokenResponse, ListMyMessagesRequest,
    ListMyMessagesResponse, MessageSubmitted, SubmitMessagesRequest,
    intake_service_client::IntakeServiceClient, intake_service_server::IntakeService as _,
    submit_messages_response::Result as Answer,
};
use toml::Value;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    board::{key_files, tell_directory},
    helpers::{
        Desk, a_message, a_submission, a_submission_of, account, anonymous, as_caller, caller,
        count, reason, violations,
    },
    stream::client_as,
};

const ME: Uuid = Uuid::from_u128(0xA);
const SOMEBODY: Uuid = Uuid::from_u128(0xB);

async fn written(desk: &Desk, who: &Caller, title: &str) -> Uuid {
    let mut message = a_message();
    message.title = title.to_owned();
    let taken = desk.submit_as(who, a_submission_of(message)).await.unwrap();
    desk.clock.advance(SignedDuration::from_secs(1));
    taken.receipt.unwrap().message_id.parse().unwrap()
}

async fn list(
    desk: &Desk,
    who: &Caller,
    page_size: i32,
    page_token: &str,
) -> Result<ListMyMessagesResponse, Status> {
    let request = ListMyMessagesRequest { page_size, page_token: page_token.to_owned() };
    Ok(desk.grpc.list_my_messages(as_caller(who, request)).await?.into_inner())
}

async fn issue(
    desk: &Desk,
    who: &Caller,
    message_id: Uuid,
) -> Result<IssueAuthorTokenResponse, Status> {
    let request = IssueAuthorTokenRequest { message_id: message_id.to_string() };
    Ok(desk.grpc.issue_author_token(as_caller(who, request)).await?.into_inner())
}

fn titles(page: &ListMyMessagesResponse) -> Vec<&str> {
    page.messages.iter().map(|message| message.text.as_ref().unwrap().title.as_str()).collect()
}

#[tokio::test]
async fn what_is_written_signed_in_belongs_to_the_account() {
    let desk = Desk::open().await;
    let mine = written(&desk, &account(ME), "A lamp of mine").await;
    written(&desk, &account(SOMEBODY), "A lamp of somebody").await;
    written(&desk, &anonymous(), "A lamp of nobody").await;
    let events = said::<MessageSubmitted>(&desk.db).await;
    let accounts: Vec<&str> = events.iter().map(|it| it.event.account_id.as_str()).collect();
    assert_eq!(accounts, [ME.to_string().as_str(), SOMEBODY.to_string().as_str(), ""]);
    let page = list(&desk, &account(ME), 0, "").await.unwrap();
    assert_eq!(titles(&page), ["A lamp of mine"]);
    assert_eq!(page.next_page_token, "");
    assert_eq!(page.messages[0].message_id, mine.to_string());
}

#[tokio::test]
async fn pages_come_newest_first_without_gaps_or_repetitions() {
    let desk = Desk::open().await;
    let me = account(ME);
    for n in 1..=5 {
        written(&desk, &me, &format!("Lamp number {n}")).await;
    }
    // Two that came at the same time.
    let twin = || desk.submit_as(&me, a_submission());
    let (one, other) = tokio::join!(twin(), twin());
    let twins: BTreeSet<String> =
        [one, other].into_iter().map(|taken| taken.unwrap().receipt.unwrap().message_id).collect();
    let (mut token, mut ids, mut all) = (String::new(), Vec::new(), Vec::new());
    loop {
        let page = list(&desk, &me, 1, &token).await.unwrap();
        ids.extend(page.messages.iter().map(|message| message.message_id.clone()));
        all.extend(titles(&page).into_iter().map(str::to_owned));
        if page.next_page_token.is_empty() {
            break;
        }
        token = page.next_page_token;
        // What comes meanwhile is newer than everything that is still to come.
        if ids.len() == 3 {
            written(&desk, &me, "A lamp that is late").await;
        }
    }
    assert_eq!(ids.iter().take(2).cloned().collect::<BTreeSet<_>>(), twins);
    let expected = ["5", "4", "3", "2", "1"].map(|n| format!("Lamp number {n}"));
    assert_eq!(all[2..], expected);
    assert_eq!(list(&desk, &me, 1_000, "").await.unwrap().messages.len(), 8);
}

#[tokio::test]
async fn a_message_of_somebody_else_looks_like_one_that_is_not_there() {
    let desk = Desk::open().await;
    let theirs = written(&desk, &account(SOMEBODY), "A lamp of somebody").await;
    let nobodys = written(&desk, &anonymous(), "A lamp of nobody").await;
    let me = account(ME);
    assert!(list(&desk, &me, 0, "").await.unwrap().messages.is_empty());
    let missing = issue(&desk, &me, Uuid::from_u128(7)).await.unwrap_err();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::NotFound, "MESSAGE_NOT_FOUND"));
    for id in [theirs, nobodys] {
        let refused = issue(&desk, &me, id).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (missing.code(), missing.message()));
        assert_eq!(refused.details(), missing.details());
    }
    let issued = issue(&desk, &account(SOMEBODY), theirs).await.unwrap();
    assert_eq!(issued.message.unwrap().message_id, theirs.to_string());
    assert_eq!(
        issued.expires_at.unwrap().seconds,
        desk.now().as_second() + 600,
        "it is as short-lived as that of a look-up"
    );
}

#[tokio::test]
async fn only_identity_says_who_is_an_account() {
    let desk = Desk::open().await;
    let mine = written(&desk, &account(ME), "A lamp of mine").await;
    let me = ME.to_string();
    let with = |issuer: &str, subject: &str, scopes: &[&str]| Caller {
        issuer: issuer.to_owned(),
        ..caller(subject, scopes)
    };
    let impostors = [
        with("partner", &me, &["account"]),
        with("moderation", &me, &["*"]),
        with("identity", "clerk", &["account"]),
        with("identity", &me, &["case:work"]),
        anonymous(),
    ];
    for impostor in &impostors {
        for refused in [
            list(&desk, impostor, 0, "").await.unwrap_err(),
            issue(&desk, impostor, mine).await.unwrap_err(),
        ] {
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::PermissionDenied, "ACCOUNT_NEEDED"),
                "{impostor:?}"
            );
        }
        written(&desk, impostor, "A lamp of an impostor").await;
    }
    assert_eq!(count(&desk.db, "select count(*) from messages where account_id is null").await, 5);
    assert_eq!(list(&desk, &account(ME), 0, "").await.unwrap().messages.len(), 1);
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_account_only() {
    let desk = Desk::open().await;
    for who in [account(ME), account(SOMEBODY)] {
        written(&desk, &who, "A lamp is out").await;
        written(&desk, &who, "Another lamp is out").await;
    }
    let token = list(&desk, &account(SOMEBODY), 1, "").await.unwrap().next_page_token;
    let refused = list(&desk, &account(ME), -1, &token).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [
            ("page_size".to_owned(), "PAGE_SIZE_NEGATIVE".to_owned()),
            ("page_token".to_owned(), "PAGE_TOKEN_INVALID".to_owned()),
        ]
    );
}

#[tokio::test]
async fn request_ids_of_accounts_never_meet() {
    let desk = Desk::open().await;
    let request = a_submission();
    let mut ids = BTreeSet::new();
    for who in [account(ME), account(SOMEBODY), anonymous(), caller(&ME.to_string(), &["account"])]
    {
        let first = desk.submit_as(&who, request.clone()).await.unwrap();
        assert_eq!(desk.submit_as(&who, request.clone()).await.unwrap(), first);
        ids.insert(first.receipt.unwrap().message_id);
    }
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn messages_of_a_stream_belong_to_the_account_too() {
    let desk = Desk::open().await;
    let mut who = account(ME);
    who.scopes.push("message:submit".to_owned());
    let requests =
        [1, 2].map(|sequence| SubmitMessagesRequest { sequence, submission: Some(a_submission()) });
    let mut answers = client_as(&desk, who)
        .await
        .submit_messages(tokio_stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(matches!(answer.result, Some(Answer::Accepted(_))), "{answer:?}");
    }
    assert_eq!(list(&desk, &account(ME), 0, "").await.unwrap().messages.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_wire_an_account_opens_its_own_message_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (own_key, own_public) = auth::generate_key().unwrap();
    let (identity_key, identity_public) = auth::generate_key().unwrap();
    let issuer = |name: &str, public: &str, scope: &str| {
        Value::Table(toml::Table::from_iter([
            ("name".to_owned(), Value::from(name)),
            ("public_key".to_owned(), Value::from(public)),
            ("scopes".to_owned(), Value::from(vec![Value::from(scope)])),
        ]))
    };
    let mut settings = key_files(folder.path());
    let issuers = vec![
        issuer("intake", &own_public, "author:*"),
        issuer("identity", &identity_public, "account"),
        Value::try_from(testing::issuer()).unwrap(),
    ];
    let auth = [("key".to_owned(), own_key.into()), ("issuers".to_owned(), issuers.into())];
    settings.insert("auth".to_owned(), toml::Table::from_iter(auth).into());
    let board = Board::new().with_settings::<Intake>(settings).without_bus().start().await;
    tell_directory(board.database("intake")).await;

    let signer = Signer::new("identity", &identity_key, Arc::new(SystemClock)).unwrap();
    let signed_in = |account: Uuid, scopes: &[&str]| {
        let token = signer.sign(&Claims {
            sub: account.to_string(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            offices: Vec::new(),
            divisions: Vec::new(),
            lifetime: std::time::Duration::from_secs(600),
        });
        IntakeServiceClient::new(board.channel_as("intake", &token))
    };
    let mut me = signed_in(ME, &["account"]);
    let taken = me.submit_message(a_submission()).await.unwrap().into_inner();
    let message_id = taken.receipt.unwrap().message_id;
    let ask = GetMessageRequest { message_id: message_id.clone() };
    let order = IssueAuthorTokenRequest { message_id: message_id.clone() };

    // The account's own token is not yet the author's, whatever scope it claims beside.
    assert_eq!(me.get_message(ask.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    let claimed = format!("author:message/{message_id}");
    let mut greedy = signed_in(SOMEBODY, &["account", &claimed, "message:submit"]);
    assert_eq!(greedy.get_message(ask.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    let nothing = tokio_stream::iter([SubmitMessagesRequest::default()]);
    let refused = greedy.submit_messages(nothing).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "SCOPE_MISSING")
    );
    let refused = greedy.issue_author_token(order.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "MESSAGE_NOT_FOUND");
    let token = testing::token(&ME.to_string(), &["account"], &[]);
    let mut impostor = IntakeServiceClient::new(board.channel_as("intake", &token));
    let refused = impostor.issue_author_token(order.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "ACCOUNT_NEEDED");
    let mut nobody = IntakeServiceClient::new(board.channel("intake"));
    let refused = nobody.list_my_messages(ListMyMessagesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);

    let issued = me.issue_author_token(order).await.unwrap().into_inner();
    let mut author = IntakeServiceClient::new(board.channel_as("intake", &issued.author_token));
    author.get_message(ask).await.unwrap();
    let refused = author.list_my_messages(ListMyMessagesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "an author's token is no account's");
    board.stop().await;
}
