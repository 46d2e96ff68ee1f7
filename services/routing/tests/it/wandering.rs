//! Whatever is done with a case, in whatever order: what the database tells of it fits together.

use liuyan_kit::clock::Clock as _;
use liuyan_proto::liuyan::{common::v1::Custody, routing::v1 as routing};

use crate::helpers::{House, a_message, a_reply, a_transfer, an_acceptance, asks, view};

/// A number that follows from the one before; the same way each time.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 40).unwrap()
}

/// The segments are without gaps and together as long as the case.
fn adds_up(custody: &[Custody]) -> bool {
    custody.windows(2).all(|pair| pair[0].until == pair[1].from)
        && custody.iter().rev().skip(1).all(|segment| segment.until.is_some())
}

#[tokio::test]
async fn whatever_is_done_everything_fits_together() {
    let house = House::open().await;
    let offices = ["130102-g", "130104-g", "130105-g", "130100-g", "130102-s"];
    let (mut done, mut refused) = (0, 0);
    for round in 0..6_u64 {
        let message = a_message().about("help", if round % 2 == 0 { "7" } else { "" });
        let case_id = view(&house.a_case(&message).await).case_id.clone();
        let mut seed = round * 7_919 + 1;
        for _ in 0..25 {
            house.advance_minutes(i64::try_from(next(&mut seed) % 3_000).unwrap());
            let case = house.get(&house.operator(), message.message_id).await.unwrap();
            let holder = house.clerk(&view(&case).office_id);
            let office = offices[next(&mut seed) % offices.len()].to_owned();
            let said = || "For a reason.".to_owned();
            let reply_id = view(&case).replies.last().map(|it| it.reply_id.clone());
            let reply_id = reply_id
                .unwrap_or_else(|| liuyan_kit::id::v7(liuyan_kit::testing::now()).to_string());
            let mut cases = house.cases(&holder);
            let result = match next(&mut seed) % 12 {
                0 => cases.accept_case(an_acceptance(&case_id)).await.map(drop),
                1 => cases.reply_to_case(a_reply(&case_id, "It is done.")).await.map(drop),
                2 => cases.transfer_case(a_transfer(&case_id, &office)).await.map(drop),
                3 => {
                    let it = asks!(ReturnCaseRequest, &case_id, office_id: office, rule: said());
                    cases.return_case(it).await.map(drop)
                }
                4 => {
                    let it = asks!(PauseCaseRequest, &case_id, question: said());
                    cases.pause_case(it).await.map(drop)
                }
                5 => cases.resume_case(asks!(ResumeCaseRequest, &case_id)).await.map(drop),
                6 => {
                    let it = asks!(ExtendDeadlineRequest, &case_id, days: 2, reason: said());
                    cases.extend_deadline(it).await.map(drop)
                }
                7 => {
                    let it =
                        asks!(InviteHelperRequest, &case_id, office_id: office, reason: said());
                    cases.invite_helper(it).await.map(drop)
                }
                8 => {
                    let it = asks!(CorrectReplyRequest, &case_id, reply_id: reply_id, body: said(), reason: said());
                    cases.correct_reply(it).await.map(drop)
                }
                9 => {
                    let it = asks!(ReopenCaseRequest, &case_id, reason: said());
                    cases.reopen_case(it).await.map(drop)
                }
                10 => {
                    let it = asks!(AskFollowUpRequest, &case_id, reply_id: reply_id, ground: "wrong".to_owned());
                    house.cases(&house.author(message.message_id)).ask_follow_up(it).await.map(drop)
                }
                _ => {
                    let it = asks!(CloseCaseRequest, &case_id, outcome: 1);
                    cases.close_case(it).await.map(drop)
                }
            };
            match result {
                Ok(()) => done += 1,
                Err(_) => refused += 1,
            }
        }
        let case: routing::Case = house.get(&house.operator(), message.message_id).await.unwrap();
        assert!(adds_up(&view(&case).custody), "{case:?}");
        house.is_whole().await;
    }
    assert!(done > 40 && refused > 10, "{done} done, {refused} refused by {}", house.clock.now());
}
