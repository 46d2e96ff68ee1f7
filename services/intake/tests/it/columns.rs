//! Columns: partners' own entrances.

use futures::future::join_all;
use jiff::SignedDuration;
use liuyan_kit::{auth::Caller, testing::said};
use liuyan_proto::liuyan::{
    common::v1::{Channel, Visibility},
    intake::v1::{
        Column, ColumnPut, CreateColumnRequest, CreateColumnResponse, GetColumnRequest,
        GetMessageRequest, ListColumnMessagesRequest, ListColumnMessagesResponse,
        ListColumnsRequest, MessageState, MessageSubmitted, NewMessage, SubmitMessageRequest,
        UpdateColumnRequest, UpdateColumnResponse, column_service_server::ColumnService as _,
        intake_service_server::IntakeService as _,
    },
    moderation::v1::{MessageApproved, MessageReturned},
};
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::helpers::{
    CLOSED, Desk, OFFICE, a_message, a_submission, a_submission_of, account, agency, anonymous,
    as_caller, author_of, caller, count, reason, request_id, service, violations,
};

/// A column that takes messages.
pub(crate) fn a_column() -> Column {
    Column {
        column_id: "letters".to_owned(),
        name: "Letters to the governor".to_owned(),
        agency_id: "province".to_owned(),
        default_office_id: OFFICE.to_owned(),
        origins: vec!["https://www.example.org".to_owned()],
        daily_quota: 1_000,
        minute_quota: 1_000,
        open: true,
        ..Column::default()
    }
}

/// Makes a column as an editor.
pub(crate) async fn create(desk: &Desk, column: Column) -> Result<CreateColumnResponse, Status> {
    let request = CreateColumnRequest { request_id: request_id(), column: Some(column) };
    let editor = caller("editor", &["column:write"]);
    desk.grpc.create_column(as_caller(&editor, request)).await.map(tonic::Response::into_inner)
}

async fn update(
    desk: &Desk,
    column: Column,
    paths: &[&str],
) -> Result<UpdateColumnResponse, Status> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let request = UpdateColumnRequest {
        request_id: request_id(),
        column: Some(column),
        update_mask: Some(prost_types::FieldMask { paths }),
    };
    let editor = caller("editor", &["column:write"]);
    desk.grpc.update_column(as_caller(&editor, request)).await.map(tonic::Response::into_inner)
}

/// A desk with one column.
async fn with_column(column: Column) -> Desk {
    let desk = Desk::open().await;
    create(&desk, column).await.unwrap();
    desk
}

async fn follow(desk: &Desk, page_token: &str, page_size: i32) -> ListColumnMessagesResponse {
    let page_token = page_token.to_owned();
    let request = ListColumnMessagesRequest { column_id: String::new(), page_size, page_token };
    let request = as_caller(&agency("province"), request);
    desk.grpc.list_column_messages(request).await.unwrap().into_inner()
}

async fn submitted_by_column(desk: &Desk) -> Uuid {
    let response = desk.submit_as(&agency("province"), a_submission()).await.unwrap();
    response.receipt.unwrap().message_id.parse().unwrap()
}

