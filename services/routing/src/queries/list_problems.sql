-- Common problems, the newest first, with what is counted of their cases. To everybody there are those
-- alone that have a public case.
-- $1 this one, $2 lead, $3 stage, $4 all, $5 offices whose own are shown, $6 only own, $7 and $8 after,
-- $9 limit
with shown as (
    select *
    from common_problems p
    where ($1::uuid is null or problem_id = $1)
      and ($2::text is null or lead_office_id = $2)
      and ($3::text is null or stage = $3)
      and ($4::bool or lead_office_id = any($5::text[])
           or (not $6::bool
               and exists (select from cases c where c.problem_id = p.problem_id and c.public)))
      and ($7::timestamptz is null or (created_at, problem_id) < ($7, $8::uuid))
    order by created_at desc, problem_id desc
    limit $9
)
select s.problem_id, s.title, s.lead_office_id, s.stage, s.body, s.created_at, s.answered_at,
       s.case_count, s.left_count, s.objected_count, s.changes,
       counted.public as "public!", counted.rated as "rated!", counted.public_rated as "public_rated!"
from shown s
cross join lateral (
    select count(*) filter (where c.public) as public,
           count(*) filter (where r.reply_id is not null) as rated,
           count(*) filter (where c.public and r.reply_id is not null) as public_rated
    from common_cases m
    join cases c using (case_id)
    left join ratings r using (reply_id)
    where m.problem_id = s.problem_id and m.left_at is null
) as counted
order by s.created_at desc, s.problem_id desc
