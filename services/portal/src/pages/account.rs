//! One's own account: notices, password, and where one is told.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Query,
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use liuyan_proto::liuyan::{
    identity::v1::{Account, GetAccountRequest, Role},
    notification::v1::{
        EndpointChannel, EndpointState, GetPreferencesRequest, ListEndpointsRequest,
        ListNoticesRequest, Notice, Preferences,
    },
};
use serde::Deserialize;

use super::{cards::State, faults::Faults};
use crate::{
    app::App,
    error::Error,
    format::When,
    page::{Keep, page_with},
    session::Session,
    visit::Visit,
};

mod acts;

/// How many notices are shown at a time.
const PAGE: i32 = 10;

/// Who somebody is here.
#[derive(Debug, Default)]
struct Me {
    display_name: String,
    /// The name to sign in with; empty while identity is away.
    name: String,
    email: String,
    roles: Vec<&'static str>,
    places: Vec<String>,
}

/// Something that somebody was told.
#[derive(Debug)]
struct Told {
    id: String,
    title: String,
    body: String,
    when: Option<When>,
    read: bool,
    href: Option<String>,
}

/// Where somebody is told.
#[derive(Debug)]
struct Place {
    id: String,
    channel: &'static str,
    hint: String,
    state: State,
    pending: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    v: Visit,
    me: Me,
    /// `None` while notification is away; so with the next two.
    notices: Option<Vec<Told>>,
    next: Option<String>,
    preferences: Option<Preferences>,
    places: Option<Vec<Place>>,
    typed: Typed,
    f: Faults,
}

impl AccountPage {
    /// The id of the field of a code: faults lead to the one that was refused.
    fn code_id(&self, place: &str, index: impl std::fmt::Display) -> String {
        if self.typed.endpoint_id == place { "code".to_owned() } else { format!("code-{index}") }
    }
}

/// What was typed into the form that was refused.
#[derive(Debug, Default)]
struct Typed {
    address: String,
    code: String,
    /// The endpoint whose code was wrong.
    endpoint_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    page: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account", get(account))
        .route("/account/password", get(back).post(acts::change_password))
        .route("/account/notices", get(back).post(acts::mark_read))
        .route("/account/preferences", get(back).post(acts::prefer))
        .route("/account/endpoints", get(back).post(acts::add))
        .route("/account/endpoints/{id}/verify", post(acts::verify))
        .route("/account/endpoints/{id}/delete", post(acts::delete))
}

async fn account(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    render(v, ask.page, Typed::default(), Faults::default(), StatusCode::OK).await
}

/// A form's address, opened by itself.
async fn back() -> Response {
    crate::page::see("/account")
}

async fn render(
    v: Visit,
    page_token: String,
    typed: Typed,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let session = v.signed_in()?.clone();
    let (account, notices, preferences, endpoints) =
        futures::join!(me(&v), notices(&v, page_token), preferences(&v), places(&v));
    let me = who(&v, &session, account).await;
    let (notices, next) = away_is_none(notices)?.unzip();
    let page = AccountPage {
        me,
        notices,
        next: next.flatten(),
        preferences: away_is_none(preferences)?,
        places: away_is_none(endpoints)?,
        typed,
        f,
        v,
    };
    page_with(&page, status, Keep::Never)
}

/// A service that is away spoils its part alone; a session that has ended ends the page.
fn away_is_none<T>(asked: Result<T, Error>) -> Result<Option<T>, Error> {
    match asked {
        Ok(told) => Ok(Some(told)),
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => Err(error),
        Err(error) => {
            tracing::debug!(%error, "a part of the account page is left out");
            Ok(None)
        }
    }
}

async fn me(v: &Visit) -> Option<Account> {
    let request = v.call(GetAccountRequest {});
    v.app().backend.identity().get_account(request).await.ok()?.into_inner().account
}

/// What the session knows will do while identity is away.
async fn who(v: &Visit, session: &Session, account: Option<Account>) -> Me {
    let directory = &v.app().directory;
    let offices = session.office_ids.iter().map(String::as_str);
    let divisions = session.division_codes.iter().map(String::as_str);
    let names = directory.names(offices, divisions).await;
    let offices = session.office_ids.iter().map(|id| names.office(id));
    let divisions = session.division_codes.iter().map(|code| names.division(code));
    let account = account.unwrap_or_default();
    Me {
        display_name: session.display_name.clone(),
        name: account.name,
        email: account.email,
        roles: ROLES.iter().filter(|(role, _)| session.has(*role)).map(|(_, word)| *word).collect(),
        places: offices.chain(divisions).collect(),
    }
}

/// What each role is called.
const ROLES: [(Role, &str); 7] = [
    (Role::Citizen, "role-citizen"),
    (Role::Clerk, "role-clerk"),
    (Role::Supervisor, "role-supervisor"),
    (Role::Moderator, "role-moderator"),
    (Role::SeniorModerator, "role-senior-moderator"),
    (Role::Editor, "role-editor"),
    (Role::Administrator, "role-administrator"),
];

async fn notices(v: &Visit, page_token: String) -> Result<(Vec<Told>, Option<String>), Error> {
    let request = ListNoticesRequest { unread_only: false, page_size: PAGE, page_token };
    let answer = v.app().backend.subscriptions().list_notices(v.call(request)).await?.into_inner();
    if let Some(session) = v.session() {
        v.app().unread.set(&session.account_id, answer.unread);
    }
    let next = (!answer.next_page_token.is_empty()).then_some(answer.next_page_token);
    Ok((answer.notices.into_iter().map(|notice| told(v, notice)).collect(), next))
}

fn told(v: &Visit, notice: Notice) -> Told {
    let works = v.session().is_some_and(Session::works_on_cases);
    let href = if works && !notice.office_id.is_empty() && !notice.case_id.is_empty() {
        Some(format!("/desk/cases/{}", notice.case_id))
    } else if notice.office_id.is_empty() && !notice.number.is_empty() {
        // Its author is signed in: they need no access code to see it.
        Some(format!("/mine/{}?id={}", notice.number, notice.message_id))
    } else {
        None
    };
    Told {
        when: v.moment(notice.occurred_at.as_ref()),
        id: notice.notice_id,
        title: notice.title,
        body: notice.body,
        read: notice.read,
        href,
    }
}

async fn preferences(v: &Visit) -> Result<Preferences, Error> {
    let request = v.call(GetPreferencesRequest {});
    let answer = v.app().backend.subscriptions().get_preferences(request).await?.into_inner();
    Ok(answer.preferences.unwrap_or_default())
}

async fn places(v: &Visit) -> Result<Vec<Place>, Error> {
    let request = v.call(ListEndpointsRequest::default());
    let answer = v.app().backend.subscriptions().list_endpoints(request).await?.into_inner();
    let place = |endpoint: liuyan_proto::liuyan::notification::v1::Endpoint| {
        let (word, class) = match endpoint.state() {
            EndpointState::Pending => ("endpoint-pending", "awaiting"),
            EndpointState::Disabled => ("endpoint-disabled", "late"),
            EndpointState::Active | EndpointState::Unspecified => ("endpoint-active", "replied"),
        };
        let channel = match endpoint.channel() {
            EndpointChannel::Webhook => "channel-webhook",
            EndpointChannel::InApp => "channel-in-app",
            EndpointChannel::Email | EndpointChannel::Unspecified => "channel-email",
        };
        Place {
            pending: endpoint.state() == EndpointState::Pending,
            state: State { word, class },
            channel,
            id: endpoint.endpoint_id,
            hint: endpoint.address_hint,
        }
    };
    Ok(answer.endpoints.into_iter().map(place).collect())
}
