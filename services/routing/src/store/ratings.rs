//! The authors' ratings of replies.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::corrupt;
use crate::domain::{CaseId, ReplyId, rating::Rating};

/// A reply, and how it was rated.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// When the reply was given.
    pub replied_at: Timestamp,
    /// When it was first rated.
    pub rated_at: Option<Timestamp>,
    /// When the rating was last changed.
    pub changed_at: Option<Timestamp>,
    /// Whether the rating is final.
    pub is_final: bool,
}

/// A reply of a case, if it has it, and how it was rated.
pub async fn known(
    connection: &mut PgConnection,
    case_id: CaseId,
    reply_id: ReplyId,
) -> Result<Option<Known>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select replied_at, ratings.rated_at as "rated_at?", changed_at as "changed_at?",
                  final_at is not null as "is_final!"
           from replies left join ratings using (reply_id)
           where replies.reply_id = $1 and replies.case_id = $2"#,
        reply_id.uuid(),
        case_id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Known {
        replied_at: from_db(row.replied_at),
        rated_at: row.rated_at.map(from_db),
        changed_at: row.changed_at.map(from_db),
        is_final: row.is_final,
    }))
}

/// A rating of a reply, as it is stored.
#[derive(Debug, Clone)]
pub struct Rated {
    /// The case.
    pub case_id: CaseId,
    /// The reply.
    pub reply_id: ReplyId,
    /// The rating.
    pub rating: Rating,
    /// When it was first given; after a change, when it was changed.
    pub at: Timestamp,
    /// The trace of its cause.
    pub traceparent: Option<String>,
}

/// Stores a rating, or changes it.
pub async fn put(tx: &mut PgConnection, rated: &Rated) -> Result<(), sqlx::Error> {
    let put = sqlx::query!(
        "insert into ratings (reply_id, case_id, resolution, attitude, speed, rated_at, changed_at,
                              traceparent)
         values ($1, $2, $3, $4, $5, $6, $6, $7)
         on conflict (reply_id) do update
         set resolution = excluded.resolution, attitude = excluded.attitude,
             speed = excluded.speed, changed_at = excluded.changed_at,
             traceparent = excluded.traceparent
         where ratings.final_at is null",
        rated.reply_id.uuid(),
        rated.case_id.uuid(),
        rated.rating.resolution(),
        rated.rating.attitude(),
        rated.rating.speed(),
        to_db(rated.at),
        rated.traceparent,
    )
    .execute(tx)
    .await?;
    db::expect_one(&put)
}

struct RatedRow {
    case_id: Uuid,
    reply_id: Uuid,
    resolution: i16,
    attitude: i16,
    speed: i16,
    rated_at: OffsetDateTime,
    traceparent: Option<String>,
}

impl TryFrom<RatedRow> for Rated {
    type Error = sqlx::Error;

    fn try_from(row: RatedRow) -> Result<Self, sqlx::Error> {
        let [resolution, attitude, speed] =
            [row.resolution, row.attitude, row.speed].map(|value| u32::from(value.unsigned_abs()));
        Ok(Self {
            case_id: row.case_id.into(),
            reply_id: row.reply_id.into(),
            rating: Rating::new(resolution, attitude, speed)
                .map_err(|_| corrupt("rating of", &row.reply_id.to_string()))?,
            at: from_db(row.rated_at),
            traceparent: row.traceparent,
        })
    }
}

/// The ratings of cases, in the order of their replies; each with when it was first given.
pub async fn of(
    connection: &mut PgConnection,
    ids: &[CaseId],
) -> Result<HashMap<CaseId, Vec<Rated>>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        RatedRow,
        "select ratings.case_id, reply_id, resolution, attitude, speed, rated_at, traceparent
         from ratings join replies using (reply_id)
         where ratings.case_id = any($1) order by ratings.case_id, position",
        &ids
    )
    .fetch_all(connection)
    .await?;
    let mut found: HashMap<CaseId, Vec<Rated>> = HashMap::new();
    for row in rows {
        let rated = Rated::try_from(row)?;
        found.entry(rated.case_id).or_default().push(rated);
    }
    Ok(found)
}

/// The cases of up to `limit` ratings that were first given before `before` and are not final.
pub async fn due(
    connection: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<CaseId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select case_id from ratings where final_at is null and rated_at < $1
         order by rated_at, reply_id limit $2",
        to_db(before),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(CaseId::from).collect())
}

/// Makes the ratings of cases that were first given before `before` final, and gives those that
/// were not. The cases are locked.
pub async fn finalise(
    tx: &mut PgConnection,
    ids: &[CaseId],
    before: Timestamp,
    now: Timestamp,
) -> Result<Vec<Rated>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query_as!(
        RatedRow,
        "update ratings set final_at = $3
         where case_id = any($1) and rated_at < $2 and final_at is null
         returning case_id, reply_id, resolution, attitude, speed, rated_at, traceparent",
        &ids,
        to_db(before),
        to_db(now),
    )
    .fetch_all(tx)
    .await?
    .into_iter()
    .map(Rated::try_from)
    .collect()
}

/// How replies were rated, by whole groups of ratings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// The replies.
    pub replies: i64,
    /// Those that were rated.
    pub rated: i64,
    /// How many ratings the sums and labels are of.
    pub counted: i64,
    /// The sum of their first dimension.
    pub resolution: i64,
    /// The sum of their second.
    pub attitude: i64,
    /// The sum of their third.
    pub speed: i64,
    /// How many have each label, the best first.
    pub labels: [i64; 5],
}

/// The figures of the replies of offices, of the first ratings in whole groups of `group`.
pub async fn figures(
    connection: &mut PgConnection,
    office_ids: &[String],
    group: i64,
) -> Result<Figures, sqlx::Error> {
    let row = sqlx::query_file!("src/queries/rating_figures.sql", office_ids, group)
        .fetch_one(connection)
        .await?;
    Ok(Figures {
        replies: row.replies,
        rated: row.rated,
        counted: row.counted,
        resolution: row.resolution,
        attitude: row.attitude,
        speed: row.speed,
        labels: [row.label_1, row.label_2, row.label_3, row.label_4, row.label_5],
    })
}
