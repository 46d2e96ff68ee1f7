//! What a moderator does with a review. Whatever comes of it, nothing typed is lost.

use axum::{body::Bytes, extract::Path, response::Response};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::moderation::v1::{
    ClaimReviewRequest, DecideAppealRequest, DecideReviewRequest, Decline, MarkAccusationRequest,
    Publish, RedactMessageRequest, ReleaseReviewRequest, RenewClaimRequest, Return, ReviewState,
    ReviewText, Uphold, decide_appeal_request::Outcome, decide_review_request::Decision,
};

use super::{
    ROLES,
    message::{read, render},
    wish::{Decided, Wish},
    words,
};
use crate::{error::Error, page::see, pages::faults::Faults, visit::Visit};

/// Takes the oldest review that nobody holds.
pub(super) async fn take(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let request_id = Wish::read(&v, &form).request_id;
    let request = v.call(ClaimReviewRequest { message_id: String::new(), request_id });
    let answer = v.app().backend.reviews().claim_review(request).await?.into_inner();
    Ok(match answer.review {
        Some(review) => see(&format!("/review/{}", review.message_id)),
        None => {
            v.notify("review-queue-empty");
            see("/review")
        }
    })
}

/// Takes this one.
pub(super) async fn claim(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let wish = Wish::read(&v, &form);
    match claim_it(&v, &id, &wish).await {
        Ok(()) => Ok(see(&format!("/review/{id}"))),
        Err(error) => {
            let f = Faults::whole(error.text(v.locale()));
            show(v, &id, wish, f, error).await
        }
    }
}

async fn claim_it(v: &Visit, id: &str, wish: &Wish) -> Result<(), Error> {
    let (message_id, request_id) = (id.to_owned(), wish.request_id.clone());
    let request = v.call(ClaimReviewRequest { message_id, request_id });
    v.app().backend.reviews().claim_review(request).await?;
    Ok(())
}

/// Gives it back to the queue.
pub(super) async fn release(v: Visit, Path(id): Path<String>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let request = v.call(ReleaseReviewRequest { message_id: id });
    match v.app().backend.reviews().release_review(request).await.map_err(Error::from) {
        // It is not held any more, which is what was wanted.
        Err(error) if !error.is("REVIEW_NOT_CLAIMED") => Err(error),
        Ok(_) | Err(_) => {
            v.notify("review-released");
            Ok(see("/review"))
        }
    }
}

/// Whatever is done with the form of a review: some buttons only change what it shows.
pub(super) async fn sent(v: Visit, Path(id): Path<String>, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let wish = Wish::read(&v, &form);
    match wish.action.as_str() {
        "decide" => decide(v, &id, wish).await,
        "renew" => renew(v, &id, wish).await,
        "claim" => claim_again(v, &id, wish).await,
        "accuse" => accuse(v, &id, wish).await,
        "tell" => {
            let wish = with_usual_words(&v, wish).await;
            again(v, &id, wish, Faults::default()).await
        }
        _ => again(v, &id, wish, Faults::default()).await,
    }
}

/// The form once more, as it was filled in.
async fn again(v: Visit, id: &str, wish: Wish, f: Faults) -> Result<Response, Error> {
    let (review, text) = read(&v, id).await?;
    let preview = wish.action == "preview";
    let changed = !wish.etag.is_empty() && wish.etag != review.etag;
    let f = if f.whole.is_some() {
        f
    } else if changed {
        Faults::whole(v.t("review-changed"))
    } else {
        if_missing(&v, &wish, &text)
    };
    let status = if f.whole.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    render(v, review, text, wish, preview, f, status).await
}

