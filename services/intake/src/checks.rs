//! What the rows of the newer tables imply about each other; `liuyan verify` asks.

/// Promises, each with the query that counts its breaches.
pub const CHECKS: &[(&str, &str)] = &[
    (
        "every column has the messages that it counts, and they are there",
        "select count(*) from (
             select column_id, count(*) as found, max(change) as last
             from column_messages group by column_id
         ) as own
         full join columns using (column_id)
         where coalesce(found, 0) is distinct from columns.messages
            or coalesce(last, 0) is distinct from columns.changes",
    ),
    (
        "every message that came by a column is there, and says so",
        "select count(*) from column_messages left join messages using (message_id)
         where messages.channel is distinct from 'column'",
    ),
    (
        "every column has as many requests and events as it counts",
        "select count(*) from columns
         full join (
             select column_id, count(*) as found from column_requests group by column_id
         ) as asked using (column_id)
         left join messaging.subjects on subjects.subject_id = columns.subject_id
         where asked.found is distinct from columns.version
            or subjects.version is distinct from columns.version",
    ),
    (
        "what came by the hotline says who entered it",
        "select count(*) from (
             select message_id, channel from messages
             where channel = 'hotline' and occurred_at is null
         ) as entered
         full join hotline_entries using (message_id)
         where channel is null or operator is null",
    ),
];
