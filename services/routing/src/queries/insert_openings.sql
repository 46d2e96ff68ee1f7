-- Stores approved messages, $1 an array of rows, due at $2.
insert into openings
    (message_id, number, office_id, kind, domain, topic, visibility, submitted_at, occurred_at,
     accused_office_ids, text_revision, approved_at, traceparent,
     consultation_id, due_at)
select message_id, number, office_id, kind, domain, topic, visibility, submitted_at, occurred_at,
       accused_office_ids, text_revision, approved_at, traceparent,
       consultation_id, $2
from jsonb_to_recordset($1::jsonb) as approved (
    message_id uuid, number text, office_id text, kind text, domain text, topic text,
    visibility text, submitted_at timestamptz, occurred_at timestamptz,
    accused_office_ids text[], text_revision integer, approved_at timestamptz, traceparent text,
    consultation_id uuid
)
order by message_id
on conflict (message_id) do nothing
