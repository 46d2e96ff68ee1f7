//! The moderators' queue, and one message under review.

use std::sync::Arc;

use axum::{Router, routing::get};
use liuyan_proto::liuyan::identity::v1::Role;

use crate::app::App;

mod acts;
mod lease;
pub(crate) mod marks;
mod message;
mod queue;
mod wish;
mod words;

/// Who reviews.
const ROLES: [Role; 2] = [Role::Moderator, Role::SeniorModerator];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/review", get(queue::queue))
        .route("/review/take", get(queue::back).post(acts::take))
        .route("/review/{message_id}", get(message::message).post(acts::sent))
        .route("/review/{message_id}/claim", get(message::back).post(acts::claim))
        .route("/review/{message_id}/release", get(message::back).post(acts::release))
        .route("/review/{message_id}/redact", get(message::back).post(acts::redact))
}
