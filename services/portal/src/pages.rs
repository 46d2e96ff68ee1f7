//! The pages, one file each, with the template of the same name.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

mod about;
mod account;
mod admin;
mod again;
mod cards;
mod column;
mod common;
mod consultations;
mod deadline;
mod desk;
pub(crate) mod fault;
mod faults;
pub(crate) mod files;
mod find_office;
mod history;
mod home;
mod message;
mod mine;
mod model_cases;
mod new;
mod office;
mod offices;
mod receipt;
pub(crate) mod review;
mod search;
mod sign_in;
mod similar;
mod stats;
mod verify;

pub(crate) use common::{found as common_problem_found, id_of as common_problem_id};
pub(crate) use consultations::found as consultation_found;
pub(crate) use receipt::COOKIE as RECEIPT;

/// Whether a form with files in it may be sent to this path.
pub(crate) fn takes_files(path: &str) -> bool {
    path == "/new" || column::is_form(path)
}

/// Whether a request brings files, and so may take long.
pub(crate) fn is_upload(request: &axum::extract::Request) -> bool {
    takes_files(request.uri().path()) && crate::web::is_multipart(request.headers())
}

/// All pages.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(about::routes())
        .merge(account::routes())
        .merge(admin::routes())
        .merge(column::routes())
        .merge(common::routes())
        .merge(consultations::routes())
        .merge(desk::routes())
        .merge(files::routes())
        .merge(home::routes())
        .merge(message::routes())
        .merge(mine::routes())
        .merge(model_cases::routes())
        .merge(new::routes())
        .merge(office::routes())
        .merge(offices::routes())
        .merge(receipt::routes())
        .merge(review::routes())
        .merge(search::routes())
        .merge(sign_in::routes())
        .merge(stats::routes())
        .merge(verify::routes())
}
