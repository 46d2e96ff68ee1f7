//! Accounts as administrators and services see them.

use futures::future::join_all;
use jiff::SignedDuration;
use liuyan_proto::liuyan::identity::v1::{
    self as proto, Role, identity_service_server::IdentityService as _,
};
use tonic::Code;

use crate::helpers::{PASSWORD, an_account, bench, by, fields, reason, request_id};

#[tokio::test]
async fn an_account_is_added_once_and_changed_by_its_name() {
    let bench = bench().await;
    let request = an_account("Some.One");
    let added = bench.put(request.clone()).await.unwrap();
    assert_eq!(added.name, "Some.One");
    assert_eq!((added.locale.as_str(), added.active, added.email.as_str()), ("zh-CN", true, ""));
    assert_eq!(bench.put(request.clone()).await.unwrap(), added);

    bench.after(SignedDuration::from_mins(1));
    let change = proto::PutAccountRequest {
        display_name: "Another way".into(),
        locale: "en".into(),
        password: String::new(),
        ..an_account("some.one")
    };
    let changed = bench.put(change).await.unwrap();
    assert_eq!(changed.account_id, added.account_id);
    assert_eq!((changed.name.as_str(), changed.display_name.as_str()), ("some.one", "Another way"));
    assert_eq!(changed.created_at, added.created_at);
    bench.session("SOME.ONE").await;
    // The first request is answered as it was then.
    assert_eq!(bench.put(request.clone()).await.unwrap(), added);

    let other = proto::PutAccountRequest { display_name: "X".into(), ..request };
    let refused = bench.put(other).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    assert_eq!(bench.count("select count(*) from accounts").await, 1);
    bench.whole().await;
}

#[tokio::test]
async fn one_request_sent_often_at_once_is_one_account() {
    let bench = bench().await;
    let request = an_account("known");
    let answers = join_all((0..8).map(|_| bench.put(request.clone()))).await;
    let first = answers[0].as_ref().unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first));
    assert_eq!(bench.count("select changes::bigint from accounts").await, 1);
    bench.whole().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let bench = bench().await;
    let request = proto::PutAccountRequest {
        name: "a b".into(),
        display_name: String::new(),
        roles: vec![Role::Citizen.into(), 99],
        office_ids: vec!["no office".into()],
        division_codes: vec!["x".into()],
        locale: "xx".into(),
        email: "nowhere".into(),
        password: "short".into(),
        inactive: false,
        request_id: "7".into(),
    };
    let told: Vec<(String, String)> = fields(&bench.put(request).await.unwrap_err());
    let told: Vec<(&str, &str)> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        told,
        [
            ("request_id", "UUID_MALFORMED"),
            ("name", "NAME_MALFORMED"),
            ("display_name", "DISPLAY_NAME_MALFORMED"),
            ("roles[1]", "VALUE_UNKNOWN"),
            ("office_ids[0]", "OFFICE_MALFORMED"),
            ("division_codes[0]", "DIVISION_MALFORMED"),
            ("office_ids", "PLACES_WITHOUT_ROLE"),
            ("locale", "VALUE_UNKNOWN"),
            ("email", "EMAIL_MALFORMED"),
            ("password", "PASSWORD_LENGTH"),
        ]
    );
}

#[tokio::test]
async fn a_new_account_needs_a_password_and_a_clerk_an_office() {
    let bench = bench().await;
    let without = proto::PutAccountRequest { password: String::new(), ..an_account("known") };
    let refused = bench.put(without).await.unwrap_err();
    assert_eq!(fields(&refused), [("password".to_owned(), "FIELD_REQUIRED".to_owned())]);
    for role in [Role::Clerk, Role::Supervisor] {
        let nowhere = proto::PutAccountRequest { roles: vec![role.into()], ..an_account("known") };
        let refused = bench.put(nowhere).await.unwrap_err();
        assert_eq!(fields(&refused), [("office_ids".to_owned(), "PLACES_MISSING".to_owned())]);
    }
    let named =
        proto::PutAccountRequest { password: "long.enough".into(), ..an_account("LONG.enough") };
    let refused = bench.put(named).await.unwrap_err();
    assert_eq!(fields(&refused), [("password".to_owned(), "PASSWORD_IS_NAME".to_owned())]);
    assert_eq!(bench.count("select count(*) from accounts").await, 0);
    bench.whole().await;
}

#[tokio::test]
async fn a_password_set_by_an_administrator_ends_all_sessions_and_the_lockout() {
    let bench = bench().await;
    bench.citizen("known").await;
    let session = bench.session("known").await;
    for _ in 0..10 {
        bench.sign_in("known", "a wrong long password").await.unwrap_err();
    }
    let request =
        proto::PutAccountRequest { password: "set by somebody".into(), ..an_account("known") };
    bench.put(request).await.unwrap();
    bench.refresh(&session.refresh_token).await.unwrap_err();
    bench.sign_in("known", "set by somebody").await.unwrap();
    bench.whole().await;
}

