//! One case on the desk: what was written, where it stands, and what can be done now.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome, PublicCase, Visibility},
    routing::v1::Case,
};

use super::{
    may::{May, Who},
    notices::{self, Line},
    theirs::{Own, own_case},
    wish::{MOST_PROMISES, OUTCOMES, Wish},
};
use crate::{
    error::Error,
    format::{When, day_of},
    page::{Keep, page_with, see},
    pages::{
        cards::{Card, Heading, heading},
        faults::Faults,
        files::{self, Row},
        message::{Promised, Shown, names, shown},
        search::{Choice, choice},
        similar::{self, Wanted},
    },
    visit::Visit,
};

/// Which of the forms on the page was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    None,
    Accept,
    Reply,
    Resume,
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
    /// Why the person does not work on it, the name of a text.
    reads_only: Option<&'static str>,
    /// Whether two offices have given it back, and the one that has it decides.
    referred: bool,
    /// Since when it is watched.
    supervised: Option<When>,
    /// The version of the model that told its domain; 0 if its author chose it.
    suggested_by: u32,
    /// What the author was asked, while the office waits.
    question: String,
    today: String,
    wish: Wish,
    which: Which,
    outcomes: Vec<Choice>,
    notices: Vec<Line>,
    /// The files of the message; `None` while they can't be asked for.
    files: Option<Vec<Row>>,
    /// What was answered to others before.
    similar: Vec<Card>,
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

    fn resume_id(&self) -> String {
        self.request_id(Which::Resume)
    }

    fn close_id(&self) -> String {
        self.request_id(Which::Close)
    }

    /// Whether another promise may be added.
    fn more_promises(&self) -> bool {
        self.wish.promises.len() < MOST_PROMISES
    }

    /// What is promised and not settled.
    fn open_promises(&self) -> Vec<&Promised> {
        self.m.answers.iter().flat_map(|it| &it.promises).filter(|it| it.open).collect()
    }
}

pub(super) async fn case(v: Visit, Path(id): Path<String>) -> Result<Response, Error> {
    let own = own_case(&v, &id).await?;
    let wish = Wish::default();
    render(v, own, (Which::None, wish), Faults::default(), StatusCode::OK).await
}

/// The address of a form, opened by itself.
pub(super) async fn back(Path(id): Path<String>) -> Response {
    let id = url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
    see(&format!("/desk/cases/{id}"))
}

pub(super) async fn render(
    v: Visit,
    own: Own,
    (which, wish): (Which, Wish),
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let who = Who::of(v.signed_in()?, &own);
    let may = May::of(&own.case, &own.view, who, v.now());
    let reads_only = match (own.helps, who.works) {
        (true, _) => Some("desk-helps"),
        (false, false) => Some("desk-reads-only"),
        (false, true) => None,
    };
    let Own { case, view, .. } = own;
    let state = view.state();
    let said = [&view.body, &view.demand, &view.details].map(|text| text.trim());
    let wanted = Wanted {
        title: view.title.clone(),
        body: said.join("\n").trim().to_owned(),
        without_case_id: view.case_id.clone(),
        ..Wanted::default()
    };
    let similar = Box::pin(async {
        let answers = may.reply && !(wanted.title.is_empty() && wanted.body.is_empty());
        if answers { similar::similar(&v, wanted).await } else { Vec::new() }
    });
    let (names, notices, files, similar) = futures::join!(
        names(&v, &view),
        notices::of_case(&v, &view.case_id),
        files::of_case(&v, &view.number, &view.case_id),
        similar,
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
        m: shown(&v, view, &names, &case.assigned_by),
        may,
        reads_only,
        referred: case.referred && state != CaseState::Closed,
        supervised: v.day(case.supervised_at.as_ref()),
        suggested_by: case.suggested_by,
        question: case.question,
        today: day_of(v.now()).to_string(),
        wish,
        which,
        notices,
        files,
        similar,
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
