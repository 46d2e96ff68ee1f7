//! What an author is told of a decision, and of an appeal against it.

use liuyan_proto::liuyan::{
    intake::v1::MessageState,
    moderation::v1::{Appeal, AppealState, GetDecisionRequest, GetDecisionResponse, ReviewText},
};

use super::author::Author;
use crate::{
    directory::named,
    format::When,
    pages::review::marks::{FIELDS, excerpt, field_of},
    visit::Visit,
};

/// Words that a decision is about.
#[derive(Debug)]
pub(super) struct Words {
    /// The name of the part's label.
    pub(super) label: &'static str,
    pub(super) text: String,
}

/// An appeal as its author sees it.
#[derive(Debug)]
pub(super) struct Appealed {
    /// The name of the text that tells where it stands.
    pub(super) word: &'static str,
    /// How that looks.
    pub(super) class: &'static str,
    pub(super) open: bool,
    pub(super) reason: String,
    pub(super) when: Option<When>,
    pub(super) due: Option<When>,
    pub(super) explanation: String,
    pub(super) decided: Option<When>,
}

/// Why a message was returned or declined, and what became of an appeal.
#[derive(Debug)]
pub(super) struct Why {
    /// In words; empty where the message was approved after all.
    pub(super) ground: String,
    pub(super) explanation: String,
    pub(super) words: Vec<Words>,
    pub(super) when: Option<When>,
    pub(super) appeal: Option<Appealed>,
    /// Until when an appeal is possible.
    pub(super) appealable_until: Option<When>,
}

/// Why the message was returned or declined; the ground alone while moderation is away. Of what was
/// approved, only an appeal is told.
pub(super) async fn why(v: &Visit, author: &Author) -> Option<Why> {
    let message = &author.message;
    let refused = matches!(message.state(), MessageState::Returned | MessageState::Declined);
    if !refused && message.state() != MessageState::Approved {
        return None;
    }
    let request = GetDecisionRequest { message_id: message.message_id.clone() };
    let request = v.call_as(&author.token, request);
    let decision: GetDecisionResponse = match v.app().backend.reviews().get_decision(request).await
    {
        Ok(answer) => answer.into_inner(),
        Err(status) => {
            tracing::debug!(code = ?status.code(), "the decision can't be shown to the author");
            GetDecisionResponse::default()
        }
    };
    let appeal = decision.appeal.as_ref().map(|appeal| appealed(v, appeal));
    if !refused {
        let appeal = Some(appeal?);
        return Some(Why {
            ground: String::new(),
            explanation: String::new(),
            words: Vec::new(),
            when: None,
            appeal,
            appealable_until: None,
        });
    }
    let code = if decision.ground.is_empty() { &message.ground } else { &decision.ground };
    let grounds = v.app().directory.grounds().await.unwrap_or_default();
    let ground = grounds.iter().find(|it| it.ground == *code);
    let ground = ground.map(|it| named(v.locale(), &it.name_zh, &it.name_en));
    Some(Why {
        ground: ground.unwrap_or_else(|| code.clone()),
        words: words(author, &decision),
        when: v.moment(decision.decided_at.as_ref()),
        appealable_until: v.moment(decision.appealable_until.as_ref()),
        explanation: decision.explanation,
        appeal,
    })
}

/// The words that a decision is about, if the text is still the one that was judged. Where they are a
/// whole part, that is said instead.
fn words(author: &Author, decision: &GetDecisionResponse) -> Vec<Words> {
    let Some(text) = author.message.text.as_ref().filter(|it| it.revision == decision.revision)
    else {
        return Vec::new();
    };
    let text = ReviewText {
        title: text.title.clone(),
        body: text.body.clone(),
        demand: text.demand.clone(),
        details: text.details.clone(),
        place: text.place.clone(),
    };
    let words = decision.spans.iter().filter_map(|span| {
        let (field, _, label) = FIELDS.iter().find(|(field, ..)| *field == span.field())?;
        let own = field_of(&text, *field);
        let marked = excerpt(own, span);
        let text = if marked == own { String::new() } else { marked };
        Some(Words { label, text })
    });
    words.collect()
}

fn appealed(v: &Visit, appeal: &Appeal) -> Appealed {
    let (word, class) = match appeal.state() {
        AppealState::Unspecified | AppealState::Open => ("appeal-open", "awaiting"),
        AppealState::Upheld => ("appeal-upheld", "plain"),
        AppealState::Overturned => ("appeal-overturned", "replied"),
        AppealState::Lapsed => ("appeal-lapsed", "plain"),
    };
    Appealed {
        word,
        class,
        open: appeal.state() == AppealState::Open,
        reason: appeal.reason.clone(),
        when: v.moment(appeal.appealed_at.as_ref()),
        due: v.moment(appeal.due_at.as_ref()),
        explanation: appeal.explanation.clone(),
        decided: v.moment(appeal.decided_at.as_ref()),
    }
}
