-- Precedents, the newest first, each with how many cases it routed: those of its kind that were written
-- to its office while it was in force and went to the other by a precedent.
-- $1 this one, $2 written to these offices, $3 to this office, $4 also retired, $5 and $6 after, $7 limit
select p.precedent_id, p.office_id, p.kind, p.domain, p.topic, p.to_office_id, p.case_id, p.decided_at,
       p.superseded_at,
       (select count(*)
        from openings o
        join cases c using (message_id)
        join custody u on u.case_id = c.case_id and u.position = 1
        where o.office_id = p.office_id and o.kind = p.kind and o.domain = p.domain
          and o.topic = p.topic and u.office_id = p.to_office_id and c.opened_at >= p.decided_at
          and (p.superseded_at is null or c.opened_at < p.superseded_at)) as "cases!"
from precedents p
where ($1::uuid is null or precedent_id = $1)
  and ($2::text[] is null or office_id = any($2))
  and ($3::text is null or office_id = $3)
  and ($4::bool or superseded_at is null)
  and ($5::timestamptz is null or (decided_at, precedent_id) < ($5, $6::uuid))
order by decided_at desc, precedent_id desc
limit $7
