//! Answering: with promises that have a day, and with a look at what the gate says before it is sent.

use askama::Template;
use axum::{body::Bytes, extract::Path, response::Response};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    routing::v1::{CheckReplyRequest, CheckReplyResponse, ReplyToCaseRequest},
};

use super::{
    acts::{done, explain, kept, must_work, refused, show},
    case::Which,
    theirs::own_case,
    wish::{Draft, MOST_PROMISES, Wish},
};
use crate::{
    error::Error,
    format::When,
    page::{Keep, page_with},
    pages::{
        cards::{Heading, heading},
        faults::Faults,
    },
    visit::Visit,
};

/// What the gate says of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    /// Nearly the same as another reply of the office; whether it is stopped.
    Alike(bool),
    /// Shares nothing with the question; whether it is stopped.
    Unrelated(bool),
    /// Nobody can tell now.
    Away,
}

impl Verdict {
    fn of(told: &CheckReplyResponse) -> Self {
        match told.verdict.as_str() {
            "pass" => Self::Pass,
            "alike" => Self::Alike(told.stopped),
            "unrelated" => Self::Unrelated(told.stopped),
            _ => Self::Away,
        }
    }

    /// Whether the reply is only sent with a reason.
    fn stops(self) -> bool {
        matches!(self, Self::Alike(true) | Self::Unrelated(true))
    }

    /// Whether the office should look at it again.
    fn warns(self) -> bool {
        matches!(self, Self::Alike(_) | Self::Unrelated(_))
    }

    /// The name of its text.
    fn word(self) -> &'static str {
        match self {
            Self::Pass => "desk-gate-pass",
            Self::Alike(true) => "desk-gate-alike",
            Self::Alike(false) => "desk-gate-alike-look",
            Self::Unrelated(true) => "desk-gate-unrelated",
            Self::Unrelated(false) => "desk-gate-unrelated-look",
            Self::Away => "desk-gate-away",
        }
    }
}

/// A promise as the preview shows it.
struct Promised<'a> {
    /// The day, in words where it is one.
    day: Option<When>,
    row: &'a Draft,
}

#[derive(Template)]
#[template(path = "desk_reply.html")]
struct Preview {
    v: Visit,
    case_id: String,
    heading: Heading,
    office: String,
    private: bool,
    length: usize,
    verdict: Verdict,
    wish: Wish,
}

impl Preview {
    fn promises(&self) -> Vec<Promised<'_>> {
        let day = |row: &Draft| {
            let date = row.due.trim().parse().ok()?;
            Some(When { iso: row.due.clone(), text: self.v.date(date) })
        };
        self.wish.promises.iter().map(|row| Promised { day: day(row), row }).collect()
    }
}

pub(super) async fn reply(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    must_work(&v)?;
    let mut wish = Wish::read(&v, &form);
    match wish.action.as_str() {
        "preview" => return preview(v, &id, wish).await,
        "promise" => {
            if wish.promises.len() < MOST_PROMISES {
                wish.promises.push(Draft::default());
            }
            return show(v, &id, Which::Reply, wish, Faults::default(), StatusCode::OK).await;
        }
        "edit" => return show(v, &id, Which::Reply, wish, Faults::default(), StatusCode::OK).await,
        _ => {}
    }
    let request = v.call(ReplyToCaseRequest {
        case_id: id.clone(),
        etag: wish.etag.clone(),
        request_id: wish.request_id.clone(),
        body: wish.body.clone(),
        historical: None,
        override_reason: wish.reason.clone(),
        promises: wish.promises(),
    });
    match v.app().backend.cases().reply_to_case(request).await {
        Ok(_) => Ok(done(&v, &id, "desk-replied")),
        Err(status) => refused(v, &id, Which::Reply, wish, status.into()).await,
    }
}

async fn preview(v: Visit, id: &str, mut wish: Wish) -> Result<Response, Error> {
    let own = match own_case(&v, id).await {
        Ok(own) => own,
        Err(error) => return kept(v, id, Which::Reply, wish, error),
    };
    let verdict = match check(&v, id, &wish).await {
        Ok(verdict) => verdict,
        Err(error) => {
            // What the gate can't even read is shown where it was typed.
            return match explain(&v, &mut wish, &error) {
                Some((f, status)) => show(v, id, Which::Reply, wish, f, status).await,
                None => kept(v, id, Which::Reply, wish, error),
            };
        }
    };
    let view = own.view;
    let names = v.app().directory.names([view.office_id.as_str()], []).await;
    let private = own.case.visibility() == Visibility::Private;
    let template = Preview {
        heading: heading(&v, &view.title, &view.number, private),
        private,
        office: names.office(&view.office_id),
        length: unicode_segmentation::UnicodeSegmentation::graphemes(wish.body.as_str(), true)
            .count(),
        case_id: view.case_id,
        verdict,
        wish,
        v,
    };
    page_with(&template, StatusCode::OK, Keep::Never)
}

/// Asks the gate. A preview is given without its word while it is away.
///
/// # Errors
/// What is wrong with the text.
async fn check(v: &Visit, id: &str, wish: &Wish) -> Result<Verdict, Error> {
    let ask = CheckReplyRequest { case_id: id.to_owned(), body: wish.body.clone() };
    let answer = v.app().backend.cases().check_reply(v.call(ask)).await;
    match answer.map_err(Error::from) {
        Ok(answer) => Ok(Verdict::of(&answer.into_inner())),
        Err(error) if matches!(error.class(), Class::Invalid | Class::Unauthenticated) => {
            Err(error)
        }
        Err(error) => {
            tracing::debug!(%error, "a reply is shown without the word of the gate");
            Ok(Verdict::Away)
        }
    }
}
