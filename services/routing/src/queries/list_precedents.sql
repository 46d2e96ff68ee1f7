-- Precedents, the newest first, each with how many cases it routed.
-- $1 this one, $2 written to these offices, $3 to this office, $4 also retired, $5 and $6 after, $7 limit
select p.precedent_id, p.office_id, p.kind, p.domain, p.topic, p.to_office_id, p.case_id, p.decided_at,
       p.superseded_at, p.case_count
from precedents p
where ($1::uuid is null or precedent_id = $1)
  and ($2::text[] is null or office_id = any($2))
  and ($3::text is null or office_id = $3)
  and ($4::bool or superseded_at is null)
  and ($5::timestamptz is null or (decided_at, precedent_id) < ($5, $6::uuid))
order by decided_at desc, precedent_id desc
limit $7