#[tokio::test]
async fn a_column_is_made_once_and_changed_by_those_who_have_seen_it() {
    let desk = Desk::open().await;
    let request = CreateColumnRequest { request_id: request_id(), column: Some(a_column()) };
    let editor = caller("editor", &["column:write"]);
    let make = || async {
        let answer = desk.grpc.create_column(as_caller(&editor, request.clone())).await;
        answer.unwrap().into_inner()
    };
    let first = make().await;
    let column = first.column.clone().unwrap();
    assert_eq!((column.name.as_str(), column.etag.is_empty()), ("Letters to the governor", false));

    let wish = Column { open: false, name: String::new(), ..column.clone() };
    let changed = update(&desk, wish, &["open"]).await.unwrap().column.unwrap();
    assert_eq!((changed.open, changed.name), (false, column.name.clone()));
    let stale = Column { open: true, ..column.clone() };
    let refused = update(&desk, stale, &["open"]).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Aborted, "COLUMN_CHANGED"));

    // The same request gets the same answer, also after the column has changed.
    assert_eq!(make().await.encode_to_vec(), first.encode_to_vec());
    let other =
        CreateColumnRequest { column: Some(Column { open: false, ..a_column() }), ..request };
    let refused = desk.grpc.create_column(as_caller(&editor, other)).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");

    let puts = said::<ColumnPut>(&desk.db).await;
    assert_eq!(puts.iter().map(|it| it.event.open).collect::<Vec<_>>(), [true, false]);
    let refused = create(&desk, a_column()).await.unwrap_err();
    assert_eq!(reason(&refused), "COLUMN_EXISTS");
    let second = Column { column_id: "second".to_owned(), ..a_column() };
    assert_eq!(reason(&create(&desk, second).await.unwrap_err()), "AGENCY_HAS_COLUMN");
    let unknown = Column { column_id: "unknown".to_owned(), ..a_column() };
    assert_eq!(reason(&update(&desk, unknown, &["open"]).await.unwrap_err()), "COLUMN_NOT_FOUND");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_column_comes_in_one_answer() {
    let desk = Desk::open().await;
    let broken = Column { column_id: "No".to_owned(), ..Column::default() };
    let refused = create(&desk, broken).await.unwrap_err();
    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    let expected = [
        "column.column_id",
        "column.name",
        "column.agency_id",
        "column.daily_quota",
        "column.minute_quota",
    ];
    assert_eq!(fields, expected);
    assert_eq!(count(&desk.db, "select count(*) from column_requests").await, 0);
}

#[tokio::test]
async fn columns_are_listed_by_name_page_by_page() {
    let desk = Desk::open().await;
    for (id, name) in [("one", "Bb"), ("two", "Aa"), ("three", "Cc")] {
        let column = Column {
            column_id: id.to_owned(),
            name: name.to_owned(),
            agency_id: id.to_owned(),
            ..a_column()
        };
        create(&desk, column).await.unwrap();
    }
    let editor = caller("editor", &["column:write"]);
    let (mut token, mut names) = (String::new(), Vec::new());
    loop {
        let request = ListColumnsRequest { page_size: 2, page_token: token };
        let page = desk.grpc.list_columns(as_caller(&editor, request)).await.unwrap().into_inner();
        names.extend(page.columns.into_iter().map(|column| column.name));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["Aa", "Bb", "Cc"]);
}

#[tokio::test]
async fn a_message_of_an_agency_comes_by_its_column() {
    let desk = with_column(Column { domains: vec!["7".to_owned()], ..a_column() }).await;
    let to_default = NewMessage { office_id: String::new(), ..a_message() };
    let response = desk.submit_as(&agency("province"), a_submission_of(to_default)).await.unwrap();
    let receipt = response.receipt.unwrap();
    assert_eq!(receipt.office_id, OFFICE);
    let event = &said::<MessageSubmitted>(&desk.db).await[0].event;
    assert_eq!((event.column_id.as_str(), event.channel()), ("letters", Channel::Column));
    let id: Uuid = receipt.message_id.parse().unwrap();
    let request = GetMessageRequest { message_id: id.to_string() };
    let shown = desk.grpc.get_message(as_caller(&author_of(id), request)).await.unwrap();
    assert_eq!(shown.into_inner().message.unwrap().column_id, "letters");

    for (change, field, rule) in [
        (NewMessage { domain: "20".to_owned(), ..a_message() }, "domain", "DOMAIN_NOT_OF_COLUMN"),
        (NewMessage { domain: String::new(), ..a_message() }, "domain", "FIELD_REQUIRED"),
        (NewMessage { channel: Channel::Web.into(), ..a_message() }, "channel", "CHANNEL_RESERVED"),
        (NewMessage { office_id: CLOSED.to_owned(), ..a_message() }, "office_id", "OFFICE_CLOSED"),
    ] {
        let refused = desk.submit_as(&agency("province"), a_submission_of(change)).await;
        let expected = [(format!("message.{field}"), rule.to_owned())];
        assert_eq!(violations(&refused.unwrap_err()), expected);
    }
    update(&desk, Column { open: false, ..a_column() }, &["open"]).await.unwrap();
    let refused = desk.submit_as(&agency("province"), a_submission()).await.unwrap_err();
    let expected = [("message.column_id".to_owned(), "COLUMN_CLOSED".to_owned())];
    assert_eq!(violations(&refused), expected);
}

