with attempted as (
    select * from unnest(
        $1::uuid[], $2::int[], $3::text[], $4::text[], $5::int[], $6::text[], $7::int[],
        $8::timestamptz[]
    ) as new (delivery_id, ordinal, outcome, detail, latency_ms, state, tries, due_at)
), kept as (
    insert into attempts (delivery_id, ordinal, at, outcome, detail, latency_ms)
    select delivery_id, ordinal, $9::timestamptz, outcome, detail, latency_ms from attempted
)
-- An attempt that came too late to change anything is counted all the same.
update deliveries
set attempts = ordinal,
    state = coalesce(attempted.state, deliveries.state),
    tries = case when attempted.state is null then deliveries.tries else attempted.tries end,
    due_at = coalesce(attempted.due_at, deliveries.due_at),
    claimed_by = case when attempted.state is null then claimed_by end,
    last_error = case when attempted.state is null then last_error else detail end,
    delivered_at = case when attempted.state = 'delivered' then $9 else delivered_at end
from attempted
where deliveries.delivery_id = attempted.delivery_id
