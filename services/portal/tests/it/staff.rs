//! Officials who are signed in.

use http::StatusCode;
use liuyan_kit::{clock, testing};
use liuyan_proto::liuyan::identity::v1 as identity;
use prost_types::Timestamp;

use crate::{browser::Browser, portal::Running};

/// The account of whoever is signed in here.
pub(crate) const ME: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7fb0";
/// Their access token.
pub(crate) const TOKEN: &str = "access-of-staff";
/// What stands in `request_id` of a request that a test makes up.
pub(crate) const REQUEST: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7fc1";

/// In so many seconds.
pub(crate) fn after(seconds: i64) -> Option<Timestamp> {
    Some(clock::to_proto(testing::now() + jiff::SignedDuration::from_secs(seconds)))
}

/// identity lets somebody in with this role for these offices.
pub(crate) fn let_in(portal: &Running, role: identity::Role, offices: &'static [&'static str]) {
    portal.fake.on("IdentityService/SignIn", move |_: identity::SignInRequest| {
        let session = identity::Session {
            access_token: TOKEN.to_owned(),
            access_expires_at: after(900),
            refresh_token: "refresh-of-staff".to_owned(),
            refresh_expires_at: after(3_600),
        };
        let account = identity::Account {
            account_id: ME.to_owned(),
            name: "staff".to_owned(),
            display_name: "经办人甲".to_owned(),
            roles: vec![role.into()],
            office_ids: offices.iter().map(|id| (*id).to_owned()).collect(),
            ..identity::Account::default()
        };
        Ok(identity::SignInResponse { session: Some(session), account: Some(account) })
    });
}

/// Signs in.
pub(crate) async fn sign_in(browser: &mut Browser, next: &str) -> String {
    let page = browser.get("/sign-in").await;
    let token = page.hidden("_token");
    let fields = [
        ("_token", token.as_str()),
        ("name", "staff"),
        ("password", "long enough"),
        ("next", next),
    ];
    let done = browser.post("/sign-in", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    done.location().to_owned()
}

/// Somebody who is signed in with this role for these offices.
pub(crate) async fn staff(
    portal: &Running,
    role: identity::Role,
    offices: &'static [&'static str],
) -> Browser {
    let_in(portal, role, offices);
    let mut browser = portal.browser();
    sign_in(&mut browser, "").await;
    browser
}

/// A clerk of the district government.
pub(crate) async fn clerk(portal: &Running) -> Browser {
    staff(portal, identity::Role::Clerk, &["330106-g"]).await
}
