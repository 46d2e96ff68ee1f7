//! A message as its author sees it: where it stands, why, and what can be done.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use liuyan_kit::{
    class::{Class, Classify as _},
    clock,
};
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Visibility},
    intake::v1::{Message, MessageState},
    routing::v1::{Case, GetCaseRequest, GetPartRequest, get_case_request::Name},
};
use serde::Deserialize;

use super::{
    ask_for_proof,
    author::{Author, author},
    decision::{Why, why},
    state_of,
};
use crate::{
    error::Error,
    format::When,
    page::{Keep, page_with},
    pages::{
        cards::State,
        consultations::{self, Asked, Said},
        faults::Faults,
        files::{self, Right, Row},
        message::{self, Answer, Shown, Text},
        search::{Choice, choice},
    },
    visit::Visit,
};

/// What is judged, and the names of its texts.
const SIDES: [(&str, &str); 3] =
    [("resolution", "rate-resolution"), ("attitude", "rate-attitude"), ("speed", "rate-speed")];

/// One of the three judgements.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    /// The mark that was given, 1 to 5; 0 for none yet.
    pub(crate) mark: u32,
}

/// A reply, with what its author may say of it.
#[derive(Debug)]
pub(crate) struct Rated {
    pub(crate) answer: Answer,
    pub(crate) reply_id: String,
    pub(crate) sides: Vec<Side>,
    pub(crate) given: bool,
    /// Until when the rating may be changed.
    pub(crate) until: Option<When>,
    pub(crate) open: bool,
    /// Whether its author may ask on because of it.
    pub(crate) may_ask_on: bool,
}

/// Why an author may ask on, with the names of their texts.
pub(crate) const FOLLOW_UPS: [(&str, &str); 4] = [
    ("not_answered", "follow-up-not-answered"),
    ("not_done", "follow-up-not-done"),
    ("unclear", "follow-up-unclear"),
    ("wrong", "follow-up-wrong"),
];

/// What was typed and not taken.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// A mended text.
    pub(super) text: Option<Text>,
    /// The reason of an appeal.
    pub(super) reason: String,
    /// Why somebody asks on; empty if nothing was chosen, `None` if they don't.
    pub(super) ground: Option<String>,
    /// A rating.
    pub(super) chosen: Option<Chosen>,
}

/// The marks that were chosen for a reply, in the order of [`SIDES`]; 0 for none.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) reply_id: String,
    pub(super) marks: [u32; 3],
}

#[derive(Template)]
#[template(path = "mine_message.html")]
struct Page {
    v: Visit,
    number: String,
    f: Faults,
    /// The text as it was written, or as it was typed just now.
    text: Text,
    office: String,
    kind: String,
    domain: String,
    state: State,
    is_returned: bool,
    is_complaint: bool,
    is_private: bool,
    submitted: Option<When>,
    why: Option<Why>,
    /// The reason of an appeal as it was typed.
    reason: String,
    /// Its files; here they are always known.
    files: Option<Vec<Row>>,
    request_id: String,
    may_withdraw: bool,
    case_id: String,
    /// The office that has it now.
    office_id: String,
    /// The case, once there is one; boxed because a page may have none.
    m: Option<Box<Shown>>,
    is_public: bool,
    replies: Vec<Rated>,
    case_away: bool,
    /// What the office asks, while it waits for the author.
    question: String,
    /// The consultation to which it belongs, and the statements of its result that speak of it; boxed
    /// because most messages belong to none.
    part: Option<Box<Part>>,
    /// Codes and names of the grounds for asking on.
    grounds: Vec<Choice>,
    /// Whether what was asked on was refused, so that the form is shown.
    asks_on: bool,
    /// Whether it is too late to object to being answered with others.
    objection_over: bool,
}

/// What a message became part of.
#[derive(Debug)]
struct Part {
    asked: Asked,
    /// The statements of the result that speak of it.
    said: Vec<Said>,
}

/// What a link may bring.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    id: String,
}

