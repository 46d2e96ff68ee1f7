-- Of each case its own rows from the lowest version on; the cases in the order in which they were named.
select waiting.event_id, waiting.case_id, waiting.message_id, waiting.version,
       waiting.type as event_type, waiting.public, waiting.occurred_at, waiting.traceparent,
       waiting.office_id, waiting.division_code, waiting.kind, waiting.domain, waiting.state,
       waiting.view_revision, waiting.restricted, waiting.accuses, waiting.causation_id
from unnest($1::uuid[]) with ordinality as chosen (case_id, place)
cross join lateral (
    select * from pending
    where pending.case_id = chosen.case_id
    order by pending.version
    limit $2
) as waiting
order by chosen.place, waiting.version
