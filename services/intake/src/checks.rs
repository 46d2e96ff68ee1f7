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
        "what was said in a consultation is a suggestion to the office that asked",
        "select count(*) from messages left join consultations using (consultation_id)
         where consultation_id is not null
           and (consultations.office_id is null or kind <> 'suggestion'
                or messages.office_id <> consultations.office_id)",
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
    (
        "of an erased message nothing is left, and of others nothing is gone",
        "select count(*) from messages
         left join receipts using (message_id)
         where (state = 'erased') <> (receipts.salt is null)
            or exists (select from texts where texts.message_id = messages.message_id
                       and (state = 'erased') <> (title = '' and body = '' and demand = '' and details = ''))
            or (state = 'erased' and exists (
                    select from remarks where remarks.message_id = messages.message_id))",
    ),
    (
        "every erased message was said to be erased",
        "select count(*) from messages full join (
             select subject_id, min(event_id::text) as said from messaging.outbox
             where type = 'liuyan.intake.v1.message-erased' group by subject_id
         ) as told on subject_id = message_id
         where (erased_at is not null) <> (said is not null)",
    ),
    (
        "every request for an erasure is in the audit log, and every one there has its answer",
        "select (select count(*) from erasure_requests as asked
                 where not exists (select from audit where audit.request_id = asked.request_id
                                   and actor = caller))
              + (select count(*) from audit
                 where request_id is not null
                   and not exists (select from erasure_requests as asked
                                   where asked.request_id = audit.request_id and caller = actor))",
    ),
    (
        "the audit log is one chain without gaps up to its head",
        "with linked as (
             select *, row_number() over (order by sequence) as expected,
                    coalesce(lag(hash) over (order by sequence), decode(repeat('00', 32), 'hex')) as before
             from audit
         )
         select (select count(*) from linked
                 where sequence <> expected or prev_hash <> before
                    or hash <> sha256(prev_hash || convert_to(concat_ws(chr(31), sequence,
                           (extract(epoch from at) * 1000000)::bigint, actor, action, subject,
                           coalesce(request_id::text, ''), detail), 'UTF8')))
              + (select count(*) from audit_head as head
                 where head.sequence <> coalesce((select max(sequence) from linked), 0)
                    or head.hash <> coalesce((select hash from linked order by sequence desc limit 1),
                                             decode(repeat('00', 32), 'hex')))
              + (select 1 - count(*) from audit_head)",
    ),
    ("it is known how far keys are wrapped anew", "select 1 - count(*) from rewrapping"),
    (
        "messages have as many files as they count, and files their message",
        "select count(*) from (select message_id, count(*) as found, max(position) as last
                               from attachments where message_id is not null group by message_id) found
         full join (select message_id, attachments from messages where attachments > 0) counting
             using (message_id)
         where found.found is distinct from counting.attachments
            or found.last is distinct from counting.attachments",
    ),
    (
        "files are as many as were counted",
        "select count(*) from (select count(*) as found from attachments) found
         full join attachment_count on true
         where found.found is distinct from attachment_count.kept",
    ),
];
