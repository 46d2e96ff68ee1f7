//! A silently changed, dated back or dropped entry is found, also if whoever did it made the whole
//! tree anew: they have not the key that signs heads.

use jiff::SignedDuration;
use liuyan_intake::{
    audit::audit,
    domain::log::{Entry, Hash, Tiles, tree},
    store::log,
};
use liuyan_proto::liuyan::{intake::v1::NewMessage, moderation::v1::MessageApproved};
use sqlx::{Connection as _, PgConnection};

use crate::helpers::{Desk, a_message_by, a_submission_of, count};

/// A board with receipts, events, several heads, and a receipt that waits.
async fn a_board() -> Desk {
    let desk = Desk::open().await;
    for round in 0..3 {
        for n in 0..3 {
            desk.clock.advance(SignedDuration::from_secs(1));
            let message = NewMessage {
                remark: format!("Remark {n}"),
                topic: format!("Round {round}"),
                ..a_message_by("Wang", "13800001111")
            };
            let answer = desk.submit(a_submission_of(message)).await.unwrap();
            let message_id = answer.receipt.unwrap().message_id;
            let approved = MessageApproved {
                message_id: message_id.clone(),
                revision: 1,
                ..MessageApproved::default()
            };
            desk.hear(message_id.parse().unwrap(), approved).await.unwrap();
        }
        desk.sequence().await;
    }
    desk.submitted().await;
    desk
}

async fn found(desk: &Desk, connection: &mut PgConnection) -> Vec<String> {
    audit(connection, &desk.public_keys(), desk.now()).await.unwrap().breaches
}

#[tokio::test]
async fn whatever_is_changed_dated_back_or_dropped_is_found() {
    let desk = a_board().await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
    let mut connection = desk.db.read().await.unwrap();
    for (crime, told) in [
        ("update texts set body = 'Something else.' where message_id = $id", "text of message"),
        ("update remarks set remark = 'Something else' where message_id = $id", "text of message"),
        ("update messages set topic = 'Other' where message_id = $id", "text of message"),
        (
            "update messages set submitted_at = submitted_at - interval '1 day' where message_id = $id",
            "not what its receipt states",
        ),
        ("update messages set number = '0000-0000-0000-0' where message_id = $id", "its receipt states"),
        (
            "update receipts set statement = convert_to(replace(convert_from(statement, 'UTF8'), '2025', '2024'), 'UTF8')
             where message_id = $id",
            "was changed",
        ),
        ("update receipts set signature = decode(repeat('00', 64), 'hex') where message_id = $id", "not signed"),
        ("update receipts set salt = null where message_id = $id", "without a redaction"),
        ("update receipts set salt = decode(repeat('00', 32), 'hex') where message_id = $id", "was changed"),
        ("delete from receipts where message_id = $id", "is gone"),
        (
            "delete from messages where message_id = $id; delete from texts where message_id = $id;
             delete from receipts where message_id = $id; delete from remarks where message_id = $id",
            "is gone",
        ),
        ("delete from log_leaves where index = 4", "missing from place 4"),
        (
            "delete from log_leaves where index = 4;
             update log_leaves set index = -index where index > 4 and false;
             alter table log_leaves drop constraint log_leaves_pkey;
             update log_leaves set index = index - 1 where index > 4;
             update log_head set size = size - 1",
            "another root",
        ),
        ("delete from log_leaves where index = (select max(index) from log_leaves)", "was signed"),
        (
            "update log_leaves set preimage = convert_to(replace(convert_from(preimage, 'UTF8'), 'approved', 'declined'), 'UTF8')
             where kind = 'event'",
            "was changed",
        ),
        ("update log_leaves set salt = null where kind = 'event'", "without a redaction"),
        ("update log_leaves set leaf_hash = sha256('x') where index = 2", "was changed"),
        ("update log_tiles set hashes = substr(hashes, 1, 32)", "tile"),
        ("delete from log_tiles", "tile"),
        ("delete from log_heads where size = (select min(size) from log_heads)", "not all heads"),
        ("delete from log_heads where size = (select max(size) from log_heads)", "after a minute"),
        ("update log_heads set signed_at = signed_at - interval '1 hour' where size = 18", "dated back"),
        ("update log_heads set root_hash = sha256('x') where size = 6", "not the one that was signed"),
        ("update log_head set size = 3", "counts"),
        ("delete from log_batches", "is not in the log"),
        (
            "update log_batches set created_at = (
                 select array_agg(moment - interval '2 minutes') from unnest(created_at) as moment)",
            "after a minute",
        ),
    ] {
        let mut tx = connection.begin().await.unwrap();
        let victim: String = sqlx::query_scalar(
            "select subject_id::text from log_leaves where kind = 'receipt' order by index limit 1 offset 1",
        )
        .fetch_one(&mut *tx)
        .await
        .unwrap();
        let crime = crime.replace("$id", &format!("'{victim}'"));
        sqlx::raw_sql(sqlx::AssertSqlSafe(crime.clone())).execute(&mut *tx).await.unwrap();
        let breaches = found(&desk, &mut tx).await;
        assert!(breaches.iter().any(|it| it.contains(told)), "{crime}: {breaches:#?}");
        tx.rollback().await.unwrap();
    }
}

