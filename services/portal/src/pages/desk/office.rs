//! Acts for which an office is chosen: giving a case to the one that is competent, giving it back,
//! and asking for help.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, RawQuery},
    response::Response,
    routing::{MethodRouter, get},
};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    routing::v1::{InviteHelperRequest, ReturnCaseRequest, TransferCaseRequest},
};

use super::{
    acts::{explain, kept_for, must_work},
    case::if_changed,
    may::{May, Who},
    theirs::{Own, own_case},
    wish::Wish,
};
use crate::{
    app::App,
    error::Error,
    page::{Keep, page_with, see},
    pages::{
        cards::{Heading, heading},
        faults::Faults,
        find_office::{Found, find, near},
    },
    visit::Visit,
};

/// What an office is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// The case is given to it.
    Transfer,
    /// It is named as the right one by whoever gives the case back.
    Return,
    /// It is asked to help.
    Help,
}

/// The names of what a page says.
#[derive(Debug)]
struct Words {
    title: &'static str,
    lead: &'static str,
    office: &'static str,
    reason: &'static str,
    hint: &'static str,
    late: &'static str,
    back: &'static str,
    done: &'static str,
}

impl Goal {
    /// The last part of its address.
    fn code(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Return => "return",
            Self::Help => "help",
        }
    }

    fn words(self) -> &'static Words {
        match self {
            Self::Transfer => &Words {
                title: "desk-do-transfer",
                lead: "desk-do-transfer-hint",
                office: "desk-transfer-to",
                reason: "desk-transfer-reason",
                hint: "desk-transfer-reason-hint",
                late: "desk-transfer-late",
                back: "desk-transfer-not",
                done: "desk-transferred",
            },
            Self::Return => &Words {
                title: "desk-do-return",
                lead: "desk-return-rule-of-two",
                office: "desk-return-to",
                reason: "desk-return-rule",
                hint: "desk-return-rule-hint",
                late: "desk-return-late",
                back: "desk-not",
                done: "desk-returned",
            },
            Self::Help => &Words {
                title: "desk-do-help",
                lead: "desk-do-help-hint",
                office: "desk-help-by",
                reason: "desk-help-reason",
                hint: "desk-help-reason-hint",
                late: "desk-help-late",
                back: "desk-not",
                done: "desk-helper-invited",
            },
        }
    }

    fn is_possible(self, may: &May) -> bool {
        match self {
            Self::Transfer => may.transfer,
            Self::Return => may.give_back,
            Self::Help => may.invite,
        }
    }
}

#[derive(Template)]
#[template(path = "desk_office.html")]
struct Choosing {
    v: Visit,
    goal: Goal,
    w: &'static Words,
    case_id: String,
    number: String,
    heading: Heading,
    office: String,
    /// Whether two offices have given it back, and the one that has it decides.
    referred: bool,
    /// Whether it is too late for it.
    late: bool,
    etag: String,
    offices: Vec<Found>,
    more: bool,
    wish: Wish,
    f: Faults,
}

/// The page of one of them.
pub(super) fn page(goal: Goal) -> MethodRouter<Arc<App>> {
    get(move |v: Visit, id: Path<String>, query: RawQuery| choose(goal, v, id, query))
        .post(move |v: Visit, id: Path<String>, form: Bytes| sent(goal, v, id, form))
}

async fn choose(
    goal: Goal,
    v: Visit,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    must_work(&v)?;
    let wish = Wish::read(&v, query.unwrap_or_default().as_bytes());
    let own = own_case(&v, &id).await?;
    render(goal, v, own, wish, Faults::default(), StatusCode::OK).await
}

async fn sent(
    goal: Goal,
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    must_work(&v)?;
    let mut wish = Wish::read(&v, &form);
    if wish.action != "send" {
        return show(goal, v, &id, wish, Faults::default(), StatusCode::OK).await;
    }
    let Err(error) = order(goal, &v, &id, &wish).await else {
        v.notify(goal.words().done);
        // What was given away is no longer on the desk.
        let stays = goal == Goal::Help;
        return Ok(if stays { see(&format!("/desk/cases/{id}")) } else { see("/desk") });
    };
    if error.class() == Class::Unauthenticated {
        return Err(error);
    }
    match explain(&v, &mut wish, &error) {
        Some((f, status)) => show(goal, v, &id, wish, f, status).await,
        None => kept_for(v, "", wish, error),
    }
}

async fn order(goal: Goal, v: &Visit, id: &str, wish: &Wish) -> Result<(), Error> {
    let wish = wish.clone();
    let (case_id, etag, request_id) = (id.to_owned(), wish.etag, wish.request_id);
    let (office_id, reason, historical) = (wish.office_id, wish.reason, None);
    let mut cases = v.app().backend.cases();
    match goal {
        Goal::Transfer => {
            let ask =
                TransferCaseRequest { case_id, etag, request_id, office_id, reason, historical };
            cases.transfer_case(v.call(ask)).await.map(|_| ())?;
        }
        Goal::Return => {
            let rule = reason;
            let ask = ReturnCaseRequest { case_id, etag, request_id, office_id, rule, historical };
            cases.return_case(v.call(ask)).await.map(|_| ())?;
        }
        Goal::Help => {
            let ask =
                InviteHelperRequest { case_id, etag, request_id, office_id, reason, historical };
            cases.invite_helper(v.call(ask)).await.map(|_| ())?;
        }
    }
    Ok(())
}

async fn show(
    goal: Goal,
    v: Visit,
    id: &str,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    match own_case(&v, id).await {
        Ok(own) => render(goal, v, own, wish, f, status).await,
        Err(error) => kept_for(v, &format!("/desk/cases/{id}/{}", goal.code()), wish, error),
    }
}

async fn render(
    goal: Goal,
    v: Visit,
    own: Own,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let may = May::of(&own.case, &own.view, Who::of(v.signed_in()?, &own), v.now());
    let Own { case, view, .. } = own;
    let names = v.app().directory.names([view.office_id.as_str()], []).await;
    let (mut offices, more) = if wish.q.trim().is_empty() {
        (near(&v, &view.office_id).await, false)
    } else {
        find(&v, &wish.q).await
    };
    // The office that has it can't get it, and whoever helps already is not asked again.
    let helps = |id: &String| goal == Goal::Help && view.helper_office_ids.contains(id);
    offices.retain(|it| it.office_id != view.office_id && !helps(&it.office_id));
    if !wish.office_id.is_empty() && offices.iter().all(|it| it.office_id != wish.office_id) {
        offices.extend(Found::of(&v, &wish.office_id).await);
    }
    let private = case.visibility() == Visibility::Private;
    let template = Choosing {
        f: if_changed(&v, f, &wish, &case),
        late: !goal.is_possible(&may),
        office: names.office(&view.office_id),
        referred: case.referred && goal == Goal::Transfer,
        etag: case.etag,
        heading: heading(&v, &view.title, &view.number, private),
        case_id: view.case_id,
        number: view.number,
        offices,
        more,
        wish,
        w: goal.words(),
        goal,
        v,
    };
    page_with(&template, status, Keep::Never)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::WORDS;

    #[test]
    fn every_goal_has_its_words() {
        for goal in [Goal::Transfer, Goal::Return, Goal::Help] {
            let w = goal.words();
            for name in [w.title, w.lead, w.office, w.reason, w.hint, w.late, w.back, w.done] {
                assert_ne!(WORDS.text("en", name, &[]), name, "{goal:?}");
            }
        }
    }
}
