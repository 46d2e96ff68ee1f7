//! Messages that belong to a consultation.

use liuyan_kit::{
    clock::to_proto,
    testing::{now, said},
};
use liuyan_proto::liuyan::{
    intake::v1::{MessageSubmitted, NewMessage},
    routing::v1::ConsultationPut,
};
use uuid::Uuid;

use crate::helpers::{Desk, OFFICE, a_message, a_submission_of, violations};

/// A consultation that takes messages for an hour.
pub(crate) async fn hear(desk: &Desk, id: Uuid, open: bool) {
    let hour = jiff::SignedDuration::from_hours(1);
    let event = ConsultationPut {
        consultation_id: id.to_string(),
        office_id: OFFICE.to_owned(),
        open,
        opens_at: Some(to_proto(desk.now() - hour)),
        closes_at: Some(to_proto(desk.now() + hour)),
        ..ConsultationPut::default()
    };
    desk.hear(id, event).await.unwrap();
}

pub(crate) fn a_suggestion(id: Uuid) -> NewMessage {
    let kind = "suggestion".to_owned();
    NewMessage { kind, consultation_id: id.to_string(), ..a_message() }
}

#[tokio::test]
async fn a_consultation_takes_messages_while_it_is_open_and_no_longer() {
    let desk = Desk::open().await;
    desk.hear_list("kinds", 9, &["enquiry", "suggestion"]).await;
    let id = liuyan_kit::id::v7(now());
    let early = desk.submit(a_submission_of(a_suggestion(id))).await.unwrap_err();
    let unknown = [("message.consultation_id".to_owned(), "CONSULTATION_UNKNOWN".to_owned())];
    assert_eq!(violations(&early), unknown);
    hear(&desk, id, false).await;
    let closed = [("message.consultation_id".to_owned(), "CONSULTATION_CLOSED".to_owned())];
    let planned = desk.submit(a_submission_of(a_suggestion(id))).await.unwrap_err();
    assert_eq!(violations(&planned), closed);
    // It is opened a moment before somebody writes: the copy in memory is older.
    hear(&desk, id, true).await;
    desk.submit(a_submission_of(a_suggestion(id))).await.unwrap();
    let told = said::<MessageSubmitted>(&desk.db).await;
    assert_eq!(told.last().unwrap().event.consultation_id, id.to_string());
    desk.clock.advance(jiff::SignedDuration::from_hours(1));
    let late = desk.submit(a_submission_of(a_suggestion(id))).await.unwrap_err();
    assert_eq!(violations(&late), closed);
}
