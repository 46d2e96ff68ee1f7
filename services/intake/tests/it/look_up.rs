//! Finding a message by what its author holds.

use liuyan_intake::{config::Config, domain::number::Number};
use liuyan_kit::{auth::Caller, grpc::CLIENT_ADDRESS};
use liuyan_proto::liuyan::intake::v1::{
    LookUpMessageRequest, LookUpMessageResponse, MessageState,
    intake_service_server::IntakeService as _,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::helpers::{
    Desk, a_submission, anonymous, as_caller, count, reason, service, violations,
};

/// A code that is none.
const WRONG: &str = "00000-00000";

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
        let refused = look_up(&desk, &number, WRONG).await.unwrap_err();
        assert_eq!(reason(&refused), "NUMBER_OR_CODE_WRONG");
    }
    let refused = look_up(&desk, &number, WRONG).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "LOOK_UPS_EXHAUSTED")
    );
    assert!(refused.get_details_retry_info().is_some());
    desk.clock.advance(jiff::SignedDuration::from_secs(61));
    let refused = look_up(&desk, &number, WRONG).await.unwrap_err();
    assert_eq!(reason(&refused), "NUMBER_OR_CODE_WRONG");
}

#[tokio::test]
async fn nobody_is_kept_from_their_message_by_a_stranger_who_guesses_without_pause() {
    let change = |config: &mut Config| {
        config.look_up.per_number = 3;
        config.look_up.per_second = 5;
    };
    let desk = Desk::with(change).await.told().await;
    let taken = desk.submit(a_submission()).await.unwrap();
    let number = taken.receipt.unwrap().number;
    let other = desk.submit(a_submission()).await.unwrap();
    let elsewhere = other.receipt.unwrap().number;
    for guess in 0..40 {
        let unknown = Number::from_bits(guess).to_string();
        let guessed = if guess < 20 { &number } else { &unknown };
        let refused = look_up(&desk, guessed, WRONG).await.unwrap_err();
        let told = reason(&refused);
        let expected = match guess {
            // Three at this number, and five at all; never more within the second.
            0..3 | 20..22 => "NUMBER_OR_CODE_WRONG",
            _ => "LOOK_UPS_EXHAUSTED",
        };
        assert_eq!(told, expected, "guess {guess}");
        look_up(&desk, &number, &taken.access_code).await.unwrap();
        look_up(&desk, &elsewhere, &other.access_code).await.unwrap();
    }
}

#[tokio::test]
async fn a_limit_is_told_alike_for_a_wrong_code_and_an_unknown_number() {
    let desk = Desk::with(|config| config.look_up.per_number = 3).await.told().await;
    let taken = desk.submit(a_submission()).await.unwrap();
    let known = taken.receipt.unwrap().number;
    let unknown = Number::from_bits(7).to_string();
    for guess in 0..6 {
        let wrong = look_up(&desk, &known, WRONG).await.unwrap_err();
        let nothing = look_up(&desk, &unknown, WRONG).await.unwrap_err();
        let limit = if guess < 3 { Code::NotFound } else { Code::ResourceExhausted };
        assert_eq!((wrong.code(), nothing.code()), (limit, limit), "guess {guess}");
        assert_eq!(wrong.message(), nothing.message());
        assert_eq!(wrong.details(), nothing.details());
    }
}

#[tokio::test]
async fn nothing_is_looked_up_for_an_address_that_has_guessed_too_often() {
    let desk = Desk::with(|config| config.rates.address_guesses_per_minute = 3).await.told().await;
    let taken = desk.submit(a_submission()).await.unwrap();
    let number = taken.receipt.unwrap().number;
    let portal = service("portal");
    let from = |who: &Caller, address: &'static str, access_code: &str| {
        let (number, access_code) = (number.clone(), access_code.to_owned());
        let mut request = as_caller(who, LookUpMessageRequest { number, access_code });
        request.metadata_mut().insert(CLIENT_ADDRESS, address.parse().unwrap());
        desk.grpc.look_up_message(request)
    };
    for _ in 0..10 {
        from(&portal, "192.0.2.1", &taken.access_code).await.unwrap();
    }
    for _ in 0..3 {
        let refused = from(&portal, "192.0.2.1", WRONG).await.unwrap_err();
        assert_eq!(reason(&refused), "NUMBER_OR_CODE_WRONG");
    }
    for code in [WRONG, &taken.access_code] {
        let refused = from(&portal, "192.0.2.1", code).await.unwrap_err();
        assert_eq!(reason(&refused), "LOOK_UPS_EXHAUSTED");
    }
    from(&portal, "192.0.2.2", &taken.access_code).await.unwrap();
    // An address that anybody can write is nobody's.
    from(&anonymous(), "192.0.2.1", &taken.access_code).await.unwrap();
    desk.clock.advance(jiff::SignedDuration::from_secs(20));
    from(&portal, "192.0.2.1", &taken.access_code).await.unwrap();
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
