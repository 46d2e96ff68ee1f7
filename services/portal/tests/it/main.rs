//! The pages over real HTTP, with stubs in the place of the other services.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod admin;
mod api;
mod browser;
mod casework;
mod columns;
mod common;
mod consultations;
mod desk;
mod desk_texts;
mod fake;
mod files;
mod frame;
mod held;
mod mine;
mod portal;
mod reading;
mod review;
mod review_appeals;
mod samples;
mod session;
mod sign_in;
mod similar;
mod staff;
mod uploads;
mod writing;
