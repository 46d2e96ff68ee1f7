-- Stores what routing said of messages; whoever calls holds the rows that are there.
insert into cases (message_id, case_id, office_id, kind, domain, private, accused, revision, deadline_at,
                   first_reply_at, closed_at, outcome, transfers, marks)
select *
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::bigint[],
            $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::integer[], $14::smallint[])
on conflict on constraint cases_pkey do update
set office_id = excluded.office_id,
    kind = excluded.kind,
    domain = excluded.domain,
    private = excluded.private,
    accused = excluded.accused,
    revision = excluded.revision,
    deadline_at = excluded.deadline_at,
    first_reply_at = excluded.first_reply_at,
    closed_at = excluded.closed_at,
    outcome = excluded.outcome,
    transfers = excluded.transfers,
    marks = excluded.marks