/// The form once more with what went wrong.
async fn show(v: Visit, id: &str, wish: Wish, f: Faults, error: Error) -> Result<Response, Error> {
    let status = match error.class() {
        Class::Unauthenticated => return Err(error),
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    let (review, text) = read(&v, id).await?;
    render(v, review, text, wish, false, f, status).await
}

async fn renew(v: Visit, id: &str, wish: Wish) -> Result<Response, Error> {
    let request = v.call(RenewClaimRequest { message_id: id.to_owned() });
    match v.app().backend.reviews().renew_claim(request).await.map_err(Error::from) {
        Ok(_) => again(v, id, wish, Faults::default()).await,
        Err(error) => {
            let f = Faults::whole(error.text(v.locale()));
            show(v, id, wish, f, error).await
        }
    }
}

/// Takes a review again whose lease has ended while its moderator was writing.
async fn claim_again(v: Visit, id: &str, mut wish: Wish) -> Result<Response, Error> {
    match claim_it(&v, id, &wish).await {
        Ok(()) => {
            wish.request_id = v.new_id();
            let (review, _) = read(&v, id).await?;
            wish.etag = review.etag;
            again(v, id, wish, Faults::default()).await
        }
        Err(error) => {
            let f = Faults::whole(error.text(v.locale()));
            show(v, id, wish, f, error).await
        }
    }
}

/// Writes what an author is usually told on the ground, unless something else was written.
async fn with_usual_words(v: &Visit, mut wish: Wish) -> Wish {
    let grounds = v.app().directory.grounds().await.unwrap_or_default();
    if wish.ground.is_empty() {
        wish.ground = wish.template.split(':').next().unwrap_or_default().to_owned();
    }
    if words::is_usual(&wish.explanation, &grounds) {
        wish.explanation = words::explanation(&grounds, &wish.ground, &wish.template);
    }
    wish
}

/// Words that were typed to be left out and stand nowhere: probably a slip.
fn if_missing(v: &Visit, wish: &Wish, text: &ReviewText) -> Faults {
    let Some(words) = wish.missing(text) else { return Faults::default() };
    at(v, "words", v.t1("review-words-missing", "words", words))
}

/// One field is wrong.
fn at(v: &Visit, id: &str, text: String) -> Faults {
    let mut f = Faults::whole(v.t("review-not-decided"));
    f.fields.push((id.to_owned(), text));
    f
}

async fn decide(v: Visit, id: &str, wish: Wish) -> Result<Response, Error> {
    let (review, text) = read(&v, id).await?;
    let f = if_missing(&v, &wish, &text);
    let appealed = review.state() == ReviewState::Appealed;
    let decision = if f.whole.is_some() { Err(f) } else { chosen(&v, &wish, &text, appealed) };
    let decision = match decision {
        Ok(decision) => decision,
        Err(f) => {
            let wish = with_usual_words(&v, wish).await;
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return render(v, review, text, wish, false, f, status).await;
        }
    };
    let sent = match decision {
        Chosen::Decision(decision) => {
            let request = v.call(DecideReviewRequest {
                message_id: id.to_owned(),
                etag: wish.etag.clone(),
                request_id: wish.request_id.clone(),
                decision: Some(decision),
                accused_office_ids: wish.accused.clone(),
            });
            v.app().backend.reviews().decide_review(request).await.map(drop)
        }
        Chosen::Outcome(outcome) => {
            let request = v.call(DecideAppealRequest {
                message_id: id.to_owned(),
                etag: wish.etag.clone(),
                request_id: wish.request_id.clone(),
                explanation: wish.explanation.clone(),
                outcome: Some(outcome),
                accused_office_ids: wish.accused.clone(),
            });
            v.app().backend.reviews().decide_appeal(request).await.map(drop)
        }
    };
    match sent.map_err(Error::from) {
        Ok(()) => {
            v.notify("review-decided");
            Ok(see("/review"))
        }
        Err(error) => refused(v, id, wish, error).await,
    }
}

/// Marks whom the message accuses, and leaves it to a senior moderator.
async fn accuse(v: Visit, id: &str, wish: Wish) -> Result<Response, Error> {
    let request = v.call(MarkAccusationRequest {
        message_id: id.to_owned(),
        etag: wish.etag.clone(),
        accused_office_ids: wish.accused.clone(),
        request_id: wish.request_id.clone(),
    });
    match v.app().backend.reviews().mark_accusation(request).await.map_err(Error::from) {
        Ok(_) => {
            v.notify("review-accusation-marked");
            Ok(see("/review"))
        }
        Err(error) => refused(v, id, wish, error).await,
    }
}

async fn refused(v: Visit, id: &str, mut wish: Wish, error: Error) -> Result<Response, Error> {
    let mut f = Faults::of(&error, v.locale(), id_of);
    if error.is("ETAG_MISMATCH") {
        f.whole = Some(v.t("review-changed"));
        f.passes = false;
    } else if error.class() == Class::Exists {
        wish.request_id = v.new_id();
    }
    show(v, id, wish, f, error).await
}

/// The id of the element of a field, as moderation calls the field.
fn id_of(field: &str) -> String {
    let name = field.split_once('.').map_or(field, |(_, name)| name);
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    match name {
        "redactions" | "spans" => "redact".to_owned(),
        "accused_office_ids" => "accused".to_owned(),
        other => other.to_owned(),
    }
}

/// What is decided: on what is held, or on an appeal.
enum Chosen {
    Decision(Decision),
    Outcome(Outcome),
}

/// What is decided, or what is missing for it.
fn chosen(v: &Visit, wish: &Wish, text: &ReviewText, appealed: bool) -> Result<Chosen, Faults> {
    let decided = wish.decided();
    let decided = decided.ok_or_else(|| at(v, "decision", v.t("review-choose-decision")))?;
    let spans = wish.spans(text);
    let publish = match decided {
        Decided::Publish if !spans.is_empty() => {
            return Err(at(v, "decision", v.t("review-publish-whole-or-not")));
        }
        Decided::Redacted if spans.is_empty() => {
            return Err(at(v, "decision", v.t("review-nothing-to-redact")));
        }
        Decided::Publish | Decided::Redacted => Some(Publish { redactions: spans }),
        Decided::Uphold if appealed => {
            explained(v, wish)?;
            return Ok(Chosen::Outcome(Outcome::Uphold(Uphold {})));
        }
        Decided::Decline if !appealed => None,
        Decided::Return => None,
        Decided::Uphold | Decided::Decline => {
            return Err(at(v, "decision", v.t("review-choose-decision")));
        }
    };
    if appealed || publish.is_none() {
        explained(v, wish)?;
    }
    if let Some(publish) = publish {
        return Ok(if appealed {
            Chosen::Outcome(Outcome::Publish(publish))
        } else {
            Chosen::Decision(Decision::Publish(publish))
        });
    }
    if wish.ground.is_empty() {
        return Err(at(v, "ground", v.t("review-choose-ground")));
    }
    let spans = wish.meant(text);
    if spans.is_empty() {
        return Err(at(v, "redact", v.t("review-choose-words")));
    }
    let (ground, explanation) = (wish.ground.clone(), wish.explanation.clone());
    Ok(match (decided, appealed) {
        (Decided::Return, false) => {
            Chosen::Decision(Decision::Return(Return { ground, explanation, spans }))
        }
        (Decided::Return, true) => {
            Chosen::Outcome(Outcome::Return(Return { ground, explanation, spans }))
        }
        _ => Chosen::Decision(Decision::Decline(Decline { ground, explanation, spans })),
    })
}

/// An author is told why.
fn explained(v: &Visit, wish: &Wish) -> Result<(), Faults> {
    // The ground comes first: it may bring the usual words along.
    let refuses = matches!(wish.decided(), Some(Decided::Return | Decided::Decline));
    if refuses && wish.ground.is_empty() {
        return Err(at(v, "ground", v.t("review-choose-ground")));
    }
    if wish.explanation.trim().is_empty() {
        return Err(at(v, "explanation", v.t("review-explain")));
    }
    Ok(())
}

/// Takes further words out of what was published.
pub(super) async fn redact(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let wish = Wish::read(&v, &form);
    let (review, text) = read(&v, &id).await?;
    let mut f = if_missing(&v, &wish, &text);
    let redactions = wish.spans(&text);
    if f.whole.is_none() && redactions.is_empty() {
        f = at(&v, "words", v.t("review-nothing-to-redact"));
    }
    if f.whole.is_some() || wish.action == "preview" {
        let whole = f.whole.is_some();
        let status = if whole { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        return render(v, review, text, wish, true, f, status).await;
    }
    let request_id = wish.request_id.clone();
    let request = v.call(RedactMessageRequest { message_id: id.clone(), redactions, request_id });
    match v.app().backend.reviews().redact_message(request).await.map_err(Error::from) {
        Ok(_) => {
            v.notify("review-redacted");
            Ok(see(&format!("/review/{id}")))
        }
        Err(error) => refused(v, &id, wish, error).await,
    }
}
