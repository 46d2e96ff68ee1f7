//! What an author can do: mend and send again, appeal, rate, withdraw.

use std::sync::Arc;

use axum::{
    Form,
    extract::{FromRequestParts, Path},
    response::Response,
};
use http::{StatusCode, request::Parts};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    intake::v1::{ResubmitMessageRequest, WithdrawMessageRequest},
    moderation::v1::AppealDecisionRequest,
    routing::v1::{
        AskFollowUpRequest, ObjectToGroupingRequest, RateReplyRequest, ResumeCaseRequest,
    },
};
use serde::Deserialize;

use super::{
    ask_for_proof,
    author::{Author, author},
    view::{Chosen, Typed, show},
};
use crate::{
    app::App,
    error::Error,
    page::see,
    pages::{RECEIPT, faults::Faults, message::Text},
    visit::Visit,
};

/// A mended text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Mended {
    request_id: String,
    title: String,
    body: String,
    demand: String,
    details: String,
}

/// An appeal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Appeal {
    request_id: String,
    reason: String,
}

/// A rating.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Marks {
    request_id: String,
    case_id: String,
    reply_id: String,
    resolution: String,
    attitude: String,
    speed: String,
}

/// A wish to withdraw.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    request_id: String,
}

/// More was told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    request_id: String,
    case_id: String,
}

/// A wish for another answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AskOn {
    request_id: String,
    case_id: String,
    reply_id: String,
    ground: String,
}

/// Whoever does what is the author's alone. Who has not shown to be that is asked for it first, and what
/// they typed is kept for then.
pub(super) struct Acting {
    v: Visit,
    number: String,
    author: Author,
}

impl FromRequestParts<Arc<App>> for Acting {
    type Rejection = Result<Response, Error>;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<App>,
    ) -> Result<Self, Self::Rejection> {
        let v = Visit::from_request_parts(parts, app).await.map_err(Err)?;
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(number) = path.map_err(|_| Err(Error::NotFound))?;
        match author(&v, &number, "").await {
            Ok(author) => Ok(Self { v, number, author }),
            Err(Error::ProofMissing) => Err(ask_for_proof(v, &number)),
            Err(error) => Err(Err(error)),
        }
    }
}

