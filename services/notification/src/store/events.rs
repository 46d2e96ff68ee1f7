//! Everything of which somebody may be told.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{expect_rows, unknown};
use crate::domain::event::{Happened, Kind};

/// How many were told of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    /// Notices on the pages.
    pub(crate) notices: i32,
    /// Deliveries to endpoints.
    pub(crate) deliveries: i32,
}

/// Stores events; those without a count wait for their message.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    events: &[(Happened, Option<Told>)],
) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let uuids = |get: fn(&Happened) -> Uuid| -> Vec<Uuid> {
        events.iter().map(|(event, _)| get(event)).collect()
    };
    let maybe_uuids = |get: fn(&Happened) -> Option<Uuid>| -> Vec<Option<Uuid>> {
        events.iter().map(|(event, _)| get(event)).collect()
    };
    let texts = |get: fn(&Happened) -> &str| -> Vec<String> {
        events.iter().map(|(event, _)| get(event).to_owned()).collect()
    };
    let flags = |get: fn(&Happened) -> bool| -> Vec<bool> {
        events.iter().map(|(event, _)| get(event)).collect()
    };
    let times = |get: fn(&Happened) -> Timestamp| -> Vec<OffsetDateTime> {
        events.iter().map(|(event, _)| to_db(get(event))).collect()
    };
    let deadlines: Vec<Option<OffsetDateTime>> =
        events.iter().map(|(event, _)| event.deadline_at.map(to_db)).collect();
    let traces: Vec<Option<String>> =
        events.iter().map(|(event, _)| event.traceparent.clone()).collect();
    let waiting: Vec<bool> = events.iter().map(|(_, told)| told.is_none()).collect();
    let told: Vec<Told> = events.iter().map(|(_, told)| told.unwrap_or_default()).collect();
    let notices: Vec<i32> = told.iter().map(|told| told.notices).collect();
    let deliveries: Vec<i32> = told.iter().map(|told| told.deliveries).collect();
    let result = sqlx::query_file!(
        "src/queries/add_events.sql",
        &uuids(|event| event.event_id),
        &texts(|event| event.kind.name()),
        &maybe_uuids(|event| Some(event.message_id).filter(|id| !id.is_nil())) as &[Option<Uuid>],
        &maybe_uuids(|event| event.case_id) as &[Option<Uuid>],
        &times(|event| event.occurred_at),
        &times(|event| event.said_at),
        &flags(|event| event.historical),
        &flags(|event| event.public),
        &texts(|event| &event.office_id),
        &texts(|event| &event.division_code),
        &flags(|event| event.withdrawn),
        &deadlines as &[Option<OffsetDateTime>],
        &maybe_uuids(|event| event.reply_id) as &[Option<Uuid>],
        &texts(|event| &event.uptake),
        &traces as &[Option<String>],
        &waiting,
        &notices,
        &deliveries,
    )
    .execute(tx)
    .await?;
    expect_rows(&result, events.len())
}

/// Events that wait for their messages, in the order in which they were said.
pub(crate) async fn waiting(
    tx: &mut PgConnection,
    message_ids: &[Uuid],
) -> Result<Vec<Happened>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select event_id, kind, message_id as "message_id!", case_id, occurred_at, said_at,
                  historical, public, office_id, division_code, withdrawn, deadline_at, reply_id,
                  uptake, traceparent
           from events where message_id = any($1) and state = 'waiting'
           order by event_id"#,
        message_ids
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Happened {
                event_id: row.event_id,
                kind: Kind::of(&row.kind).ok_or_else(|| unknown("kind", &row.kind))?,
                message_id: row.message_id,
                case_id: row.case_id,
                occurred_at: from_db(row.occurred_at),
                said_at: from_db(row.said_at),
                historical: row.historical,
                public: row.public,
                office_id: row.office_id,
                division_code: row.division_code,
                withdrawn: row.withdrawn,
                deadline_at: row.deadline_at.map(from_db),
                reply_id: row.reply_id,
                uptake: row.uptake,
                traceparent: row.traceparent,
            })
        })
        .collect()
}

/// Notes how many were told of events that waited.
pub(crate) async fn settle(
    tx: &mut PgConnection,
    events: &[(Happened, Told)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = events.iter().map(|(event, _)| event.event_id).collect();
    let historical: Vec<bool> = events.iter().map(|(event, _)| event.historical).collect();
    let notices: Vec<i32> = events.iter().map(|(_, told)| told.notices).collect();
    let deliveries: Vec<i32> = events.iter().map(|(_, told)| told.deliveries).collect();
    let result = sqlx::query!(
        "update events
         set state = 'told', historical = told.historical, notice_count = notices,
             delivery_count = deliveries
         from unnest($1::uuid[], $2::bool[], $3::int[], $4::int[])
             as told (event_id, historical, notices, deliveries)
         where events.event_id = told.event_id and state = 'waiting'",
        &ids,
        &historical,
        &notices,
        &deliveries,
    )
    .execute(tx)
    .await?;
    expect_rows(&result, events.len())
}
