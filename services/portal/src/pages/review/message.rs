//! One message under review: its text with what the rules found, and what can be decided.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    identity::v1::Role,
    moderation::v1::{
        Action, GetReviewRequest, Ground, Hit, PreviewPublicTextRequest, Review, ReviewState,
        ReviewText, Span,
    },
};

use super::{
    ROLES,
    lease::{self, Lease},
    marks::{self, FIELDS, Piece, field_of},
    wish::Wish,
    words,
};
use crate::{
    directory::named,
    error::Error,
    format::When,
    page::{Keep, page_with, see},
    pages::{
        faults::Faults,
        files::{self, Row},
        find_office::{Found, find},
    },
    visit::Visit,
};

/// What can be decided on what is held.
const ON_HELD: [(&str, &str, &str); 4] = [
    ("publish", "review-publish", "review-publish-hint"),
    ("redacted", "review-publish-redacted", "review-publish-redacted-hint"),
    ("return", "review-return", "review-return-hint"),
    ("decline", "review-decline", "review-decline-hint"),
];
/// What can be decided on an appeal.
const ON_APPEAL: [(&str, &str, &str); 4] = [
    ("uphold", "review-uphold", "review-uphold-hint"),
    ("publish", "review-publish", "review-publish-hint"),
    ("redacted", "review-publish-redacted", "review-publish-redacted-hint"),
    ("return", "review-return", "review-return-hint"),
];

/// A part of the text.
#[derive(Debug)]
struct Part {
    label: &'static str,
    pieces: Vec<Marked>,
    /// As the public would read it.
    public: String,
}

/// A piece of a text with what is to be said of it.
#[derive(Debug)]
struct Marked {
    piece: Piece,
    /// The rules in words; empty where there is no mark.
    title: String,
    /// Whether all that is said of it is that it can be left out.
    redact: bool,
}

/// What the rules found in one place.
#[derive(Debug)]
struct Note {
    number: usize,
    code: String,
    excerpt: String,
    rules: String,
    /// Whether leaving it out was proposed.
    proposed: bool,
    checked: bool,
    /// Whether a refusal is about it.
    about: bool,
    span: Span,
}

/// A ground that can be chosen.
#[derive(Debug)]
struct Reason {
    code: String,
    name: String,
    /// What limits it, in words; empty for nothing.
    limit: String,
    disabled: bool,
    chosen: bool,
    /// The usual texts: code, name, and whether it is chosen.
    texts: Vec<(String, String, bool)>,
}

/// What was decided.
#[derive(Debug)]
struct Verdict {
    word: &'static str,
    ground: String,
    explanation: String,
    by_rules: bool,
    when: Option<When>,
}

/// An appeal, and the decision that it is against.
#[derive(Debug)]
struct Appealed {
    ground: String,
    /// What the author was told.
    explanation: String,
    reason: String,
    when: Option<When>,
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    v: Visit,
    id: String,
    number: String,
    etag: String,
    office: String,
    kind: String,
    domain: String,
    private: bool,
    submitted: Option<When>,
    revision: u32,
    lease: Lease,
    parts: Vec<Part>,
    notes: Vec<Note>,
    /// What the rules say of the text as a whole, with the number of a message that it is like.
    whole: Vec<(String, String)>,
    /// Whether the public text is shown.
    preview: bool,
    /// Whether moderation itself told how it looks.
    exact: bool,
    reasons: Vec<Reason>,
    accused: Vec<Found>,
    found: Vec<Found>,
    more: bool,
    verdict: Option<Verdict>,
    /// The appeal that waits.
    appeal: Option<Appealed>,
    /// By when there is to be a decision, and how that stands.
    decide_by: Option<When>,
    due: Option<(&'static str, &'static str)>,
    senior_only: bool,
    /// Whether the moderator may decide what is for senior ones.
    senior: bool,
    /// What can be chosen: code, word, hint.
    choices: &'static [(&'static str, &'static str, &'static str)],
    /// The files of the message; `None` while they can't be asked for.
    files: Option<Vec<Row>>,
    /// Whether words can still be taken out of it.
    published: bool,
    wish: Wish,
    f: Faults,
}

