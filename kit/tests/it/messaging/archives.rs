//! What was said can always be said again: days leave the outbox only as whole objects, and come back.

use jiff::SignedDuration;
use liuyan_kit::{
    messaging::archive::{Error, Step},
    testing,
};
use scene::{Scene, lines};

use super::helpers::{LIMIT, count, execute, now, say, settled, subject};

mod scene;

/// So old that it may go.
const OLD: i64 = 40;

#[tokio::test]
async fn what_was_archived_is_read_as_it_was_said() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    let (first, second) = (subject(), subject());
    scene.say(OLD, first, &["a", "b"]).await;
    scene.say(OLD - 1, second, &["c"]).await;
    scene.say(OLD - 1, first, &["d"]).await;
    say(&scene.db, first, &["e"]).await;
    scene.confirmed("moderation").await;
    let before = scene.history(None).await.unwrap();
    assert_eq!(lines(&before), [(first, 1), (first, 2), (second, 1), (first, 3), (first, 4)]);
    assert_eq!(scene.gone().await, 2);
    assert_eq!(scene.rows().await, 1, "the last one is of today");
    assert_eq!(scene.history(None).await.unwrap(), before);
    let about = scene.history(Some(second)).await.unwrap();
    assert_eq!(lines(&about), [(second, 1)]);
    assert_eq!(count(&scene.db, "select sum(events)::bigint from messaging.archives").await, 4);
    let minutes = "select sum(count)::bigint from messaging.archived_minutes";
    assert_eq!(count(&scene.db, minutes).await, 4);
}

#[tokio::test]
async fn a_day_is_kept_while_one_consumer_has_not_confirmed() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    scene.silent("routing").await;
    let subject = subject();
    scene.say(OLD, subject, &["a"]).await;
    scene.confirmed("moderation").await;
    assert_eq!(scene.steps().await, [Step::NotYet]);
    assert_eq!(scene.rows().await, 1);
    scene.hear("routing").await;
    scene.confirmed("routing").await;
    // It agrees by now, and takes its confirmation back: at once, or at the last moment.
    scene.stop_confirming();
    execute(&scene.db, "update messaging.confirmations set confirmed_before = '-infinity'").await;
    assert_eq!(scene.steps().await, [Step::NotYet]);
    let (keeper, epoch) = (scene.keeper(), scene.epoch().await);
    let archive = keeper.export(epoch, scene.day(OLD)).await.unwrap();
    assert!(matches!(keeper.settle(epoch, archive).await, Err(Error::Changed(_))));
    assert_eq!(scene.rows().await, 1);
    scene.confirm();
    scene.confirmed("routing").await;
    scene.confirmed("moderation").await;
    assert_eq!(scene.gone().await, 1);
}

#[tokio::test]
async fn a_day_is_kept_while_one_consumer_does_not_answer() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    scene.say(OLD, subject(), &["a"]).await;
    scene.confirmed("moderation").await;
    // It confirmed, and is away now; or nobody knows where it is.
    let nobody = testing::channel(([127, 0, 0, 1], 9).into());
    for channel in [Some(nobody), None] {
        let mut keeper = scene.keeper();
        keeper.hearers = vec![("moderation", channel)];
        let steps = keeper.round(scene.epoch().await).await.unwrap();
        assert_eq!(steps.iter().map(|(_, step)| *step).collect::<Vec<_>>(), [Step::NotYet]);
    }
    assert_eq!(scene.rows().await, 1);
    assert_eq!(scene.gone().await, 1);
}

#[tokio::test]
async fn a_consumer_that_no_longer_has_what_it_confirmed_is_noticed() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    let subject = subject();
    scene.say(OLD, subject, &["a"]).await;
    scene.confirmed("moderation").await;
    // Its database is an older one.
    execute(scene.heard("moderation"), "truncate messaging.digests, messaging.positions, effects")
        .await;
    scene.stop_confirming();
    assert_eq!(scene.steps().await, [Step::NotYet]);
    scene.confirm();
    settled(scene.heard("moderation"), subject, 1).await;
    scene.confirmed("moderation").await;
    assert_eq!(scene.gone().await, 1);
}

