//! What waits for a moderator, what is due first before the rest.

use askama::Template;
use axum::{extract::Query, response::Response};
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    moderation::v1::{Due, GetWorkloadRequest, Holder, ListReviewsRequest, Review, ReviewState},
};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    ROLES,
    lease::{self, Lease},
};
use crate::{
    directory::{Names, named},
    error::Error,
    format::{When, count},
    page::{page, see},
    pages::search::{Choice, choice},
    session::Session,
    visit::Visit,
};

/// How many are shown at a time.
const PAGE: i32 = 30;
/// From here on, the number is told as "more than".
const MOST: u32 = 10_000;

/// A review in the list.
#[derive(Debug)]
struct Item {
    id: String,
    number: String,
    office: String,
    kind: String,
    domain: String,
    private: bool,
    hits: usize,
    submitted: Option<When>,
    decide_by: Option<When>,
    due: Option<(&'static str, &'static str)>,
    appealed: bool,
    senior_only: bool,
    lease: Lease,
}

#[derive(Template)]
#[template(path = "review_queue.html")]
struct Queue {
    v: Visit,
    total: String,
    items: Vec<Item>,
    next: Option<String>,
    ask: Ask,
    kinds: Vec<Choice>,
    domains: Vec<Choice>,
    /// Whether anything narrows the list.
    narrowed: bool,
    /// How much waits and who works on it; `None` while that can't be told.
    load: Option<Workload>,
}

/// How much waits and who works on it, in words.
struct Workload {
    /// Names of words with their numbers.
    counts: Vec<(&'static str, String)>,
    /// What one has oneself.
    mine: String,
    /// What the others have, without their names, which this page does not know: a short name, what
    /// they hold, what they decided today. For senior moderators alone.
    others: Vec<(String, u32, u32)>,
    /// How the rules did in the sample.
    sample: Option<String>,
}

/// What narrows the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    page: String,
    /// `held` or `appealed`; both if empty.
    state: String,
    due: String,
    holder: String,
    kind: String,
    domain: String,
}

impl Ask {
    fn request(&self) -> ListReviewsRequest {
        let state = match self.state.as_str() {
            "held" => ReviewState::Held,
            "appealed" => ReviewState::Appealed,
            _ => ReviewState::Unspecified,
        };
        let due = match self.due.as_str() {
            "near" => Due::Near,
            "overdue" => Due::Overdue,
            _ => Due::Unspecified,
        };
        let holder = match self.holder.as_str() {
            "nobody" => Holder::Nobody,
            "caller" => Holder::Caller,
            "another" => Holder::Another,
            _ => Holder::Unspecified,
        };
        ListReviewsRequest {
            state: state.into(),
            page_size: PAGE,
            page_token: self.page.clone(),
            kind: self.kind.clone(),
            domain: self.domain.clone(),
            due: due.into(),
            holder: holder.into(),
            ..ListReviewsRequest::default()
        }
    }

    /// The address of the page that `token` names, of the same list.
    fn next(&self, token: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("state", &self.state),
            ("due", &self.due),
            ("holder", &self.holder),
            ("kind", &self.kind),
            ("domain", &self.domain),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("page", token);
        format!("/review?{}", query.finish())
    }
}

pub(super) async fn queue(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let session = v.with_role(&ROLES)?.clone();
    let request = v.call(ask.request());
    let answer = v.app().backend.reviews().list_reviews(request).await?.into_inner();
    let load = workload(&v, &session).await;
    let directory = &v.app().directory;
    let (kinds, domains) = futures::join!(directory.kinds(), directory.domains());
    let (kinds, domains) = (kinds.unwrap_or_default(), domains.unwrap_or_default());
    let offices = answer.reviews.iter().map(|review| review.office_id.as_str());
    let names = v.app().directory.names(offices, []).await;
    let name = if answer.total >= MOST { "review-total-many" } else { "review-total" };
    let items = answer.reviews.into_iter().map(|review| item(&v, &session, &names, review));
    page(&Queue {
        total: v.t1(name, "count", count(answer.total.into())),
        items: items.collect(),
        next: (!answer.next_page_token.is_empty()).then(|| ask.next(&answer.next_page_token)),
        kinds: kinds
            .iter()
            .map(|it| choice(&it.kind, named(v.locale(), &it.name_zh, &it.name_en), &ask.kind))
            .collect(),
        domains: domains
            .iter()
            .map(|it| choice(&it.domain, named(v.locale(), &it.name_zh, &it.name_en), &ask.domain))
            .collect(),
        narrowed: [&ask.state, &ask.due, &ask.holder, &ask.kind, &ask.domain]
            .iter()
            .any(|it| !it.is_empty()),
        load,
        ask,
        v,
    })
}

/// The figures above the list. The list is there without them.
async fn workload(v: &Visit, session: &Session) -> Option<Workload> {
    let request = v.call(GetWorkloadRequest {});
    let told = v.app().backend.reviews().get_workload(request).await.ok()?.into_inner();
    let subject = |moderator: &str| {
        moderator.rsplit_once('/').map_or(moderator, |(_, subject)| subject).to_owned()
    };
    let (mine, others): (Vec<_>, Vec<_>) =
        told.moderators.iter().partition(|it| subject(&it.moderator) == session.account_id);
    let (holding, decided) = mine.first().map_or((0, 0), |it| (it.holding, it.decided_today));
    let short = |moderator: &str| {
        let subject = subject(moderator);
        subject.chars().skip(subject.chars().count().saturating_sub(6)).collect()
    };
    let number = |it: u32| count(it.into());
    Some(Workload {
        counts: vec![
            ("review-appeal", number(told.appeals)),
            ("review-free", number(told.unclaimed)),
            ("review-due-near", number(told.near)),
            ("review-due-overdue", number(told.overdue)),
        ],
        mine: v.t2("review-load-mine", "holding", holding, "decided", decided),
        others: others
            .iter()
            .map(|it| (short(&it.moderator), it.holding, it.decided_today))
            .collect(),
        sample: (told.sample_decided > 0).then(|| {
            v.t2("review-sample", "decided", told.sample_decided, "wrong", told.sample_wrong)
        }),
    })
}

fn item(v: &Visit, session: &Session, names: &Names, review: Review) -> Item {
    Item {
        lease: Lease::of(v, session, &review),
        office: names.office(&review.office_id),
        kind: names.kind(v.locale(), &review.kind),
        domain: names.domain(v.locale(), &review.domain),
        private: review.visibility() == Visibility::Private,
        hits: review.hits.len(),
        submitted: v.moment(review.submitted_at.as_ref()),
        decide_by: v.moment(review.decide_by.as_ref()),
        due: lease::due(review.due()),
        appealed: review.state() == ReviewState::Appealed,
        senior_only: review.senior_only,
        id: review.message_id,
        number: review.number,
    }
}

/// The address of a form, opened by itself.
pub(super) async fn back() -> Response {
    see("/review")
}
