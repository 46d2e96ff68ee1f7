-- `with ordinality` keeps the order of arrival in the numbers that `received` gives.
insert into pending (
    event_id, case_id, message_id, version, type, public, occurred_at, traceparent,
    office_id, division_code, kind, domain, state, view_revision,
    restricted, accuses, causation_id
)
select event_id, case_id, message_id, version, type, public, occurred_at, traceparent,
       office_id, division_code, kind, domain, state, view_revision,
       restricted, accuses, causation_id
from unnest(
    $1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::boolean[],
    $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
    $13::integer[], $14::bigint[], $15::boolean[], $16::boolean[], $17::uuid[]
) with ordinality as heard (
    event_id, case_id, message_id, version, type, public, occurred_at, traceparent,
    office_id, division_code, kind, domain, state, view_revision,
    restricted, accuses, causation_id, place
)
order by place
