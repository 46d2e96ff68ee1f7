//! What became of a suggestion, told to whoever made it.

use liuyan_kit::messaging::Envelope;

use crate::{
    bench::{Bench, bench, clerk, fresh, person},
    tellings::{Matter, OFFICE, a_matter},
};

const ASKED: &str = "110000-asked";

/// The author and the office know of the case; only what comes now is of interest.
async fn a_suggestion(bench: &Bench, address: &str) -> Matter {
    let matter = a_matter();
    bench.peers.reach(matter.account(), address, "en");
    bench.submitted(&matter).await;
    bench.opened(&matter).await;
    bench.send().await;
    matter
}

async fn result(bench: &Bench, matter: &Matter, uptake: &str) -> Envelope {
    bench.weighed(matter, ASKED, uptake).await
}

#[tokio::test]
async fn an_author_hears_on_the_pages_and_by_mail_what_became_of_the_suggestion() {
    let bench = bench().await;
    for (uptake, english, chinese) in [
        ("taken", "was taken up", "\u{5df2}\u{88ab}\u{91c7}\u{7eb3}"),
        ("partly", "A part of what", "\u{90e8}\u{5206}\u{91c7}\u{7eb3}"),
        ("not", "was not taken up", "\u{672a}\u{88ab}\u{91c7}\u{7eb3}"),
        ("", "does not speak of", "\u{6ca1}\u{6709}\u{4e13}\u{95e8}"),
    ] {
        let matter = a_suggestion(&bench, &format!("{}@example.org", fresh().simple())).await;
        let before = bench.mail.mails().len();
        let said = result(&bench, &matter, uptake).await;
        bench.hear(&[said.clone(), said]).await;
        bench.send().await;

        let mut reader = person(matter.account());
        let notices = bench.notices(&reader).await.notices;
        let told = |it: &&_| -> bool {
            let it: &liuyan_proto::liuyan::notification::v1::Notice = it;
            it.event_type == "liuyan.routing.v1.result-told"
        };
        assert_eq!(notices.iter().filter(told).count(), 1, "once, however often it is heard");
        let notice = notices.iter().find(told).unwrap();
        assert!(notice.body.contains(english), "{uptake}: {}", notice.body);
        assert!(notice.body.starts_with(&format!("Office {ASKED} has published")), "who asked");
        assert!(notice.body.contains(&matter.number) && notice.number == matter.number);
        reader.locale = "zh-CN".to_owned();
        let notices = bench.notices(&reader).await.notices;
        let notice = notices.iter().find(told).unwrap();
        assert!(notice.body.contains(chinese), "{uptake}: {}", notice.body);

        let mails = bench.mail.mails();
        assert_eq!(mails.len(), before + 1, "{uptake}");
        let mail = format!("{:?}", mails.last().unwrap());
        assert!(mail.contains(&matter.number), "{mail}");
    }
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn no_office_hears_of_it_and_another_outcome_is_told_anew() {
    let bench = bench().await;
    let matter = a_suggestion(&bench, "twice@example.org").await;
    result(&bench, &matter, "not").await;
    result(&bench, &matter, "taken").await;
    let told = bench.told(&person(matter.account())).await;
    assert_eq!(told, ["case-opened", "result-told", "result-told"]);
    for office in [OFFICE, ASKED] {
        assert!(bench.told(&clerk(fresh(), office)).await.is_empty());
    }
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_result_that_is_heard_before_the_message_waits_for_it_and_says_the_same() {
    let bench = bench().await;
    let matter = a_matter();
    result(&bench, &matter, "taken").await;
    assert!(bench.told(&person(matter.account())).await.is_empty());
    bench.submitted(&matter).await;
    let notice = bench.notices(&person(matter.account())).await.notices.remove(0);
    assert!(notice.body.contains("was taken up"), "{}", notice.body);
    assert!(bench.breaches().await.is_empty());
}
