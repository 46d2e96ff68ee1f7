-- Says the first event of each of many subjects. $1 event ids in ascending order, $2 subjects, $3 types,
-- $4 payloads, $5 headers of each, $6 now. Nobody can have spoken of them, so nothing is locked or counted.
with said as (
    select event_id, subject_id, type, payload, headers
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::jsonb[])
        as said (event_id, subject_id, type, payload, headers)
),
counted as (
    insert into messaging.subjects (subject_id, version) select subject_id, 1 from said
),
stored as (
    insert into messaging.outbox (event_id, subject_id, version, type, payload, headers, created_at, queued)
    select event_id, subject_id, 1, type, payload, headers, $6, true from said
)
insert into messaging.waiting_batches (event_ids, first_id, last_id)
select ids[first : first + 99], ids[first], ids[least(first + 99, cardinality(ids))]
from (select $1::uuid[] as ids) as said, generate_series(1, cardinality(ids), 100) as first
