//! The desk of an office: what it has to answer, and how it answers.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use liuyan_proto::liuyan::identity::v1::Role;

use crate::app::App;

mod acts;
mod case;
mod inbox;
mod notices;
mod theirs;
mod transfer;
mod wish;

/// For whom there is a desk.
const ROLES: [Role; 2] = [Role::Clerk, Role::Supervisor];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/desk", get(inbox::inbox))
        .route("/desk/cases/{id}", get(case::case))
        .route("/desk/cases/{id}/accept", post(acts::accept))
        .route("/desk/cases/{id}/reply", get(case::back).post(acts::reply))
        .route("/desk/cases/{id}/transfer", get(transfer::choose).post(transfer::sent))
        .route("/desk/cases/{id}/close", get(case::back).post(acts::close))
}
