-- Consultations, the newest first, with the number of their public messages.
-- $1 all planned ones, $2 offices whose planned ones are shown, $3 only those, $4 office, $5 divisions,
-- $6 stage, $7 today, $8 and $9 after, $10 limit
select consultation_id, office_id, division_code, division_path, domain, question, description,
       from_on::text as "from_on!", until_on::text as "until_on!", stage, summary, created_at, published_at, corrected_at, statement_count,
       changes,
       (select count(*) from cases c
        where c.consultation_id = q.consultation_id and c.public) as "messages!"
from consultations q
where ($1::bool or office_id = any($2::text[]) or (stage <> 'draft' and not $3::bool))
  and ($4::text is null or office_id = $4)
  and ($5::text[] is null or division_code is null or division_code = any($5))
  and ($6::text is null
       or case when stage = 'open' and until_on < $7::text::date then 'closed' else stage end = $6)
  and ($8::timestamptz is null or (created_at, consultation_id) < ($8, $9::uuid))
order by created_at desc, consultation_id desc
limit $10