#[tokio::test]
async fn nobody_uses_the_column_or_the_channel_of_another() {
    let desk = with_column(a_column()).await;
    let own = Column { agency_id: "city".to_owned(), column_id: "city".to_owned(), ..a_column() };
    create(&desk, own).await.unwrap();
    let named = |column_id: &str| {
        a_submission_of(NewMessage { column_id: column_id.to_owned(), ..a_message() })
    };
    desk.submit_as(&agency("city"), named("city")).await.unwrap();
    let citizen = account(Uuid::from_u128(7));
    let as_if = caller("province", &["message:submit"]);
    let mut page_of_another = citizen.clone();
    page_of_another.scopes.push("column:enter".to_owned());
    let others = [agency("city"), agency("village"), anonymous(), as_if, service("routing")];
    for who in others.iter().chain([&citizen, &page_of_another]) {
        let refused = desk.submit_as(who, named("letters")).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "COLUMN_NOT_YOURS"),
            "{who:?}"
        );
    }
    for channel in [Channel::Column, Channel::Hotline] {
        for who in [&agency("village"), &anonymous(), &citizen] {
            let message = NewMessage { channel: channel.into(), ..a_message() };
            let refused = desk.submit_as(who, a_submission_of(message)).await.unwrap_err();
            let expected = [("message.channel".to_owned(), "CHANNEL_RESERVED".to_owned())];
            assert_eq!(violations(&refused), expected);
        }
    }
    // The board's own page of a column speaks for whoever writes there.
    let page = Caller { scopes: vec!["column:enter".to_owned()], ..service("portal") };
    desk.submit_as(&page, named("letters")).await.unwrap();
    let refused = desk.submit_as(&page, named("nowhere")).await.unwrap_err();
    let expected = [("message.column_id".to_owned(), "COLUMN_UNKNOWN".to_owned())];
    assert_eq!(violations(&refused), expected);

    let of_another = |column_id: &str| GetColumnRequest { column_id: column_id.to_owned() };
    let seen = desk.grpc.get_column(as_caller(&agency("city"), of_another("letters"))).await;
    assert_eq!(reason(&seen.unwrap_err()), "COLUMN_NOT_YOURS");
    let seen = desk.grpc.get_column(as_caller(&agency("city"), of_another(""))).await.unwrap();
    assert_eq!(seen.into_inner().used_today, 1);
    let request =
        ListColumnMessagesRequest { column_id: "letters".to_owned(), ..Default::default() };
    let followed = desk.grpc.list_column_messages(as_caller(&agency("city"), request)).await;
    assert_eq!(reason(&followed.unwrap_err()), "COLUMN_NOT_YOURS");
}

#[tokio::test]
async fn what_comes_by_a_collated_column_is_private_whatever_its_author_chooses() {
    let desk = with_column(Column { collated: true, ..a_column() }).await;
    let public =
        || a_submission_of(NewMessage { visibility: Visibility::Public.into(), ..a_message() });
    let receipt = desk.submit_as(&agency("province"), public()).await.unwrap().receipt.unwrap();
    let id: Uuid = receipt.message_id.parse().unwrap();
    let request = GetMessageRequest { message_id: id.to_string() };
    let shown = desk.grpc.get_message(as_caller(&author_of(id), request)).await.unwrap();
    assert_eq!(shown.into_inner().message.unwrap().visibility(), Visibility::Private);
    let followed = follow(&desk, "", 10).await;
    assert_eq!(followed.messages[0].visibility(), Visibility::Private);

    // What comes after the flag has changed, and what comes by other entrances, is as its author chooses.
    update(&desk, Column { collated: false, ..a_column() }, &["collated"]).await.unwrap();
    desk.submit_as(&agency("province"), public()).await.unwrap();
    desk.submit(public()).await.unwrap();
    let said: Vec<Visibility> =
        said::<MessageSubmitted>(&desk.db).await.iter().map(|it| it.event.visibility()).collect();
    assert_eq!(said, [Visibility::Private, Visibility::Public, Visibility::Public]);
}

