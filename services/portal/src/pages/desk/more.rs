//! What is seldom done with a case: each act has a page of its own.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Bytes,
    extract::Path,
    response::Response,
    routing::{MethodRouter, get},
};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::{Promise, PromiseState, PublicCase, Visibility},
    identity::v1::Role,
    routing::v1::{
        CorrectReplyRequest, ExtendDeadlineRequest, KeepPromiseRequest, PauseCaseRequest,
        ReopenCaseRequest, SuperviseCaseRequest,
    },
};
use serde::Deserialize;

use super::{
    ROLES,
    acts::{done, explain, kept_for},
    case::if_changed,
    may::{May, Who},
    theirs::{Own, own_case},
    wish::Wish,
};
use crate::{
    app::App,
    error::Error,
    page::{Keep, page_with},
    pages::{
        cards::{Heading, heading},
        deadline::{self, Deadline},
        faults::Faults,
        message::{Promised, promised},
    },
    visit::Visit,
};

/// Something that is seldom done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Waiting for the author.
    Pause,
    /// Taking more time.
    Extend,
    /// Working again on what was answered.
    Reopen,
    /// Watching.
    Supervise,
    /// Mending the text of a reply.
    Correct,
    /// Saying that a promise is kept.
    Keep,
}

/// The names of what a page says.
#[derive(Debug)]
struct Words {
    title: &'static str,
    lead: &'static str,
    label: &'static str,
    hint: &'static str,
    late: &'static str,
    done: &'static str,
}

const fn words(
    title: &'static str,
    lead: &'static str,
    label: &'static str,
    hint: &'static str,
    done: &'static str,
) -> Words {
    Words { title, lead, label, hint, late: "desk-not-now", done }
}

const PAUSE: Words = words(
    "desk-do-pause",
    "desk-do-pause-hint",
    "desk-pause-question",
    "desk-pause-question-hint",
    "desk-paused",
);
const EXTEND: Words = words(
    "desk-do-extend",
    "desk-do-extend-hint",
    "desk-reason",
    "desk-reason-hint",
    "desk-extended",
);
const REOPEN: Words = words(
    "desk-do-reopen",
    "desk-do-reopen-hint",
    "desk-reason",
    "desk-reason-hint",
    "desk-reopened",
);
const SUPERVISE: Words = words(
    "desk-do-supervise",
    "desk-do-supervise-hint",
    "desk-reason",
    "desk-reason-hint",
    "desk-supervised",
);
const CORRECT: Words = words(
    "desk-do-correct",
    "desk-do-correct-hint",
    "desk-reason",
    "desk-reason-hint",
    "desk-corrected",
);
const KEEP: Words =
    words("desk-do-keep", "desk-do-keep-hint", "desk-keep-how", "desk-reason-hint", "desk-kept");

impl Act {
    fn words(self) -> &'static Words {
        match self {
            Self::Pause => &PAUSE,
            Self::Extend => &EXTEND,
            Self::Reopen => &REOPEN,
            Self::Supervise => &SUPERVISE,
            Self::Correct => &CORRECT,
            Self::Keep => &KEEP,
        }
    }

    /// Who may do it.
    fn roles(self) -> &'static [Role] {
        match self {
            Self::Supervise => &[Role::Supervisor],
            Self::Reopen => &ROLES,
            Self::Pause | Self::Extend | Self::Correct | Self::Keep => &[Role::Clerk],
        }
    }

    fn is_possible(self, may: &May) -> bool {
        match self {
            Self::Pause => may.pause,
            Self::Extend => may.extend,
            Self::Reopen => may.reopen,
            Self::Supervise => may.supervise,
            Self::Correct => may.correct,
            Self::Keep => may.keep,
        }
    }

    /// Its address.
    fn path(self, on: &Named) -> String {
        let Named { id, part } = on;
        match self {
            Self::Pause => format!("/desk/cases/{id}/pause"),
            Self::Extend => format!("/desk/cases/{id}/extend"),
            Self::Reopen => format!("/desk/cases/{id}/reopen"),
            Self::Supervise => format!("/desk/cases/{id}/supervise"),
            Self::Correct => format!("/desk/cases/{id}/replies/{part}/correct"),
            Self::Keep => format!("/desk/cases/{id}/promises/{part}/kept"),
        }
    }
}

/// What an address names: a case, and a reply or a promise of it.
#[derive(Debug, Clone, Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    part: String,
}

#[derive(Template)]
#[template(path = "desk_act.html")]
struct Doing {
    v: Visit,
    act: Act,
    w: &'static Words,
    path: String,
    case_id: String,
    number: String,
    heading: Heading,
    /// Whether it can't be done now.
    late: bool,
    etag: String,
    /// The deadline that is to move.
    deadline: Option<Deadline>,
    /// The promise that is kept.
    promise: Option<Promised>,
    wish: Wish,
    f: Faults,
}

impl Doing {
    /// The id and the name of the field in which the text is typed.
    fn field(&self) -> &'static str {
        if self.act == Act::Pause { "question" } else { "reason" }
    }

    fn typed(&self) -> &str {
        if self.act == Act::Pause { &self.wish.question } else { &self.wish.reason }
    }
}

