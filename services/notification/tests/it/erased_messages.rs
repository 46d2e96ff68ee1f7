//! A message that was erased leaves nobody to be told on its author's behalf.

use crate::{
    bench::{author, bench, clerk, fresh, person},
    tellings::{OFFICE, a_matter},
};

#[tokio::test]
async fn what_waits_to_be_sent_about_an_erased_message_is_dropped() {
    let bench = bench().await;
    let matter = a_matter();
    bench.peers.reach(matter.account(), "gone@example.org", "en");
    bench.submitted(&matter).await;
    let message_id = matter.message_id.to_string();
    bench.mailed(&author(matter.message_id), |request| request.message_id = message_id).await;
    bench.opened(&matter).await;
    let waiting = "select count(*) from deliveries where state = 'waiting'";
    assert!(bench.count(waiting).await > 0);
    let mails = bench.mail.mails().len();

    bench.message_erased(&matter).await;
    assert_eq!(bench.count(waiting).await, 0);
    bench.send().await;
    assert_eq!(bench.mail.mails().len(), mails, "what waited is not sent");
    let holder = "select count(*) from endpoints where holder like 'message/%'";
    assert_eq!(bench.count(holder).await, 0);
    assert!(bench.breaches().await.is_empty());

    // What comes later is told to the office, and to nobody on the author's behalf.
    let told = bench.told(&person(matter.account())).await;
    bench.assigned(&matter).await;
    bench.replied(&matter).await;
    assert_eq!(bench.told(&person(matter.account())).await, told);
    assert_eq!(bench.told(&clerk(fresh(), OFFICE)).await, ["case-assigned"]);
    // Heard again it changes nothing.
    bench.message_erased(&matter).await;
    assert!(bench.breaches().await.is_empty());
}