#[tokio::test]
async fn only_a_hotline_enters_messages_for_others_and_says_who_did() {
    let desk = with_column(a_column()).await;
    let entry = |operator: &str| {
        a_submission_of(NewMessage { operator: operator.to_owned(), ..a_message() })
    };
    let refused = desk.submit(entry("A-17")).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "SCOPE_MISSING")
    );
    assert_eq!(refused.get_details_error_info().unwrap().metadata["scope"], "message:on_behalf");
    // Staff who are signed in: the message is not theirs.
    let mut clerk = account(Uuid::from_u128(7));
    clerk.scopes.push("message:on_behalf".to_owned());
    for name in ["Wang Xiaoming", "Wang", "Wáng1", &"1".repeat(21)] {
        let refused = desk.submit_as(&clerk, entry(name)).await.unwrap_err();
        let expected = [("message.operator".to_owned(), "OPERATOR_MALFORMED".to_owned())];
        assert_eq!(violations(&refused), expected, "{name}");
    }
    desk.submit_as(&clerk, entry("A-17")).await.unwrap();
    let event = &said::<MessageSubmitted>(&desk.db).await[0].event;
    assert_eq!((event.channel(), event.account_id.as_str()), (Channel::Hotline, ""));
    assert_eq!(
        count(
            &desk.db,
            "select count(*) from hotline_entries
             where operator = 'A-17' and entered_by = 'identity 00000000-0000-0000-0000-000000000007'"
        )
        .await,
        1
    );
    let both =
        NewMessage { operator: "A-17".to_owned(), column_id: "letters".to_owned(), ..a_message() };
    assert_eq!(
        reason(&desk.submit_as(&clerk, a_submission_of(both)).await.unwrap_err()),
        "FIELDS_INVALID"
    );
}