#[tokio::test]
async fn a_day_is_kept_until_its_days_have_passed() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    scene.say(20, subject(), &["a"]).await;
    scene.confirmed("moderation").await;
    scene.clock.advance(SignedDuration::from_hours(9 * 24));
    assert_eq!(scene.steps().await, [], "29 days");
    assert_eq!(scene.rows().await, 1);
    scene.clock.advance(SignedDuration::from_hours(2 * 24));
    assert_eq!(scene.gone().await, 1);
    assert_eq!(scene.rows().await, 0);
}

#[tokio::test]
async fn an_event_that_is_not_on_the_bus_stays() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    scene.say(OLD, subject(), &["a"]).await;
    scene.confirmed("moderation").await;
    scene.stop_relay();
    let wait = "select messaging.wait_for_bus(array_agg(event_id)) from messaging.outbox";
    execute(&scene.db, wait).await;
    assert_eq!(scene.steps().await, [Step::NotYet]);
    // It is found out at the last moment, too.
    let day = scene.day(OLD);
    let (keeper, epoch) = (scene.keeper(), scene.epoch().await);
    let archive = keeper.export(epoch, day).await.unwrap();
    assert!(matches!(keeper.settle(epoch, archive).await, Err(Error::Changed(_))));
    assert_eq!(scene.rows().await, 1);
}

#[tokio::test]
async fn a_crash_between_export_and_drop_loses_nothing() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    let subject = subject();
    scene.say(OLD, subject, &["a", "b"]).await;
    scene.confirmed("moderation").await;
    let before = scene.history(None).await.unwrap();
    let (keeper, epoch) = (scene.keeper(), scene.epoch().await);
    let left = keeper.export(epoch, scene.day(OLD)).await.unwrap();
    keeper.compare(&left).await.unwrap();
    // Here it dies. Everything is in the outbox, and nobody knows of the object.
    assert_eq!(scene.history(None).await.unwrap(), before);
    assert_eq!(count(&scene.db, "select count(*) from messaging.archives").await, 0);
    // The next one, under a new epoch, does it anew, and removes what was left; not what is known.
    let next = scene.next_epoch().await;
    assert_eq!(scene.keeper().round(next).await.unwrap().len(), 1);
    assert_eq!(scene.history(None).await.unwrap(), before);
    assert_eq!(scene.objects_there().await.len(), 2);
    let later = scene.next_epoch().await;
    scene.keeper().clear(later).await.unwrap();
    let there = scene.objects_there().await;
    assert!(there.len() == 1 && !there.contains(&left.object), "{there:?}");
    assert_eq!(scene.history(None).await.unwrap(), before);
}

#[tokio::test]
async fn two_replicas_at_once_lose_nothing() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    let subject = subject();
    scene.say(OLD, subject, &["a", "b", "c"]).await;
    scene.confirmed("moderation").await;
    let before = scene.history(None).await.unwrap();
    // One is frozen after it has exported; another takes the lease and does the whole work.
    let (frozen, epoch) = (scene.keeper(), scene.epoch().await);
    let its = frozen.export(epoch, scene.day(OLD)).await.unwrap();
    let next = scene.next_epoch().await;
    assert!(matches!(frozen.settle(epoch, its.clone()).await, Err(Error::LeaseLost)));
    // Two that both believe to have the lease, side by side.
    let (one, other) = (scene.keeper(), scene.keeper());
    let (_, _) = tokio::join!(one.round(next), other.round(next));
    assert!(matches!(frozen.settle(epoch, its).await, Err(Error::LeaseLost)));
    assert_eq!(scene.history(None).await.unwrap(), before);
    assert_eq!(scene.gone().await, 0, "it has gone already");
    assert_eq!(count(&scene.db, "select count(*) from messaging.archives").await, 1);
}

