//! One case on the desk: what was written, where it stands, and what can be done now.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome, PublicCase, Visibility},
    identity::v1::Role,
    routing::v1::Case,
};

use super::{
    notices::{self, Line},
    theirs::own_case,
    wish::{OUTCOMES, Wish},
};
use crate::{
    error::Error,
    page::{Keep, page_with, see},
    pages::{
        cards::{Heading, heading},
        faults::Faults,
        files::{self, Row},
        message::{Shown, names, shown},
        search::{Choice, choice},
    },
    session::Session,
    visit::Visit,
};

/// What can be done with a case now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct May {
    pub(super) accept: bool,
    pub(super) reply: bool,
    pub(super) transfer: bool,
    pub(super) close: bool,
    /// Whether it may be ended only as a duplicate: every other outcome needs an answer first.
    pub(super) only_duplicate: bool,
}

impl May {
    fn of(state: CaseState) -> Self {
        let waits = matches!(state, CaseState::Assigned | CaseState::Accepted);
        let open = state != CaseState::Closed;
        Self {
            accept: state == CaseState::Assigned,
            reply: open,
            transfer: waits,
            close: open,
            only_duplicate: waits,
        }
    }
}

/// Which of the forms on the page was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    None,
    Accept,
    Reply,
    Close,
}

#[derive(Template)]
#[template(path = "desk_case.html")]
struct CasePage {
    v: Visit,
    m: Shown,
    heading: Heading,
    /// Why there is nothing to read, the name of a text: nobody should have to answer blindly.
    no_text: Option<&'static str>,
    case_id: String,
    etag: String,
    private: bool,
    public: bool,
    closed: bool,
    may: May,
    /// Supervisors read.
    reads_only: bool,
    wish: Wish,
    which: Which,
    outcomes: Vec<Choice>,
    notices: Vec<Line>,
    /// The files of the message; `None` while they can't be asked for.
    files: Option<Vec<Row>>,
    f: Faults,
}

impl CasePage {
    /// The id of the request that a form sends: that of the refused form stays.
    fn request_id(&self, which: Which) -> String {
        if self.which == which { self.wish.request_id.clone() } else { self.v.new_id() }
    }

    fn accept_id(&self) -> String {
        self.request_id(Which::Accept)
    }

    fn reply_id(&self) -> String {
        self.request_id(Which::Reply)
    }

    fn close_id(&self) -> String {
        self.request_id(Which::Close)
    }
}

/// Whether the person may work on cases, and not only look at them.
pub(super) fn works(session: &Session) -> bool {
    session.has(Role::Clerk)
}

pub(super) async fn case(v: Visit, Path(id): Path<String>) -> Result<Response, Error> {
    let (case, view) = own_case(&v, &id).await?;
    let wish = Wish::default();
    render(v, case, view, (Which::None, wish), Faults::default(), StatusCode::OK).await
}

/// The address of a form, opened by itself.
pub(super) async fn back(Path(id): Path<String>) -> Response {
    let id = url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
    see(&format!("/desk/cases/{id}"))
}

pub(super) async fn render(
    v: Visit,
    case: Case,
    view: PublicCase,
    (which, wish): (Which, Wish),
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let session = v.signed_in()?;
    let reads_only = !works(session);
    let state = view.state();
    let may = if reads_only { May::default() } else { May::of(state) };
    let (names, notices, files) = futures::join!(
        names(&v, &view),
        notices::of_case(&v, &view.case_id),
        files::of_case(&v, &view.number, &view.case_id),
    );
    let offered = OUTCOMES.iter().filter(|(code, ..)| !may.only_duplicate || *code == "duplicate");
    let private = case.visibility() == Visibility::Private;
    let template = CasePage {
        heading: heading(&v, &view.title, &view.number, private),
        no_text: why_no_text(&view),
        f: if_changed(&v, f, &wish, &case),
        case_id: view.case_id.clone(),
        etag: case.etag.clone(),
        private,
        public: case.public,
        closed: state == CaseState::Closed,
        outcomes: offered.map(|(code, _, word)| choice(code, v.t(word), &wish.outcome)).collect(),
        m: shown(&v, view, &names),
        may,
        reads_only,
        wish,
        which,
        notices,
        files,
        v,
    };
    page_with(&template, status, Keep::Never)
}

/// What a page says where there is nothing to read; of what its author has withdrawn there never is.
fn why_no_text(view: &PublicCase) -> Option<&'static str> {
    let said = [&view.body, &view.demand, &view.details];
    if said.iter().any(|text| !text.trim().is_empty()) {
        return None;
    }
    let withdrawn = view.outcome() == Outcome::Withdrawn;
    Some(if withdrawn { "desk-text-withdrawn" } else { "desk-no-text" })
}

/// Whoever began with an older state of the case is told so, whatever else there is to tell.
pub(super) fn if_changed(v: &Visit, f: Faults, wish: &Wish, case: &Case) -> Faults {
    let changed = !wish.etag.is_empty() && wish.etag != case.etag;
    if changed && f.whole.is_none() { Faults::whole(v.t("desk-changed")) } else { f }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_follows_the_state() {
        let may = |accept, reply, transfer, close, only_duplicate| May {
            accept,
            reply,
            transfer,
            close,
            only_duplicate,
        };
        for (state, expected) in [
            (CaseState::Assigned, may(true, true, true, true, true)),
            (CaseState::Accepted, may(false, true, true, true, true)),
            (CaseState::Replied, may(false, true, false, true, false)),
            (CaseState::Closed, may(false, false, false, false, false)),
        ] {
            assert_eq!(May::of(state), expected, "{state:?}");
        }
    }
}