/// Makes all tiles anew from the leaves as they are, as somebody would who hides a change.
async fn make_tree_anew(tx: &mut PgConnection) -> Hash {
    let leaves: Vec<Hash> = log::leaves(tx, 0, u64::from(u32::MAX))
        .await
        .unwrap()
        .into_iter()
        .map(|(_, leaf)| leaf.try_into().unwrap())
        .collect();
    let mut tiles = Tiles::new();
    tree::append(0, &leaves, &mut tiles).unwrap();
    log::put_tiles(tx, &tiles).await.unwrap();
    tree::root(leaves.len() as u64, &tiles).unwrap()
}

#[tokio::test]
async fn whoever_makes_the_whole_tree_anew_cannot_sign_its_heads() {
    let desk = a_board().await;
    let mut connection = desk.db.read().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    // The text, its hash, the statement, the leaf and the tree are all changed to fit.
    let (message_id, salt, statement): (uuid::Uuid, Vec<u8>, Vec<u8>) = sqlx::query_as(
        "select message_id, receipts.salt, statement from receipts join log_leaves on subject_id = message_id
         where index = 0",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    let statement =
        String::from_utf8(statement).unwrap().replace("office: 110000-s", "office: 120000-s");
    let salt: [u8; 32] = salt.try_into().unwrap();
    let leaf = Entry::receipt(message_id, &salt, statement.as_bytes(), desk.now()).leaf_hash;
    let crime = format!(
        "update receipts set statement = decode('{}', 'hex') where message_id = '{message_id}';
         update log_leaves set leaf_hash = decode('{}', 'hex')
         where subject_id = '{message_id}' and kind = 'receipt';
         update messages set office_id = '120000-s' where message_id = '{message_id}'",
        hex::encode(&statement),
        hex::encode(leaf),
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(crime)).execute(&mut *tx).await.unwrap();
    let root = make_tree_anew(&mut tx).await;
    let breaches = found(&desk, &mut tx).await;
    assert!(breaches.iter().any(|it| it.contains("another root than was signed")), "{breaches:#?}");
    // Nor does it help to write the new root over the newest head.
    let crime = format!(
        "update log_heads set root_hash = decode('{}', 'hex')
         where size = (select max(size) from log_heads)",
        hex::encode(root)
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(crime)).execute(&mut *tx).await.unwrap();
    let breaches = found(&desk, &mut tx).await;
    assert!(breaches.iter().any(|it| it.contains("not the one that was signed")), "{breaches:#?}");
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_sequencer_never_signs_a_tree_that_does_not_continue_the_signed_one() {
    let desk = a_board().await;
    desk.db
        .write(|tx| {
            Box::pin(async move {
                sqlx::raw_sql("update log_leaves set leaf_hash = sha256('x') where index = 0")
                    .execute(&mut *tx)
                    .await?;
                make_tree_anew(tx).await;
                Ok::<_, sqlx::Error>(())
            })
        })
        .await
        .unwrap();
    let heads = count(&desk.db, "select count(*) from log_heads").await;
    desk.clock.advance(SignedDuration::from_secs(61));
    assert!(desk.app.sequence_once(uuid::Uuid::nil()).await.is_err());
    assert_eq!(count(&desk.db, "select count(*) from log_heads").await, heads);
}

#[tokio::test]
async fn a_receipt_that_is_made_today_for_yesterday_is_found() {
    let desk = a_board().await;
    // With the board's own key: whoever has it can sign any time, but not stand among earlier ones.
    desk.clock.advance(SignedDuration::from_hours(-24));
    desk.submitted().await;
    desk.clock.advance(SignedDuration::from_hours(24));
    desk.sequence().await;
    let breaches = desk.audit().await;
    assert!(breaches.iter().any(|it| it.contains("it was dated back")), "{breaches:#?}");
}
