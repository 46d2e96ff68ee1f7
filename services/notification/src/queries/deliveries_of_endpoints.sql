-- Each endpoint's newest are found by the index, and only then merged.
select
    deliveries.delivery_id, deliveries.endpoint_id, deliveries.event_id, kind, deliveries.state,
    attempts, last_error, created_at, due_at, delivered_at
from unnest($1::uuid[]) as asked (endpoint_id)
cross join lateral (
    select * from deliveries
    where deliveries.endpoint_id = asked.endpoint_id
      and ($2::text is null or state = $2)
      and ($3::timestamptz is null or (created_at, delivery_id) < ($3, $4::uuid))
    order by created_at desc, delivery_id desc
    limit $5
) as deliveries
join events using (event_id)
order by created_at desc, delivery_id desc
limit $5
