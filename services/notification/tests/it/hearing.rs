//! What the others say reaches whom it concerns, and nobody else.

use jiff::SignedDuration;
use liuyan_kit::clock::Clock as _;
use liuyan_proto::liuyan::common::v1::Outcome;

use crate::{
    bench::{bench, clerk, fresh, person, short},
    tellings::{OFFICE, a_matter},
};

#[tokio::test]
async fn an_author_hears_of_everything_that_happens_to_the_message() {
    let bench = bench().await;
    let mut matter = a_matter();
    bench.submitted(&matter).await;
    bench.returned(&matter).await;
    bench.approved(&matter).await;
    bench.opened(&matter).await;
    bench.assigned(&matter).await;
    bench.accepted(&matter).await;
    bench.transferred(&mut matter, "110000-other").await;
    bench.replied(&matter).await;
    bench.refused(&matter).await;
    bench.closed(&matter, Outcome::Solved).await;
    let declined = a_matter();
    bench.submitted(&declined).await;
    bench.declined(&declined).await;

    let all = [
        "case-accepted",
        "case-closed",
        "case-opened",
        "case-replied",
        "case-transferred",
        "message-approved",
        "message-returned",
        "withdrawal-refused",
    ];
    assert_eq!(bench.told(&person(matter.account())).await, all);
    assert_eq!(bench.told(&person(declined.account())).await, ["message-declined"]);
    assert!(bench.told(&person(fresh())).await.is_empty());
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_notice_has_words_in_the_readers_language() {
    let bench = bench().await;
    let matter = a_matter();
    bench.submitted(&matter).await;
    bench.opened(&matter).await;
    let notice = bench.notices(&person(matter.account())).await.notices.remove(0);
    assert_eq!(notice.title, format!("Work on message {} has begun", matter.number));
    assert!(notice.body.contains("Office 110000-secretary"), "{}", notice.body);
    let day = bench.clock.now() + SignedDuration::from_hours(24 * 20 + 8);
    let day = day.to_string()[..10].to_owned();
    assert!(notice.body.contains(&day), "{} has {day}", notice.body);
    assert_eq!((notice.number, notice.office_id), (matter.number.clone(), String::new()));

    let mut reader = person(matter.account());
    reader.locale = "zh-CN".to_owned();
    let chinese = bench.notices(&reader).await.notices.remove(0);
    assert_ne!(chinese.title, notice.title);
    assert!(chinese.body.contains(&day));

    // Without routing, a notice does without the title.
    bench.peers.away(true);
    bench.after(SignedDuration::from_hours(1));
    let other = a_matter();
    bench.submitted(&other).await;
    bench.accepted(&other).await;
    let mut office = other.clone();
    office.office_id = "unheard-of".to_owned();
    bench.accepted(&office).await;
    let told = bench.notices(&person(other.account())).await.notices;
    assert!(told.iter().any(|notice| notice.body.starts_with("the office has accepted")));
    assert!(told.iter().any(|notice| notice.body.starts_with("Office 110000-secretary")));
}

#[tokio::test]
async fn what_is_heard_before_its_message_is_told_when_the_message_comes() {
    let bench = bench().await;
    let matter = a_matter();
    bench.peers.reach(matter.account(), "early@example.org", "en");
    bench.opened(&matter).await;
    bench.assigned(&matter).await;
    bench.approved(&matter).await;
    assert!(bench.told(&person(matter.account())).await.is_empty());
    assert!(bench.told(&clerk(fresh(), OFFICE)).await.is_empty());
    assert_eq!(bench.count("select count(*) from events where state = 'waiting'").await, 3);
    assert!(bench.breaches().await.is_empty());

    bench.submitted(&matter).await;
    let told = bench.told(&person(matter.account())).await;
    assert_eq!(told, ["case-opened", "message-approved"]);
    assert_eq!(bench.told(&clerk(fresh(), OFFICE)).await, ["case-assigned"]);
    bench.send().await;
    assert_eq!(bench.mail.mails().len(), 2);
    assert_eq!(bench.count("select count(*) from events where state = 'waiting'").await, 0);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn an_event_that_comes_twice_is_told_once() {
    let bench = bench().await;
    let matter = a_matter();
    bench.peers.reach(matter.account(), "once@example.org", "en");
    let submitted = bench.submitted(&matter).await;
    let opened = bench.opened(&matter).await;
    bench.hear(&[opened.clone(), opened.clone()]).await;
    bench.send().await;
    bench.hear(&[opened]).await;
    bench.hear(&[submitted]).await;
    bench.send().await;
    assert_eq!(bench.told(&person(matter.account())).await, ["case-opened"]);
    assert_eq!(bench.mail.mails().len(), 1);
}

#[tokio::test]
async fn old_history_is_shown_and_not_sent() {
    let bench = bench().await;
    bench.hooked().await;
    let mut matter = a_matter();
    bench.peers.reach(matter.account(), "old@example.org", "en");
    matter.occurred_at = Some(bench.clock.now() - SignedDuration::from_hours(25));
    bench.submitted(&matter).await;
    bench.approved(&matter).await;
    bench.opened(&matter).await;
    bench.replied(&matter).await;
    let told = ["case-opened", "case-replied", "message-approved"];
    assert_eq!(bench.told(&person(matter.account())).await, told);
    assert!(bench.deliveries().await.is_empty());

    // What happens to an old message today is news.
    matter.occurred_at = None;
    bench.closed(&matter, Outcome::Solved).await;
    let sent = bench.deliveries().await;
    let sent: Vec<String> = sent.iter().map(|delivery| short(&delivery.event_type)).collect();
    assert_eq!(sent, ["case-closed", "case-closed"]);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn old_history_that_waited_for_its_message_is_not_sent_either() {
    let bench = bench().await;
    let mut matter = a_matter();
    bench.approved(&matter).await;
    matter.occurred_at = Some(bench.clock.now() - SignedDuration::from_hours(25));
    bench.submitted(&matter).await;
    assert_eq!(bench.told(&person(matter.account())).await, ["message-approved"]);
    assert!(bench.deliveries().await.is_empty());
}

#[tokio::test]
async fn an_office_hears_of_what_it_is_given_and_of_what_is_taken_back() {
    let bench = bench().await;
    let mut matter = a_matter();
    bench.submitted(&matter).await;
    bench.opened(&matter).await;
    bench.assigned(&matter).await;
    bench.accepted(&matter).await;
    bench.transferred(&mut matter, "110000-other").await;
    bench.closed(&matter, Outcome::Withdrawn).await;
    let solved = a_matter();
    bench.submitted(&solved).await;
    bench.closed(&solved, Outcome::Solved).await;

    let first = bench.notices(&clerk(fresh(), OFFICE)).await;
    assert_eq!(first.notices.len(), 1);
    assert_eq!(short(&first.notices[0].event_type), "case-assigned");
    assert_eq!(first.notices[0].office_id, OFFICE);
    let second = bench.told(&clerk(fresh(), "110000-other")).await;
    assert_eq!(second, ["case-closed", "case-transferred"]);
    assert!(bench.told(&clerk(fresh(), "110000-third")).await.is_empty());
}

#[tokio::test]
async fn an_office_that_has_lost_the_case_meanwhile_is_not_told() {
    let bench = bench().await;
    let mut matter = a_matter();
    bench.assigned(&matter).await;
    bench.transferred(&mut matter, "110000-other").await;
    bench.submitted(&matter).await;
    assert!(bench.told(&clerk(fresh(), OFFICE)).await.is_empty());
    assert_eq!(bench.told(&clerk(fresh(), "110000-other")).await, ["case-transferred"]);
}

#[tokio::test]
async fn an_accused_office_and_those_under_it_never_hear_of_the_case() {
    let bench = bench().await;
    bench.office("accused", "").await;
    bench.office("below", "accused").await;
    bench.office("far-below", "below").await;
    bench.office("beside", "").await;
    for (office, told) in
        [("accused", false), ("below", false), ("far-below", false), ("beside", true)]
    {
        for late in [false, true] {
            let mut matter = a_matter();
            matter.office_id = office.to_owned();
            matter.accused = vec!["accused".to_owned()];
            if !late {
                bench.submitted(&matter).await;
            }
            bench.assigned(&matter).await;
            if late {
                bench.submitted(&matter).await;
            }
        }
        let heard = bench.told(&clerk(fresh(), office)).await.len();
        assert_eq!(heard, if told { 2 } else { 0 }, "{office}");
    }
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn an_office_is_not_accused_by_another_case() {
    let bench = bench().await;
    let mut accusing = a_matter();
    accusing.accused = vec![OFFICE.to_owned()];
    bench.submitted(&accusing).await;
    bench.assigned(&accusing).await;
    let other = a_matter();
    bench.submitted(&other).await;
    bench.assigned(&other).await;
    let heard = bench.notices(&clerk(fresh(), OFFICE)).await.notices;
    let heard: Vec<_> = heard.into_iter().map(|notice| notice.number).collect();
    assert_eq!(heard, [other.number]);
}

#[tokio::test]
async fn many_messages_and_cases_in_one_batch_are_each_told() {
    let bench = bench().await;
    let matters: Vec<_> = (0..40).map(|_| a_matter()).collect();
    let batch: Vec<_> = (matters.iter())
        .map(|matter| bench.event(matter.message_id, &matter.submission()))
        .collect();
    for matter in matters.iter().step_by(2) {
        bench.assigned(matter).await;
    }
    bench.hear(&batch).await;
    for matter in matters.iter().skip(1).step_by(2) {
        bench.assigned(matter).await;
    }
    assert_eq!(bench.notices(&clerk(fresh(), OFFICE)).await.notices.len(), 40);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_and_its_case_that_are_heard_at_the_same_moment_do_not_miss_each_other() {
    let bench = bench().await;
    for _ in 0..30 {
        let matter = a_matter();
        let (_, _, _) =
            tokio::join!(bench.submitted(&matter), bench.opened(&matter), bench.approved(&matter));
        let told = bench.told(&person(matter.account())).await;
        assert_eq!(told, ["case-opened", "message-approved"]);
    }
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_helper_and_the_office_above_are_told_and_the_one_that_has_the_case_is_not() {
    let bench = bench().await;
    bench.office("accused", "").await;
    for late in [false, true] {
        let matter = a_matter();
        if !late {
            bench.submitted(&matter).await;
        }
        bench.invited(&matter, "110000-helper").await;
        bench.escalated(&matter, "110000-above").await;
        if late {
            bench.submitted(&matter).await;
        }
    }
    let mut accusing = a_matter();
    accusing.accused = vec!["accused".to_owned()];
    bench.submitted(&accusing).await;
    bench.escalated(&accusing, "accused").await;
    let told = ["helper-invited", "helper-invited"];
    assert_eq!(bench.told(&clerk(fresh(), "110000-helper")).await, told);
    let told = ["case-escalated", "case-escalated"];
    assert_eq!(bench.told(&clerk(fresh(), "110000-above")).await, told);
    assert!(bench.told(&clerk(fresh(), OFFICE)).await.is_empty());
    assert!(bench.told(&clerk(fresh(), "accused")).await.is_empty());
    assert!(bench.breaches().await.is_empty());
}