#[tokio::test]
async fn a_replica_that_is_late_at_midnight_gives_no_second_quota() {
    let desk = with_column(Column { daily_quota: 3, ..a_column() }).await;
    let partner = agency("province");
    desk.clock.advance(SignedDuration::from_hours(24));
    for _ in 0..2 {
        desk.submit_as(&partner, a_submission()).await.unwrap();
    }
    desk.clock.advance(SignedDuration::from_hours(-24));
    desk.submit_as(&partner, a_submission()).await.unwrap();
    assert!(desk.submit_as(&partner, a_submission()).await.is_err());
    desk.clock.advance(SignedDuration::from_hours(24));
    assert!(desk.submit_as(&partner, a_submission()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_quota_is_exact_however_many_replicas_submit_at_once() {
    let desk = with_column(Column { daily_quota: 100, ..a_column() }).await;
    let other = desk.restarted().await;
    let partner = agency("province");
    let requests: Vec<SubmitMessageRequest> = (0..150).map(|_| a_submission()).collect();
    let calls = requests.iter().enumerate().map(|(n, request)| {
        let grpc = if n % 2 == 0 { &desk.grpc } else { &other };
        grpc.submit_message(as_caller(&partner, request.clone()))
    });
    let answers = join_all(calls).await;
    let refused: Vec<&Status> = answers.iter().filter_map(|it| it.as_ref().err()).collect();
    assert_eq!(refused.len(), 50);
    for status in refused {
        assert_eq!(
            (status.code(), reason(status).as_str()),
            (Code::ResourceExhausted, "COLUMN_QUOTA_USED")
        );
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata["limit"], "column_day");
        let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!((1..=86_400).contains(&wait.as_secs()), "{wait:?}");
    }
    for (query, expected) in [
        ("select count(*) from messages", 100),
        ("select count(*) from requests", 100),
        ("select count(*) from column_messages", 100),
        ("select used_today::bigint from columns", 100),
        ("select messages from columns", 100),
        ("select max(change) from column_messages", 100),
        ("select count(*) from messaging.outbox where type like '%message-submitted'", 100),
    ] {
        assert_eq!(count(&desk.db, query).await, expected, "{query}");
    }
    // What was taken is told again; what was refused is taken on the next day, which begins in China.
    let told = answers.iter().position(Result::is_ok).unwrap();
    desk.submit_as(&partner, requests[told].clone()).await.unwrap();
    let later = answers.iter().position(Result::is_err).unwrap();
    assert!(desk.submit_as(&partner, requests[later].clone()).await.is_err());
    desk.clock.advance(SignedDuration::from_hours(24));
    desk.submit_as(&partner, requests[later].clone()).await.unwrap();
    assert_eq!(count(&desk.db, "select used_today::bigint from columns").await, 1);
}

#[tokio::test]
async fn an_agency_follows_every_change_of_its_messages_and_the_token_never_ends() {
    let desk = with_column(a_column()).await;
    let (one, other) = (submitted_by_column(&desk).await, submitted_by_column(&desk).await);
    desk.submitted().await;
    let states = |page: &ListColumnMessagesResponse| {
        let state = |it: &liuyan_proto::liuyan::intake::v1::ColumnMessage| {
            (it.message_id.parse::<Uuid>().unwrap(), it.state())
        };
        page.messages.iter().map(state).collect::<Vec<_>>()
    };
    let first = follow(&desk, "", 1).await;
    assert_eq!(states(&first), [(one, MessageState::InReview)]);
    assert!(first.more);
    let second = follow(&desk, &first.next_page_token, 10).await;
    assert_eq!(states(&second), [(other, MessageState::InReview)]);
    assert!(!second.more);
    let nothing = follow(&desk, &second.next_page_token, 10).await;
    assert_eq!((nothing.messages.len(), nothing.more), (0, false));
    assert_eq!(nothing.next_page_token, second.next_page_token);

    let approved = MessageApproved {
        message_id: other.to_string(),
        revision: 1,
        ..MessageApproved::default()
    };
    desk.hear(other, approved).await.unwrap();
    let returned = MessageReturned {
        message_id: one.to_string(),
        ground: "abuse".to_owned(),
        revision: 1,
        returned_at: None,
    };
    desk.hear(one, returned).await.unwrap();
    let changed = follow(&desk, &second.next_page_token, 10).await;
    assert_eq!(states(&changed), [(other, MessageState::Approved), (one, MessageState::Returned)]);
    assert_eq!(changed.messages[1].ground, "abuse");
    // From the beginning, each message comes once, as it stands.
    assert_eq!(states(&follow(&desk, "", 10).await), states(&changed));

    let request = ListColumnMessagesRequest {
        page_token: "00".to_owned(),
        page_size: -1,
        ..ListColumnMessagesRequest::default()
    };
    let odd = desk.grpc.list_column_messages(as_caller(&agency("province"), request)).await;
    assert_eq!(violations(&odd.unwrap_err()).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_follows_a_column_while_it_changes_misses_nothing() {
    let desk = with_column(a_column()).await;
    let other = desk.restarted().await;
    let partner = agency("province");
    let writing = join_all((0..60).map(|n| {
        let grpc = if n % 2 == 0 { &desk.grpc } else { &other };
        grpc.submit_message(as_caller(&partner, a_submission()))
    }));
    let following = async {
        let (mut token, mut seen) = (String::new(), std::collections::BTreeSet::new());
        while seen.len() < 60 {
            let page = follow(&desk, &token, 7).await;
            tokio::task::yield_now().await;
            seen.extend(page.messages.into_iter().map(|message| message.message_id));
            token = page.next_page_token;
        }
        seen.len()
    };
    let (written, seen) = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        tokio::join!(writing, following)
    })
    .await
    .unwrap();
    assert!(written.iter().all(Result::is_ok));
    assert_eq!(seen, 60);
}
