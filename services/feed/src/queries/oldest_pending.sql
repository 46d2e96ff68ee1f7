-- The oldest rows name the cases, but for those that wait for something; each case then gives its own rows from
-- the lowest version on, so that the limit never cuts a hole into a case.
with chosen as (
    select case_id, min(received) as received
    from (
        select case_id, received from pending where case_id <> all($3) order by received limit $1
    ) as oldest
    group by case_id
)
select waiting.event_id, waiting.case_id, waiting.message_id, waiting.version,
       waiting.type as event_type, waiting.public, waiting.occurred_at, waiting.traceparent,
       waiting.office_id, waiting.division_code, waiting.kind, waiting.domain, waiting.state,
       waiting.view_revision, waiting.restricted, waiting.accuses, waiting.causation_id
from chosen
cross join lateral (
    select * from pending
    where pending.case_id = chosen.case_id
    order by pending.version
    limit $2
) as waiting
order by chosen.received, waiting.version
