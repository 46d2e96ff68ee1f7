//! Reviews that moderators look for.

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{
    due::Due,
    filter::{Filter, Holder},
    moderator::Moderator,
    page::Cursor,
};

/// Who asks for what, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// What is asked for.
    pub filter: &'a Filter,
    /// Who asks.
    pub moderator: &'a Moderator,
    /// When.
    pub now: Timestamp,
    /// From when on the time to decide is nearly over.
    pub near: Timestamp,
}

impl Ask<'_> {
    fn states(&self) -> Vec<String> {
        self.filter.states.iter().map(|state| state.as_str().to_owned()).collect()
    }

    /// After when and until when a review is to be decided.
    fn times(&self) -> (Option<OffsetDateTime>, Option<OffsetDateTime>) {
        let (now, near) = (to_db(self.now), to_db(self.near));
        match self.filter.due {
            None => (None, None),
            Some(Due::InTime) => (Some(near), None),
            Some(Due::Near) => (Some(now), Some(near)),
            Some(Due::Overdue) => (None, Some(now)),
        }
    }

    fn holder(&self) -> Option<&'static str> {
        self.filter.holder.map(|holder| match holder {
            Holder::Nobody => "nobody",
            Holder::Caller => "caller",
            Holder::Another => "another",
        })
    }
}

/// A page of reviews, those first that are to be decided first, after `cursor`.
pub(crate) async fn list(
    connection: &mut PgConnection,
    ask: Ask<'_>,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let (after, until) = ask.times();
    let cursor = cursor.map(|cursor| (to_db(cursor.decide_by), cursor.message_id));
    // Where the page begins is one bound, of which the index makes the first row that it reads.
    let begin = cursor.max(after.map(|after| (after, Uuid::max())));
    sqlx::query_file_scalar!(
        "src/queries/list_reviews.sql",
        &ask.states(),
        ask.moderator.account,
        &ask.filter.office_ids,
        ask.filter.kind,
        ask.filter.domain,
        ask.filter.rule,
        ask.filter.ground,
        until,
        ask.holder(),
        to_db(ask.now),
        ask.moderator.name,
        ask.filter.submitted_before.map(to_db),
        begin.map(|(decide_by, _)| decide_by),
        begin.map_or(Uuid::nil(), |(_, message_id)| message_id),
        limit,
    )
    .fetch_all(connection)
    .await
}

/// How many reviews there are; no more than `most` are counted, of the first `looked_at` of each state.
pub(crate) async fn count(
    connection: &mut PgConnection,
    ask: Ask<'_>,
    most: i64,
    looked_at: i64,
) -> Result<i64, sqlx::Error> {
    let (after, until) = ask.times();
    sqlx::query_file_scalar!(
        "src/queries/count_reviews.sql",
        &ask.states(),
        ask.moderator.account,
        &ask.filter.office_ids,
        ask.filter.kind,
        ask.filter.domain,
        ask.filter.rule,
        ask.filter.ground,
        after,
        until,
        ask.holder(),
        to_db(ask.now),
        ask.moderator.name,
        ask.filter.submitted_before.map(to_db),
        most,
        looked_at,
    )
    .fetch_one(connection)
    .await
}