#[tokio::test]
async fn names_and_addresses_are_readable_by_the_keyring_alone() {
    let bench = bench().await;
    let request = proto::PutAccountRequest {
        display_name: "canary-display".into(),
        email: "canary@mail.example".into(),
        ..an_account("known")
    };
    bench.put(request).await.unwrap();
    let session = bench.session("known").await;
    let dump = bench.dump().await;
    // The outbox and the tables are bytes: as text and as hex.
    for canary in ["canary-display", "canary@mail.example", PASSWORD] {
        assert!(!dump.contains(canary) && !dump.contains(&hex(canary)), "{canary}");
    }
    let get = bench.with_token(&session.access_token, proto::GetAccountRequest {});
    let own = bench.grpc.get_account(get).await.unwrap().into_inner().account.unwrap();
    assert_eq!(
        (own.display_name.as_str(), own.email.as_str()),
        ("canary-display", "canary@mail.example")
    );
    assert!(bench.folder().join("keyring").exists());
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_list_goes_by_name_page_by_page_and_is_recorded() {
    let bench = bench().await;
    for name in ["delta", "Alpha", "charlie", "bravo", "echo"] {
        bench.citizen(name).await;
    }
    let page = |size, token: &str| {
        let request = proto::ListAccountsRequest { page_size: size, page_token: token.into() };
        bench.grpc.list_accounts(by("boss", request))
    };
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let answer = page(2, &token).await.unwrap().into_inner();
        assert!(answer.accounts.iter().all(|account| account.email.is_empty()));
        names.extend(answer.accounts.into_iter().map(|account| account.name));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["Alpha", "bravo", "charlie", "delta", "echo"]);
    assert_eq!(bench.audited("accounts-listed").await, 3);

    let first = page(2, "").await.unwrap().into_inner().next_page_token;
    for (size, token) in [(3, first.as_str()), (2, "x"), (2, &first[1..])] {
        let refused = page(size, token).await.unwrap_err();
        assert_eq!(fields(&refused), [("page_token".to_owned(), "PAGE_TOKEN_INVALID".to_owned())]);
    }
    let refused = page(-1, "").await.unwrap_err();
    assert_eq!(fields(&refused), [("page_size".to_owned(), "PAGE_SIZE_NEGATIVE".to_owned())]);
    bench.whole().await;
}

#[tokio::test]
async fn contacts_come_in_the_order_asked_and_the_look_is_recorded() {
    let bench = bench().await;
    let one = bench.citizen("one").await.account_id;
    let other = proto::PutAccountRequest {
        email: String::new(),
        locale: "en".into(),
        ..an_account("other")
    };
    let other = bench.put(other).await.unwrap().account_id;
    let request = proto::BatchGetContactRequest {
        account_ids: vec![other.clone(), request_id(), one.clone()],
        purpose: "case-replied".into(),
    };
    let found = bench.grpc.batch_get_contact(by("notification", request)).await.unwrap();
    let found: Vec<_> = found
        .into_inner()
        .contacts
        .into_iter()
        .map(|contact| (contact.account_id, contact.email, contact.locale))
        .collect();
    assert_eq!(
        found,
        [
            (other.clone(), String::new(), "en".into()),
            (one.clone(), "someone@mail.example".into(), "zh-CN".into()),
        ]
    );
    let (actor, detail): (String, String) =
        sqlx::query_as("select actor, detail from audit where action = 'contacts-read'")
            .fetch_one(&mut *bench.db.read().await.unwrap())
            .await
            .unwrap();
    assert_eq!(actor, "operator/notification");
    assert_eq!(detail, format!("count=2 accounts={other},{one} purpose=case-replied"));

    let request = proto::BatchGetContactRequest {
        account_ids: (0..257).map(|_| request_id()).collect(),
        purpose: " ".into(),
    };
    let refused = bench.grpc.batch_get_contact(by("notification", request)).await.unwrap_err();
    let wrong: Vec<_> = fields(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(wrong, ["purpose", "account_ids"]);
    bench.whole().await;
}

#[tokio::test]
async fn answers_are_forgotten_after_a_day() {
    let bench = bench().await;
    let request = an_account("known");
    bench.put(request.clone()).await.unwrap();
    bench.after(SignedDuration::from_hours(24));
    bench.app.prune_some().await.unwrap();
    assert_eq!(bench.count("select count(*) from requests").await, 1);
    bench.after(SignedDuration::from_secs(1));
    bench.citizen("later").await;
    bench.app.prune_some().await.unwrap();
    assert_eq!(bench.count("select count(*) from requests").await, 1);
    bench.whole().await;
}
