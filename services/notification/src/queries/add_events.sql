insert into events (
    event_id, kind, message_id, case_id, occurred_at, said_at, historical, public, office_id,
    division_code, withdrawn, deadline_at, reply_id, uptake, traceparent, state, notice_count,
    delivery_count
)
select
    event_id, kind, message_id, case_id, occurred_at, said_at, historical, public, office_id,
    division_code, withdrawn, deadline_at, reply_id, uptake, traceparent,
    case when waiting then 'waiting' else 'told' end, notices, deliveries
from unnest(
    $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[],
    $7::bool[], $8::bool[], $9::text[], $10::text[], $11::bool[], $12::timestamptz[],
    $13::uuid[], $14::text[], $15::text[], $16::bool[], $17::int[], $18::int[]
) as new (
    event_id, kind, message_id, case_id, occurred_at, said_at, historical, public, office_id,
    division_code, withdrawn, deadline_at, reply_id, uptake, traceparent, waiting, notices, deliveries
)