/// A review with its text.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub(super) async fn read(v: &Visit, message_id: &str) -> Result<(Review, ReviewText), Error> {
    v.with_role(&ROLES)?;
    let request = v.call(GetReviewRequest { message_id: message_id.to_owned() });
    match v.app().backend.reviews().get_review(request).await.map_err(Error::from) {
        Ok(answer) => {
            let mut review = answer.into_inner().review.ok_or(Error::NotFound)?;
            let text = review.text.take().unwrap_or_default();
            Ok((review, text))
        }
        Err(error) if matches!(error.class(), Class::NotFound | Class::Invalid) => {
            Err(Error::NotFound)
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn message(v: Visit, Path(message_id): Path<String>) -> Result<Response, Error> {
    let (review, text) = read(&v, &message_id).await?;
    let mut wish = Wish { request_id: v.new_id(), ..Wish::default() };
    // What the rules propose to leave out is chosen at first.
    let proposed = review.hits.iter().filter(|hit| hit.action() == Action::Redact);
    wish.redact = proposed.filter_map(|hit| hit.span.as_ref()).map(marks::code_of).collect();
    wish.accused.clone_from(&review.accused_office_ids);
    render(v, review, text, wish, false, Faults::default(), StatusCode::OK).await
}

/// The address of a form, opened by itself.
pub(super) async fn back(Path(message_id): Path<String>) -> Response {
    let id = url::form_urlencoded::byte_serialize(message_id.as_bytes()).collect::<String>();
    see(&format!("/review/{id}"))
}

pub(super) async fn render(
    v: Visit,
    review: Review,
    text: ReviewText,
    wish: Wish,
    preview: bool,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let session = v.with_role(&ROLES)?.clone();
    let grounds = v.app().directory.grounds().await.unwrap_or_default();
    let names = v.app().directory.names([review.office_id.as_str()], []).await;
    let (found, more) =
        if wish.q.trim().is_empty() { (Vec::new(), false) } else { find(&v, &wish.q).await };
    let chosen = |it: &Found| wish.accused.contains(&it.office_id);
    let mut accused: Vec<Found> = found.iter().filter(|it| chosen(it)).cloned().collect();
    for id in &wish.accused {
        if accused.iter().all(|it| it.office_id != *id) {
            let unnamed = Found { office_id: id.clone(), title: id.clone(), ..Found::default() };
            accused.push(Found::of(&v, id).await.unwrap_or(unnamed));
        }
    }
    let found = found.into_iter().filter(|it| !chosen(it)).collect();
    let notes = notes(&v, &review.hits, &text, &wish);
    let whole = words::whole(&v, &review.hits, &text);
    let waits = matches!(review.state(), ReviewState::Held | ReviewState::Appealed);
    let redactions = if waits {
        wish.spans(&text)
    } else {
        let typed = wish.spans(&text);
        marks::distinct(review.redactions.iter().copied().chain(typed).collect())
    };
    let shown = preview || review.state() == ReviewState::Approved;
    let public = if shown { public(&v, &review, &redactions).await } else { None };
    let template = ReviewPage {
        files: files::of_review(&v, &review.number, &review.message_id).await,
        lease: Lease::of(&v, &session, &review),
        parts: parts(&text, &notes, &redactions, public.as_ref()),
        exact: public.is_some(),
        reasons: reasons(&v, &grounds, &wish, session.has(Role::SeniorModerator)),
        verdict: verdict(&v, &grounds, &review),
        appeal: appealed(&v, &grounds, &review),
        decide_by: waits.then(|| v.moment(review.decide_by.as_ref())).flatten(),
        due: lease::due(review.due()),
        senior_only: review.senior_only,
        senior: session.has(Role::SeniorModerator),
        choices: if review.state() == ReviewState::Appealed { &ON_APPEAL } else { &ON_HELD },
        published: review.state() == ReviewState::Approved,
        office: names.office(&review.office_id),
        kind: names.kind(v.locale(), &review.kind),
        domain: names.domain(v.locale(), &review.domain),
        private: review.visibility() == Visibility::Private,
        submitted: v.moment(review.submitted_at.as_ref()),
        revision: review.revision,
        preview: shown,
        id: review.message_id,
        number: review.number,
        etag: review.etag,
        notes,
        whole,
        accused,
        found,
        more,
        wish,
        f,
        v,
    };
    page_with(&template, status, Keep::Never)
}

/// What the rules found, place by place: several rules may have found the same one.
fn notes(v: &Visit, hits: &[Hit], text: &ReviewText, wish: &Wish) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for hit in hits.iter().filter(|hit| !marks::is_about_whole(hit, text)) {
        let Some(span) = hit.span else { continue };
        let rule = words::rule(v, &hit.rule);
        let proposed = hit.action() == Action::Redact;
        if let Some(note) = notes.iter_mut().find(|note| note.span == span) {
            note.proposed |= proposed;
            if !note.rules.contains(&rule) {
                note.rules = format!("{} · {rule}", note.rules);
            }
            continue;
        }
        let code = marks::code_of(&span);
        notes.push(Note {
            number: notes.len() + 1,
            excerpt: marks::excerpt(field_of(text, span.field()), &span),
            checked: wish.redact.contains(&code),
            about: wish.about.contains(&code),
            rules: rule,
            proposed,
            code,
            span,
        });
    }
    notes
}

/// The text as moderation will give it to readers; `None` if it can't be told, so that the page makes do.
async fn public(v: &Visit, review: &Review, redactions: &[Span]) -> Option<ReviewText> {
    let request = PreviewPublicTextRequest {
        message_id: review.message_id.clone(),
        redactions: redactions.to_vec(),
    };
    let answer = v.app().backend.reviews().preview_public_text(v.call(request)).await;
    let text = answer.ok()?.into_inner().text?;
    Some(ReviewText {
        title: text.title,
        body: text.body,
        demand: text.demand,
        details: text.details,
        place: text.place,
    })
}

fn parts(
    text: &ReviewText,
    notes: &[Note],
    redactions: &[Span],
    public: Option<&ReviewText>,
) -> Vec<Part> {
    let filled = FIELDS.iter().filter(|(field, ..)| !field_of(text, *field).is_empty());
    filled
        .map(|(field, _, label)| {
            let own = field_of(text, *field);
            let spans: Vec<(u32, u32, usize)> = notes
                .iter()
                .filter(|note| note.span.field() == *field)
                .map(|note| (note.span.start, note.span.end, note.number))
                .collect();
            let marked = |piece: Piece| {
                let on_it: Vec<&Note> =
                    notes.iter().filter(|note| piece.notes.contains(&note.number)).collect();
                let rules: Vec<&str> = on_it.iter().map(|note| note.rules.as_str()).collect();
                let redact = on_it.iter().all(|note| note.proposed);
                Marked { title: rules.join(" · "), redact, piece }
            };
            Part {
                label,
                pieces: marks::pieces(own, &spans).into_iter().map(marked).collect(),
                public: match public {
                    Some(public) => field_of(public, *field).to_owned(),
                    None => marks::public(own, *field, redactions),
                },
            }
        })
        .collect()
}

fn reasons(v: &Visit, grounds: &[Ground], wish: &Wish, senior: bool) -> Vec<Reason> {
    let reason = |ground: &Ground| {
        let mut limits = Vec::new();
        if !ground.author_can_mend {
            limits.push(v.t("review-ground-decline-only"));
        }
        if ground.senior_only {
            limits.push(v.t("review-ground-senior"));
        }
        let texts = ground.explanations.iter().enumerate().map(|(number, it)| {
            let code = format!("{}:{number}", ground.ground);
            let chosen = code == wish.template;
            (code, named(v.locale(), &it.title_zh, &it.title_en), chosen)
        });
        Reason {
            name: named(v.locale(), &ground.name_zh, &ground.name_en),
            limit: limits.join(" · "),
            disabled: ground.senior_only && !senior,
            chosen: ground.ground == wish.ground,
            texts: texts.collect(),
            code: ground.ground.clone(),
        }
    };
    grounds.iter().map(reason).collect()
}

/// The decision is what is judged, so it is shown; who made it is not told.
fn appealed(v: &Visit, grounds: &[Ground], review: &Review) -> Option<Appealed> {
    let appeal = review.appeal.as_ref().filter(|_| review.state() == ReviewState::Appealed)?;
    Some(Appealed {
        ground: ground_name(v, grounds, &review.ground),
        explanation: review.explanation.clone(),
        reason: appeal.reason.clone(),
        when: v.moment(appeal.appealed_at.as_ref()),
    })
}

fn ground_name(v: &Visit, grounds: &[Ground], code: &str) -> String {
    let ground = grounds.iter().find(|ground| ground.ground == code);
    let ground = ground.map(|it| named(v.locale(), &it.name_zh, &it.name_en));
    ground.unwrap_or_else(|| code.to_owned())
}

fn verdict(v: &Visit, grounds: &[Ground], review: &Review) -> Option<Verdict> {
    let word = match review.state() {
        ReviewState::Unspecified | ReviewState::Held | ReviewState::Appealed => return None,
        ReviewState::Screening => "review-is-screening",
        ReviewState::Approved => "review-is-approved",
        ReviewState::Returned => "review-is-returned",
        ReviewState::Declined => "review-is-declined",
        ReviewState::Withdrawn => "review-is-withdrawn",
    };
    Some(Verdict {
        word,
        ground: ground_name(v, grounds, &review.ground),
        explanation: review.explanation.clone(),
        by_rules: review.decided_by == "rules",
        when: v.moment(review.decided_at.as_ref()),
    })
}