#[tokio::test]
async fn a_damaged_object_is_noticed_and_the_rows_stay() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    scene.say(OLD, subject(), &["a", "b"]).await;
    scene.confirmed("moderation").await;
    let (keeper, epoch) = (scene.keeper(), scene.epoch().await);
    let archive = keeper.export(epoch, scene.day(OLD)).await.unwrap();
    let whole = scene.content(&archive.object);
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        scene.replace(&archive.object, &damaged);
        let found = keeper.compare(&archive).await;
        assert!(matches!(found, Err(Error::Damaged { .. })), "byte {place}: {found:?}");
    }
    for end in [0, whole.len() / 2, whole.len() - 1] {
        scene.replace(&archive.object, &whole[..end]);
        assert!(matches!(keeper.compare(&archive).await, Err(Error::Damaged { .. })));
    }
    scene.replace(&archive.object, &[whole.clone(), whole.clone()].concat());
    assert!(matches!(keeper.compare(&archive).await, Err(Error::Damaged { .. })));
    assert_eq!(scene.rows().await, 2);
    scene.replace(&archive.object, &whole);
    keeper.compare(&archive).await.unwrap();
    // An object that is whole and holds something else is not taken for it, either.
    execute(&scene.db, "update messaging.outbox set payload = 'x' where version = 2").await;
    assert!(matches!(keeper.compare(&archive).await, Err(Error::Damaged { .. })));
}

#[tokio::test]
async fn a_new_consumer_gets_all_events_in_order_archived_ones_too() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    let (first, second) = (subject(), subject());
    scene.say(OLD, first, &["a", "b"]).await;
    scene.say(OLD - 1, second, &["c"]).await;
    scene.say(OLD - 3, first, &["d", "e"]).await;
    scene.confirmed("moderation").await;
    let before = scene.history(None).await.unwrap();
    assert_eq!(scene.gone().await, 3);
    // The bus knows nothing of them any more, either.
    scene.empty_bus().await;
    say(&scene.db, first, &["f"]).await;
    settled(scene.heard("moderation"), first, 5).await;
    scene.keep();
    scene.consumer("routing").await;
    settled(scene.heard("routing"), first, 5).await;
    settled(scene.heard("routing"), second, 1).await;
    // When nobody wants the days any more, they go again, and everything is as it was.
    scene.clock.advance(SignedDuration::from_mins(6));
    testing::eventually("the days have gone again", LIMIT, || async {
        scene.clock.advance(SignedDuration::from_mins(1));
        let back = "select count(*) from messaging.archives where back_at is not null";
        (count(&scene.db, back).await == 0 && scene.rows().await == 1).then_some(())
    })
    .await;
    assert_eq!(lines(&scene.history(None).await.unwrap())[..5], lines(&before));
}

#[tokio::test]
async fn a_day_that_is_back_stays_while_somebody_misses_it() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    scene.say(OLD, subject(), &["a", "b"]).await;
    scene.confirmed("moderation").await;
    assert_eq!(scene.gone().await, 1);
    execute(&scene.db, "update messaging.archives set wanted_at = now()").await;
    assert_eq!(scene.steps().await, [Step::Back, Step::NotYet]);
    // Nobody has wanted it for a while; but it was confirmed by a database that is no more.
    scene.clock.advance(SignedDuration::from_mins(6));
    scene.stop_confirming();
    execute(scene.heard("moderation"), "truncate messaging.digests, messaging.positions, effects")
        .await;
    assert_eq!(scene.steps().await, [Step::NotYet]);
    assert_eq!(scene.rows().await, 2);
    scene.confirm();
    scene.confirmed("moderation").await;
    scene.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(scene.gone().await, 1);
}

