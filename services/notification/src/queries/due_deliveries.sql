select
    deliveries.delivery_id, deliveries.event_id, deliveries.endpoint_id, events.kind, events.case_id,
    events.occurred_at, events.public, events.office_id, deadline_at, reply_id,
    uptake, traceparent, number as "number?", endpoints.holder, endpoints.state as endpoint_state, implicit,
    address, secret, locale, verification_id, verification_expires_at,
    coalesce(email, true) as "email!", coalesce(muted, '{}') as "muted!"
from deliveries
join events using (event_id)
join endpoints using (endpoint_id)
left join holders on holders.holder = endpoints.holder
left join messages on messages.message_id = events.message_id
where deliveries.delivery_id = any($1)