pub(super) async fn view(
    v: Visit,
    Path(number): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, Error> {
    match author(&v, &number, &ask.id).await {
        Ok(author) => show(v, author, Typed::default(), Faults::default(), StatusCode::OK).await,
        Err(Error::ProofMissing) => ask_for_proof(v, &number),
        Err(error) => Err(error),
    }
}

/// The author's page. `typed` is what was not taken, `f` says why.
pub(super) async fn show(
    v: Visit,
    author: Author,
    typed: Typed,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let (case, why) = futures::join!(case(&v, &author), why(&v, &author));
    let asked = case.as_ref().ok().and_then(Option::as_ref).and_then(|it| it.view.as_ref());
    let part = match asked.is_some_and(|view| !view.consultation_id.is_empty()) {
        true => Box::pin(part(&v, &author)).await,
        false => None,
    };
    let case_away = case.is_err();
    let message = author.message;
    let ground = typed.ground.clone().unwrap_or_default();
    let chosen = typed.chosen;
    let office_id = message.office_id.as_str();
    let names = v.app().directory.names([office_id], []).await;
    let (state, kind) = (message.state(), message.kind.clone());
    let mut page = Page {
        number: message.number.clone(),
        f,
        office: names.office(office_id),
        kind: names.kind(v.locale(), &kind),
        domain: names.domain(v.locale(), &message.domain),
        state: state_of(state),
        is_returned: state == MessageState::Returned,
        is_complaint: message.text.as_ref().is_some_and(|text| text.body.is_empty()),
        is_private: message.visibility() == Visibility::Private,
        submitted: v.moment(message.submitted_at.as_ref()),
        why,
        files: Some(files_of(&v, &message)),
        request_id: v.new_id(),
        may_withdraw: may_withdraw(&message),
        reason: typed.reason,
        text: typed.text.unwrap_or_else(|| text_of(message)),
        case_id: String::new(),
        office_id: String::new(),
        m: None,
        is_public: false,
        replies: Vec::new(),
        case_away,
        question: String::new(),
        part: None,
        grounds: FOLLOW_UPS.map(|(code, name)| choice(code, v.t(name), &ground)).into(),
        asks_on: typed.ground.is_some(),
        objection_over: false,
        v,
    };
    if let Ok(Some(case)) = case {
        add_case(&mut page, case).await;
    }
    if let Some(chosen) = chosen {
        let rated = page.replies.iter_mut().find(|it| it.open && it.reply_id == chosen.reply_id);
        for (side, mark) in rated.into_iter().flat_map(|it| &mut it.sides).zip(chosen.marks) {
            side.mark = mark;
        }
    }
    page.part = part;
    page_with(&page, status, Keep::Never)
}

async fn add_case(page: &mut Page, case: Case) {
    let Some(view) = case.view else { return };
    let names = message::names(&page.v, &view).await;
    let replied = !view.replies.is_empty();
    let last = view.replies.last().map(|reply| reply.reply_id.clone());
    let is_answered = matches!(view.state(), CaseState::Replied | CaseState::Closed);
    page.question = case.question;
    let objectable_until = case.objectable_until.as_ref().and_then(clock::from_proto);
    page.objection_over = objectable_until.is_some_and(|until| until < page.v.now());
    page.may_withdraw &= !replied;
    page.case_id.clone_from(&view.case_id);
    page.office_id.clone_from(&view.office_id);
    page.is_public = case.public;
    page.replies = view
        .replies
        .iter()
        .map(|reply| {
            let rating = case.ratings.iter().find(|it| it.reply_id == reply.reply_id);
            let until = rating.and_then(|it| it.changeable_until.as_ref());
            let closed = until.and_then(clock::from_proto).is_some_and(|it| it <= page.v.now());
            let mark = |name: &str| {
                rating.map_or(0, |it| match name {
                    "resolution" => it.resolution,
                    "attitude" => it.attitude,
                    _ => it.speed,
                })
            };
            Rated {
                answer: message::answer(&page.v, reply, &names),
                may_ask_on: is_answered && last.as_ref() == Some(&reply.reply_id),
                reply_id: reply.reply_id.clone(),
                sides: SIDES.map(|(name, label)| Side { name, label, mark: mark(name) }).into(),
                given: rating.is_some(),
                until: page.v.moment(until),
                open: !closed,
            }
        })
        .collect();
    let rule = case.assigned_by.as_str();
    page.m = Some(Box::new(message::shown(&page.v, view, &names, rule)));
}

fn may_withdraw(message: &Message) -> bool {
    match message.state() {
        MessageState::InReview | MessageState::Approved | MessageState::Returned => true,
        MessageState::Unspecified
        | MessageState::Declined
        | MessageState::Withdrawn
        | MessageState::Erased => false,
    }
}

fn files_of(v: &Visit, message: &Message) -> Vec<Row> {
    let files = message.text.as_ref().map_or(&[][..], |text| &text.attachments);
    files::rows(v, &message.number, Right::Own, files)
}

fn text_of(message: Message) -> Text {
    let text = message.text.unwrap_or_default();
    Text { title: text.title, body: text.body, demand: text.demand, details: text.details }
}

/// The case, if there is one yet.
async fn case(v: &Visit, author: &Author) -> Result<Option<Case>, Error> {
    if author.message.state() != MessageState::Approved && author.message.case_id.is_empty() {
        return Ok(None);
    }
    let request = GetCaseRequest { name: Some(Name::MessageId(author.message.message_id.clone())) };
    let answer = v.app().backend.cases().get_case(v.call_as(&author.token, request)).await;
    match answer.map_err(Error::from) {
        Ok(answer) => Ok(answer.into_inner().case),
        Err(error) if error.class() == Class::NotFound => Ok(None),
        Err(error) => {
            tracing::debug!(%error, "the case can't be shown to its author");
            Err(error)
        }
    }
}

/// What became of the message in its consultation; nothing while that can't be asked.
async fn part(v: &Visit, author: &Author) -> Option<Box<Part>> {
    let request = GetPartRequest { message_id: author.message.message_id.clone() };
    let mut client = v.app().backend.consultations();
    let told = client.get_part(v.call_as(&author.token, request)).await.ok()?.into_inner();
    let mut asked = consultations::shown(v, told.consultation?).await;
    let speaks = |place: usize| told.statements.iter().any(|it| *it as usize == place);
    let statements = std::mem::take(&mut asked.statements).into_iter().enumerate();
    let said = statements.filter(|(place, _)| speaks(*place)).map(|(_, said)| said).collect();
    Some(Box::new(Part { asked, said }))
}
