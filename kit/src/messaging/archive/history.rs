//! Outbox and archives as one: everything that was ever said, in order.

use futures::{Stream, TryStreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Error,
    format::{Reader, Said},
    list, store,
};
use crate::{clock, db::Db, objects::Objects};

/// Events that are read ahead.
const AHEAD: usize = 256;

/// Which events: by the time at which they were said, and by what they are about.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
    /// About this only.
    pub subject: Option<Uuid>,
}

/// Everything that a service has said.
#[derive(Debug, Clone)]
pub struct History {
    /// Its database.
    pub db: Db,
    /// Its objects, if it has a place for any.
    pub objects: Option<Objects>,
}

type Sender = mpsc::Sender<Result<Said, Error>>;

impl History {
    /// The events, day by day, each day in the order in which they were said. Of two that were said
    /// around midnight, the later one can stand before it.
    ///
    /// The stream gives [`Error::Changed`] at its end if a day was archived or came back meanwhile:
    /// then events can be missing or doubled.
    pub fn events(&self, range: Range) -> impl Stream<Item = Result<Said, Error>> + Send + use<> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let history = self.clone();
        tokio::spawn(async move {
            if let Err(error) = history.send(range, &sender).await {
                let _ = sender.send(Err(error)).await;
            }
        });
        of_receiver(receiver)
    }

    async fn send(&self, range: Range, sender: &Sender) -> Result<(), Error> {
        let before = list(&mut *self.db.read().await?).await?;
        let mut from = range.from;
        for archive in &before {
            let (day, until) = (archive.day, archive.until());
            if archive.back || until <= range.from || day >= range.until {
                continue;
            }
            if from < day {
                outbox(&self.db, Range { from, until: day, ..range }, sender).await?;
            }
            let objects = self.objects.as_ref().ok_or(crate::objects::Error::Nowhere)?;
            let mut reader = Reader::open(objects, archive.clone()).await?;
            while let Some(event) = reader.next().await? {
                let at = clock_of(&event);
                let asked = at >= range.from && at < range.until;
                let about = range.subject.is_none_or(|subject| subject == event.subject_id);
                if asked && about && sender.send(Ok(event)).await.is_err() {
                    return Ok(());
                }
            }
            // What was said so late that the day had gone.
            let (late, end) = (day.max(range.from), until.min(range.until));
            outbox(&self.db, Range { from: late, until: end, ..range }, sender).await?;
            from = until;
        }
        if from < range.until {
            outbox(&self.db, Range { from, ..range }, sender).await?;
        }
        let after = list(&mut *self.db.read().await?).await?;
        let state = |archives: &[super::Archive]| -> Vec<_> {
            archives.iter().map(|archive| (archive.day, archive.back)).collect()
        };
        if state(&before) == state(&after) { Ok(()) } else { Err(Error::Changed(range.from)) }
    }
}

/// The events of a time that are in the outbox, in the order in which they were said.
pub(super) fn in_outbox(
    db: &Db,
    from: Timestamp,
    until: Timestamp,
) -> impl Stream<Item = Result<Said, Error>> + Send + use<> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let db = db.clone();
    tokio::spawn(async move {
        if let Err(error) = outbox(&db, Range { from, until, subject: None }, &sender).await {
            let _ = sender.send(Err(error)).await;
        }
    });
    of_receiver(receiver)
}

async fn outbox(db: &Db, range: Range, sender: &Sender) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    store::take_time(&mut tx).await?;
    let mut rows = sqlx::query!(
        r#"select id, event_id, subject_id, version, type as kind, payload, headers, attempt, created_at,
                  waiting_id is not null as "waits!"
         from messaging.outbox
         left join (select event_id as waiting_id from messaging.waiting) as waiting
             on waiting_id = event_id
         where event_id >= messaging.first_id_at($1) and event_id < messaging.first_id_at($2)
           and ($3::uuid is null or subject_id = $3)
         order by id"#,
        clock::to_db(range.from),
        clock::to_db(range.until),
        range.subject
    )
    .fetch(&mut *tx);
    while let Some(row) = rows.try_next().await? {
        let said = Said {
            id: row.id,
            event_id: row.event_id,
            subject_id: row.subject_id,
            version: row.version,
            kind: row.kind,
            headers: row.headers,
            attempt: row.attempt,
            created_at: clock::from_db(row.created_at),
            waits: row.waits,
            payload: row.payload,
        };
        if sender.send(Ok(said)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The moment in the event's id.
fn clock_of(event: &Said) -> Timestamp {
    let millis = i64::try_from(event.event_id.as_u64_pair().0 >> 16).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

fn of_receiver<T: Send + 'static>(
    receiver: mpsc::Receiver<T>,
) -> impl Stream<Item = T> + Send + use<T> {
    stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    })
}
