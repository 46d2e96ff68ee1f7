//! Whatever is wrong with a figure, counting anew finds it.

use crate::helpers::{Bench, bench, declined, message, replied, submitted};

async fn a_board() -> Bench {
    let bench = bench().await;
    bench.directory().await;
    for number in 0..5 {
        let id = bench.a_case(number, "350102-s").await;
        bench.say_case(id, &replied(bench.case_at(id, "350102-s"))).await;
    }
    let id = message(9);
    bench.say(id, &submitted(id)).await;
    bench.say(id, &declined(id, "abuse")).await;
    bench.count().await;
    bench
}

#[tokio::test]
async fn a_recount_of_a_sound_board_finds_nothing() {
    let bench = a_board().await;
    let recount = bench.app.recount().await.unwrap();
    assert_eq!((recount.facts, recount.differences), (6, Vec::new()));
    let tallies = bench.number("select count(*) from tallies").await;
    assert_eq!(recount.tallies, tallies.unsigned_abs());
}

#[tokio::test]
async fn every_sort_of_meddling_is_named() {
    for (meddling, named) in [
        ("delete from tallies where level = 'office' and grain = 'all'", "all of office"),
        ("delete from tallies where grain = 'all_detail'", "all_detail of office"),
        ("delete from tallies where level = 'nation' and grain = 'month'", "month of nation"),
        (
            "update tallies set replied = replied + 1 where node = '350100' and grain = 'detail'",
            "replied is 6, counted anew 5",
        ),
        (
            "update tallies set days = array[1, 5] where node = '350000' and grain = 'month'",
            "day 0 is 1, counted anew 5",
        ),
        (
            "insert into ground_tallies select level, node, month, domain, kind, 'spam', 1 from ground_tallies",
            "ground spam is 1, counted anew 0",
        ),
        ("update counted set kind = 'thanks'", "otherwise than its facts say"),
        ("delete from counted where ground = 'abuse'", "is not counted"),
        ("delete from decisions where declined_ground is not null", "otherwise than its facts say"),
        (
            "update cases set first_reply_at = first_reply_at + interval '3 days'",
            "otherwise than its facts say",
        ),
        ("delete from offices where office_id = '350102-s'", "otherwise than its facts say"),
        ("delete from submissions", "is counted and was not submitted"),
    ] {
        let bench = a_board().await;
        bench.meddle(meddling).await;
        let differences = bench.differences().await;
        assert!(differences.iter().any(|it| it.contains(named)), "{meddling}: {differences:#?}");
        assert!(differences.len() <= 100);
    }
}

#[tokio::test]
async fn a_message_that_waits_to_be_counted_is_no_difference() {
    let bench = a_board().await;
    bench.a_case(20, "350102-s").await;
    let id = message(0);
    bench.say_case(id, &crate::helpers::closed(bench.case_at(id, "350102-s"), 1)).await;
    assert_eq!(bench.differences().await, Vec::<String>::new());
}
