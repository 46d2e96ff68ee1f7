//! Finding a message by what its author holds.

use liuyan_intake::domain::number::Number;
use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::intake::v1::{
    LookUpMessageRequest, LookUpMessageResponse, MessageState,
    intake_service_server::IntakeService as _,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::helpers::{Desk, a_submission, anonymous, as_caller, count, reason, violations};

async fn look_up(
    desk: &Desk,
    number: &str,
    access_code: &str,
) -> Result<LookUpMessageResponse, Status> {
    let request =
        LookUpMessageRequest { number: number.to_owned(), access_code: access_code.to_owned() };
    let response = desk.grpc.look_up_message(as_caller(&anonymous(), request)).await?;
    Ok(response.into_inner())
}

#[tokio::test]
async fn number_and_code_open_a_message_however_they_are_written() {
    let desk = Desk::open().await;
    let taken = desk.submit(a_submission()).await.unwrap();
    let receipt = taken.receipt.unwrap();
    for (number, code) in [
        (receipt.number.clone(), taken.access_code.clone()),
        (receipt.number.to_lowercase().replace('-', " "), taken.access_code.replace('-', "")),
        (receipt.number.replace('0', "O").replace('1', "l"), taken.access_code.to_lowercase()),
    ] {
        let found = look_up(&desk, &number, &code).await.unwrap();
        let message = found.message.unwrap();
        assert_eq!(message.message_id, receipt.message_id);
        assert_eq!(message.state(), MessageState::InReview);
        assert_eq!(found.author_token.split('.').count(), 3);
        assert_eq!(found.expires_at.unwrap().seconds, 1_764_000_000 + 600);
    }
}

#[tokio::test]
async fn a_wrong_code_and_an_unknown_number_get_the_same_answer() {
    let desk = Desk::open().await;
    let taken = desk.submit(a_submission()).await.unwrap();
    let other = desk.submit(a_submission()).await.unwrap();
    let number = taken.receipt.unwrap().number;
    let unknown = Number::from_bits(7).to_string();
    let wrong_code = look_up(&desk, &number, &other.access_code).await.unwrap_err();
    let unknown_number = look_up(&desk, &unknown, &taken.access_code).await.unwrap_err();
    assert_eq!(reason(&wrong_code), "NUMBER_OR_CODE_WRONG");
    assert_eq!(wrong_code.code(), Code::NotFound);
    assert_eq!(wrong_code.code(), unknown_number.code());
    assert_eq!(wrong_code.message(), unknown_number.message());
    assert_eq!(wrong_code.details(), unknown_number.details());
}

#[tokio::test]
async fn a_slip_of_the_pen_is_told_without_a_look_at_the_database() {
    let desk = Desk::open().await;
    let refused = look_up(&desk, "0000-0000-0000-1", "nonsense").await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [
            ("number".to_owned(), "NUMBER_MALFORMED".to_owned()),
            ("access_code".to_owned(), "ACCESS_CODE_MALFORMED".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_slip_of_the_pen_is_told_as_one_and_not_as_a_message_that_was_not_submitted() {
    let desk = Desk::open().await;
    for (locale, says, never) in
        [("en", "mend what is listed", "submit"), ("zh-CN", "请求未执行", "留言未提交")]
    {
        let caller = Caller { locale: locale.to_owned(), ..anonymous() };
        let request = LookUpMessageRequest::default();
        let refused = desk.grpc.look_up_message(as_caller(&caller, request)).await.unwrap_err();
        let told = refused.get_details_localized_message().unwrap().message;
        assert!(told.contains(says) && !told.contains(never), "{told}");
        for fault in refused.get_details_bad_request().unwrap().field_violations {
            let told = fault.localized_message.unwrap().message;
            assert!(!told.is_empty() && !told.contains(never), "{told}");
        }
    }
}

#[tokio::test]
async fn guesses_are_limited_and_the_owner_is_not() {
    let desk = Desk::with(|config| config.look_up.per_number = 3).await.told().await;
    let taken = desk.submit(a_submission()).await.unwrap();
    let number = taken.receipt.unwrap().number;
    for _ in 0..10 {
        look_up(&desk, &number, &taken.access_code).await.unwrap();
    }
    for _ in 0..3 {
        let refused = look_up(&desk, &number, "00000-00000").await.unwrap_err();
        assert_eq!(reason(&refused), "NUMBER_OR_CODE_WRONG");
    }
    let refused = look_up(&desk, &number, "00000-00000").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "LOOK_UPS_EXHAUSTED")
    );
    assert!(refused.get_details_retry_info().is_some());
    desk.clock.advance(jiff::SignedDuration::from_secs(61));
    look_up(&desk, &number, &taken.access_code).await.unwrap();
}

#[tokio::test]
async fn the_database_does_not_hold_the_code() {
    let desk = Desk::open().await;
    let taken = desk.submit(a_submission()).await.unwrap();
    let bare = taken.access_code.replace('-', "");
    let mut connection = desk.db.read().await.unwrap();
    for table in ["select messages::text from messages", "select requests::text from requests"] {
        let row: String = sqlx::query_scalar(table).fetch_one(&mut *connection).await.unwrap();
        for form in
            [&taken.access_code, &bare, &hex::encode(&bare), &hex::encode(&taken.access_code)]
        {
            assert!(!row.contains(form.as_str()), "{row} holds {form}");
        }
    }
    assert_eq!(count(&desk.db, "select count(*) from requests where response is null").await, 1);
}