/// The page of one of them.
pub(super) fn page(act: Act) -> MethodRouter<Arc<App>> {
    get(move |v: Visit, on: Path<Named>| ask(act, v, on))
        .post(move |v: Visit, on: Path<Named>, form: Bytes| sent(act, v, on, form))
}

async fn ask(act: Act, v: Visit, Path(on): Path<Named>) -> Result<Response, Error> {
    v.with_role(act.roles())?;
    let own = own_case(&v, &on.id).await?;
    let mut wish = Wish::read(&v, b"");
    if act == Act::Correct {
        let reply = own.view.replies.iter().find(|reply| reply.reply_id == on.part);
        wish.body.clone_from(&reply.ok_or(Error::NotFound)?.body);
    }
    if act == Act::Keep && promise_of(&own.view, &on.part).is_none() {
        return Err(Error::NotFound);
    }
    render(act, v, &on, own, wish, Faults::default(), StatusCode::OK)
}

async fn sent(act: Act, v: Visit, Path(on): Path<Named>, form: Bytes) -> Result<Response, Error> {
    v.with_role(act.roles())?;
    let mut wish = Wish::read(&v, &form);
    let Err(error) = order(act, &v, &on, &wish).await else {
        return Ok(done(&v, &on.id, act.words().done));
    };
    if error.class() == Class::Unauthenticated {
        return Err(error);
    }
    let Some((f, status)) = explain(&v, &mut wish, &error) else {
        return kept_for(v, "", wish, error);
    };
    match own_case(&v, &on.id).await {
        Ok(own) => render(act, v, &on, own, wish, f, status),
        Err(error) => kept_for(v, &act.path(&on), wish, error),
    }
}

async fn order(act: Act, v: &Visit, on: &Named, wish: &Wish) -> Result<(), Error> {
    let wish = wish.clone();
    let (case_id, part, historical) = (on.id.clone(), on.part.clone(), None);
    let (etag, request_id, reason) =
        (wish.etag.clone(), wish.request_id.clone(), wish.reason.clone());
    let mut cases = v.app().backend.cases();
    match act {
        Act::Pause => {
            let question = wish.question;
            let ask = PauseCaseRequest { case_id, etag, request_id, question, historical };
            cases.pause_case(v.call(ask)).await.map(|_| ())?;
        }
        Act::Extend => {
            let days = wish.days();
            let ask = ExtendDeadlineRequest { case_id, etag, request_id, days, reason, historical };
            cases.extend_deadline(v.call(ask)).await.map(|_| ())?;
        }
        Act::Reopen => {
            let ask = ReopenCaseRequest { case_id, etag, request_id, reason, historical };
            cases.reopen_case(v.call(ask)).await.map(|_| ())?;
        }
        Act::Supervise => {
            let ask = SuperviseCaseRequest { case_id, etag, request_id, reason };
            cases.supervise_case(v.call(ask)).await.map(|_| ())?;
        }
        Act::Correct => {
            let (reply_id, body) = (part, wish.body);
            let ask = CorrectReplyRequest {
                case_id,
                etag,
                request_id,
                reply_id,
                body,
                reason,
                historical,
            };
            cases.correct_reply(v.call(ask)).await.map(|_| ())?;
        }
        Act::Keep => {
            let promise_id = part;
            let ask =
                KeepPromiseRequest { case_id, etag, request_id, promise_id, reason, historical };
            cases.keep_promise(v.call(ask)).await.map(|_| ())?;
        }
    }
    Ok(())
}

fn promise_of<'a>(view: &'a PublicCase, promise_id: &str) -> Option<&'a Promise> {
    let mut all = view.replies.iter().flat_map(|reply| &reply.promises);
    all.find(|promise| promise.promise_id == promise_id)
}

fn render(
    act: Act,
    v: Visit,
    on: &Named,
    own: Own,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let may = May::of(&own.case, &own.view, Who::of(v.signed_in()?, &own), v.now());
    let Own { case, view, .. } = own;
    let private = case.visibility() == Visibility::Private;
    let promise = promise_of(&view, &on.part);
    let settled = promise.is_some_and(|promise| promise.state() != PromiseState::Open);
    let template = Doing {
        path: act.path(on),
        late: settled || !act.is_possible(&may),
        f: if_changed(&v, f, &wish, &case),
        deadline: deadline::of_case(&v, &view).filter(|_| act == Act::Extend),
        promise: promise.map(|promise| promised(&v, promise)),
        etag: case.etag,
        heading: heading(&v, &view.title, &view.number, private),
        case_id: view.case_id,
        number: view.number,
        wish,
        w: act.words(),
        act,
        v,
    };
    page_with(&template, status, Keep::Never)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::WORDS;

    #[test]
    fn every_act_has_its_words() {
        use Act::{Correct, Extend, Keep, Pause, Reopen, Supervise};
        for act in [Pause, Extend, Reopen, Supervise, Correct, Keep] {
            let w = act.words();
            for name in [w.title, w.lead, w.label, w.hint, w.late, w.done] {
                assert_ne!(WORDS.text("en", name, &[]), name, "{act:?}");
            }
        }
    }
}