#[tokio::test]
async fn whoever_counts_while_a_day_comes_back_finds_it_in_one_place() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    scene.say(OLD, subject(), &["a", "b", "c"]).await;
    scene.confirmed("moderation").await;
    assert_eq!(scene.gone().await, 1);
    scene.stop_confirming();
    scene.stop_relay();
    let wanted = "update messaging.archives set wanted_at = 'epoch'";
    execute(&scene.db, wanted).await;
    // Its row is held, so that the day stands at the door: back already, and not yet committed.
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (held, holds) = tokio::sync::oneshot::channel::<()>();
    let db = (*scene.db).clone();
    let holder = tokio::spawn(async move {
        db.write(|tx| {
            Box::pin(async move {
                sqlx::raw_sql("select from messaging.archives for update").execute(tx).await?;
                let _ = held.send(());
                let _ = released.await;
                Ok::<_, sqlx::Error>(())
            })
        })
        .await
    });
    holds.await.unwrap();
    let (keeper, epoch) = (scene.keeper(), scene.epoch().await);
    let returning = tokio::spawn(async move { keeper.round(epoch).await });
    let waiting = |all| {
        let db = (*scene.db).clone();
        async move {
            let waiters = "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'";
            testing::eventually("they wait", LIMIT, || async {
                (count(&db, waiters).await == all).then_some(())
            })
            .await;
        }
    };
    waiting(1).await;
    let db = (*scene.db).clone();
    let counting = tokio::spawn(async move {
        let said = "select (select count(*) from messaging.outbox)
             + (select coalesce(sum(events), 0) from messaging.archives where back_at is null)::bigint";
        count(&db, said).await
    });
    waiting(2).await;
    release.send(()).unwrap();
    assert_eq!(counting.await.unwrap(), 3);
    assert_eq!(returning.await.unwrap().unwrap().first().map(|(_, step)| *step), Some(Step::Back));
    holder.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_consumer_that_fell_behind_the_archives_gets_them_again() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    let subject = subject();
    scene.say(OLD, subject, &["a", "b"]).await;
    scene.confirmed("moderation").await;
    assert_eq!(scene.gone().await, 1);
    scene.keep();
    // Its database is an older one, and only the next event shows it: by a gap.
    execute(scene.heard("moderation"), "truncate messaging.digests, messaging.positions, effects")
        .await;
    say(&scene.db, subject, &["c"]).await;
    settled(scene.heard("moderation"), subject, 3).await;
}

#[tokio::test]
async fn a_damaged_archive_brings_nothing_back_and_is_made_anew_from_rows() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    scene.say(OLD, subject(), &["a", "b"]).await;
    scene.confirmed("moderation").await;
    let before = scene.history(None).await.unwrap();
    assert_eq!(scene.gone().await, 1);
    let object = scene.objects_there().await.remove(0);
    let whole = scene.content(&object);
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    scene.replace(&object, &damaged);
    assert!(matches!(scene.history(None).await, Err(Error::Damaged { .. })));
    execute(&scene.db, "update messaging.archives set wanted_at = 'epoch'").await;
    let epoch = scene.epoch().await;
    assert!(matches!(scene.keeper().round(epoch).await, Err(Error::Damaged { .. })));
    assert_eq!(scene.rows().await, 0);
    // It came back while it was whole, and is damaged then.
    scene.replace(&object, &whole);
    scene.stop_confirming();
    execute(&scene.db, "update messaging.archives set wanted_at = now() + interval '1 day'").await;
    assert_eq!(scene.steps().await, [Step::Back, Step::NotYet]);
    assert_eq!(scene.rows().await, 2);
    scene.replace(&object, &damaged);
    execute(&scene.db, "update messaging.archives set wanted_at = 'epoch'").await;
    assert_eq!(scene.gone().await, 1);
    assert_eq!(scene.history(None).await.unwrap(), before);
    assert!(!scene.objects_there().await.contains(&object));
}

#[tokio::test]
async fn what_is_said_with_a_wrong_clock_is_archived_with_its_day() {
    let mut scene = Scene::new().await;
    scene.consumer("moderation").await;
    let subject = subject();
    scene.say(OLD, subject, &["a"]).await;
    scene.confirmed("moderation").await;
    assert_eq!(scene.gone().await, 1);
    // Two more of that day, and one of a day that never had a partition.
    scene.say_without_partition(OLD, subject, &["b", "c"]).await;
    scene.say_without_partition(OLD + 30, subject, &["d"]).await;
    settled(scene.heard("moderation"), subject, 4).await;
    scene.keep();
    testing::eventually("all of it is archived", LIMIT, || async {
        scene.clock.advance(SignedDuration::from_mins(1));
        let archived = "select coalesce(sum(events), 0)::bigint from messaging.archives
                        where back_at is null";
        (count(&scene.db, archived).await == 4 && scene.rows().await == 0).then_some(())
    })
    .await;
    let said = lines(&scene.history(None).await.unwrap());
    assert_eq!(said, [(subject, 4), (subject, 1), (subject, 2), (subject, 3)]);
    assert!(now() > scene.day(OLD));
}
