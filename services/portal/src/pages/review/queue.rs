//! What waits for a moderator, the oldest first.

use askama::Template;
use axum::{extract::Query, response::Response};
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    moderation::v1::{ListReviewsRequest, Review},
};
use serde::Deserialize;

use super::{ROLES, lease::Lease};
use crate::{
    directory::Names,
    error::Error,
    format::{When, count},
    page::{page, see},
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
    lease: Lease,
}

#[derive(Template)]
#[template(path = "review_queue.html")]
struct Queue {
    v: Visit,
    total: String,
    items: Vec<Item>,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    page: String,
}

pub(super) async fn queue(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let session = v.with_role(&ROLES)?.clone();
    let request = ListReviewsRequest { state: 0, page_size: PAGE, page_token: ask.page };
    let answer = v.app().backend.reviews().list_reviews(v.call(request)).await?.into_inner();
    let offices = answer.reviews.iter().map(|review| review.office_id.as_str());
    let names = v.app().directory.names(offices, []).await;
    let name = if answer.total >= MOST { "review-total-many" } else { "review-total" };
    let items = answer.reviews.into_iter().map(|review| item(&v, &session, &names, review));
    page(&Queue {
        total: v.t1(name, "count", count(answer.total.into())),
        items: items.collect(),
        next: (!answer.next_page_token.is_empty()).then_some(answer.next_page_token),
        v,
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
        id: review.message_id,
        number: review.number,
    }
}

/// The address of a form, opened by itself.
pub(super) async fn back() -> Response {
    see("/review")
}
