//! The public pages, one file each, with the template of the same name.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

mod about;
mod cards;
mod deadline;
pub(crate) mod fault;
mod faults;
mod history;
mod home;
mod message;
mod mine;
mod new;
mod offices;
mod receipt;
mod search;
mod account;
mod desk;
mod find_office;
mod review;
mod sign_in;
mod stats;
mod verify;

/// All public pages.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(about::routes())
        .merge(home::routes())
        .merge(message::routes())
        .merge(mine::routes())
        .merge(new::routes())
        .merge(offices::routes())
        .merge(receipt::routes())
        .merge(search::routes())
        .merge(account::routes())
        .merge(desk::routes())
        .merge(review::routes())
        .merge(sign_in::routes())
        .merge(stats::routes())
        .merge(verify::routes())
}
