-- Says a batch of events. $1 event ids, $2 subjects, $3 types, $4 payloads, $5 headers of each, $6 now.
-- Gives how many there are in each row of what waits for the bus.
with said as (
    select event_id, subject_id, type, payload, headers, place
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::jsonb[])
        with ordinality as said (event_id, subject_id, type, payload, headers, place)
),
-- Locks each subject's row, in the order of the ids, and counts its events.
counted as (
    insert into messaging.subjects as subjects (subject_id, version)
    select subject_id, count(*) from said group by subject_id order by subject_id
    on conflict (subject_id) do update set version = subjects.version + excluded.version
    returning subject_id, version
),
-- Numbers them: the last one of a subject has the version that was just stored.
numbered as (
    select said.*,
           counted.version
               - count(*) over (partition by said.subject_id)
               + row_number() over (partition by said.subject_id order by place) as version
    from said join counted using (subject_id)
),
-- Sorted, so that the identity column is drawn in the order in which the events are said, and only
-- after every lock was taken.
stored as (
    insert into messaging.outbox (event_id, subject_id, version, type, payload, headers, created_at, queued)
    select event_id, subject_id, version, type, payload, headers, $6, true
    from numbered
    order by place
    returning id, event_id
),
parted as (
    select id, event_id, (row_number() over (order by id) - 1) / 100 as part from stored
)
-- What waits for the bus is numbered after every lock was taken, too.
insert into messaging.waiting_batches (event_ids, first_id, last_id)
select array_agg(event_id order by id),
       (array_agg(event_id order by event_id))[1],
       (array_agg(event_id order by event_id desc))[1]
from parted
group by part
order by part
returning cardinality(event_ids) as "events!"