/// Shows the page again with what went wrong, and with what was typed.
async fn again(v: Visit, author: Author, typed: Typed, error: Error) -> Result<Response, Error> {
    let faults = Faults::of(&error, v.locale(), |field| match field {
        "reason" => "appeal".to_owned(),
        "ground" => "follow-up".to_owned(),
        other => other.to_owned(),
    });
    let status = match error.class() {
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    show(v, author, typed, faults, status).await
}

pub(super) async fn resubmit(
    Acting { v, number, author }: Acting,
    Form(mended): Form<Mended>,
) -> Result<Response, Error> {
    let lines = |text: &str| text.replace("\r\n", "\n");
    let typed = Text {
        title: mended.title,
        body: lines(&mended.body),
        demand: lines(&mended.demand),
        details: lines(&mended.details),
    };
    let request = ResubmitMessageRequest {
        message_id: author.message.message_id.clone(),
        request_id: mended.request_id,
        title: typed.title.clone(),
        body: typed.body.clone(),
        demand: typed.demand.clone(),
        details: typed.details.clone(),
    };
    let request = v.call_as(&author.token, request);
    match v.app().backend.intake().resubmit_message(request).await {
        Ok(_) => done(&v, &number, "mine-resubmitted"),
        Err(status) => {
            let typed = Typed { text: Some(typed), ..Typed::default() };
            again(v, author, typed, status.into()).await
        }
    }
}

pub(super) async fn appeal(
    Acting { v, number, author }: Acting,
    Form(appeal): Form<Appeal>,
) -> Result<Response, Error> {
    let reason = appeal.reason.replace("\r\n", "\n");
    let request = AppealDecisionRequest {
        message_id: author.message.message_id.clone(),
        reason: reason.clone(),
        request_id: appeal.request_id,
    };
    let request = v.call_as(&author.token, request);
    match v.app().backend.reviews().appeal_decision(request).await {
        Ok(_) => done(&v, &number, "appeal-done"),
        Err(status) => {
            let typed = Typed { reason, ..Typed::default() };
            again(v, author, typed, status.into()).await
        }
    }
}

pub(super) async fn rate(
    Acting { v, number, author }: Acting,
    Form(marks): Form<Marks>,
) -> Result<Response, Error> {
    let mark = |text: &str| text.parse::<u32>().ok().filter(|mark| (1..=5).contains(mark));
    let given = [&marks.resolution, &marks.attitude, &marks.speed].map(|text| mark(text));
    let chosen =
        Chosen { reply_id: marks.reply_id.clone(), marks: given.map(Option::unwrap_or_default) };
    let typed = Typed { chosen: Some(chosen), ..Typed::default() };
    let [Some(resolution), Some(attitude), Some(speed)] = given else {
        let faults = Faults::whole(v.t("rate-incomplete"));
        return show(v, author, typed, faults, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let request = RateReplyRequest {
        case_id: marks.case_id,
        reply_id: marks.reply_id,
        request_id: marks.request_id,
        resolution,
        attitude,
        speed,
        historical: None,
    };
    let request = v.call_as(&author.token, request);
    match v.app().backend.cases().rate_reply(request).await {
        Ok(_) => done(&v, &number, "rate-done"),
        Err(status) => again(v, author, typed, status.into()).await,
    }
}

/// The author has told more: the office goes on.
pub(super) async fn resume(
    Acting { v, number, author }: Acting,
    Form(told): Form<Told>,
) -> Result<Response, Error> {
    let request = ResumeCaseRequest {
        case_id: told.case_id,
        etag: String::new(),
        request_id: told.request_id,
        historical: None,
    };
    let request = v.call_as(&author.token, request);
    match v.app().backend.cases().resume_case(request).await {
        Ok(_) => done(&v, &number, "mine-resumed"),
        Err(status) => again(v, author, Typed::default(), status.into()).await,
    }
}

/// The case is to be handled alone.
pub(super) async fn object(
    Acting { v, number, author }: Acting,
    Form(told): Form<Told>,
) -> Result<Response, Error> {
    let request = ObjectToGroupingRequest { case_id: told.case_id, request_id: told.request_id };
    let request = v.call_as(&author.token, request);
    match v.app().backend.problems().object_to_grouping(request).await {
        Ok(_) => done(&v, &number, "common-objected-done"),
        Err(status) => again(v, author, Typed::default(), status.into()).await,
    }
}

pub(super) async fn ask_on(
    Acting { v, number, author }: Acting,
    Form(wish): Form<AskOn>,
) -> Result<Response, Error> {
    let typed = Typed { ground: Some(wish.ground.clone()), ..Typed::default() };
    if wish.ground.is_empty() {
        let text = v.t("follow-up-choose");
        let fields = vec![("follow-up".to_owned(), text.clone())];
        let faults = Faults { fields, ..Faults::whole(text) };
        return show(v, author, typed, faults, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let request = AskFollowUpRequest {
        case_id: wish.case_id,
        etag: String::new(),
        request_id: wish.request_id,
        reply_id: wish.reply_id,
        ground: wish.ground,
        historical: None,
    };
    let request = v.call_as(&author.token, request);
    match v.app().backend.cases().ask_follow_up(request).await {
        Ok(_) => done(&v, &number, "follow-up-done"),
        Err(status) => again(v, author, typed, status.into()).await,
    }
}

pub(super) async fn withdraw(
    Acting { v, number, author }: Acting,
    Form(wish): Form<Wish>,
) -> Result<Response, Error> {
    let request = WithdrawMessageRequest {
        message_id: author.message.message_id.clone(),
        request_id: wish.request_id,
    };
    let request = v.call_as(&author.token, request);
    match v.app().backend.intake().withdraw_message(request).await {
        Ok(_) => done(&v, &number, "withdraw-done"),
        Err(status) => again(v, author, Typed::default(), status.into()).await,
    }
}

/// On a shared machine: this browser forgets that it has shown the code.
pub(super) async fn forget(v: Visit, Path(number): Path<String>) -> Result<Response, Error> {
    v.disprove(&number);
    v.forget(RECEIPT);
    v.notify("mine-forgotten");
    Ok(see("/mine"))
}

fn done(v: &Visit, number: &str, text: &str) -> Result<Response, Error> {
    v.notify(text);
    Ok(see(&format!("/mine/{number}")))
}
