//! The desk of an office: what it has to answer, and how it answers.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use liuyan_proto::liuyan::identity::v1::Role;

use self::{more::Act, office::Goal};
use crate::app::App;

mod acts;
mod case;
mod common;
mod consultations;
mod inbox;
mod log;
mod may;
mod more;
mod notices;
mod office;
mod reply;
mod supervision;
mod theirs;
mod wish;

/// For whom there is a desk.
const ROLES: [Role; 2] = [Role::Clerk, Role::Supervisor];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/desk", get(inbox::inbox))
        .route("/desk/supervision", get(supervision::supervision))
        .route("/desk/supervision/retire", post(supervision::retire))
        .route("/desk/common", get(common::list))
        .route("/desk/common/{id}", get(common::one))
        .route("/desk/common/{id}/reply", get(common::one).post(common::reply))
        .route("/desk/common/{id}/ungroup", get(common::one).post(common::ungroup))
        .route("/desk/cases/{id}/group", get(common::group).post(common::grouped))
        .route("/desk/consultations", get(consultations::list))
        .route("/desk/consultations/new", get(consultations::blank).post(consultations::planned))
        .route("/desk/consultations/{id}", get(consultations::one).post(consultations::sent))
        .route("/desk/cases/{id}", get(case::case))
        .route("/desk/cases/{id}/accept", post(acts::accept))
        .route("/desk/cases/{id}/reply", get(case::back).post(reply::reply))
        .route("/desk/cases/{id}/resume", get(case::back).post(acts::resume))
        .route("/desk/cases/{id}/close", get(case::back).post(acts::close))
        .route("/desk/cases/{id}/acts", get(log::log))
        .route("/desk/cases/{id}/transfer", office::page(Goal::Transfer))
        .route("/desk/cases/{id}/return", office::page(Goal::Return))
        .route("/desk/cases/{id}/help", office::page(Goal::Help))
        .route("/desk/cases/{id}/pause", more::page(Act::Pause))
        .route("/desk/cases/{id}/extend", more::page(Act::Extend))
        .route("/desk/cases/{id}/reopen", more::page(Act::Reopen))
        .route("/desk/cases/{id}/supervise", more::page(Act::Supervise))
        .route("/desk/cases/{id}/replies/{part}/correct", more::page(Act::Correct))
        .route("/desk/cases/{id}/promises/{part}/kept", more::page(Act::Keep))
}
