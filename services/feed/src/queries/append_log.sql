insert into log (
    position, event_id, case_id, subject_revision, version, type, recorded_at,
    office_id, division_code, kind, domain, state, hidden, payload_bytes, former_office_id,
    former_division_code, restricted, accuses
)
select * from unnest(
    $1::bigint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::text[],
    $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::integer[],
    $13::boolean[], $14::integer[], $15::text[], $16::text[],
    $17::boolean[], $18::boolean[]
)
