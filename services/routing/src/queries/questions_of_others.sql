-- The office's own come first; both parts are walked by an index from the newest on.
with of_office as (
    select case_id, submitted_at, concat_ws(e'\n', title, body, demand, details) as question
    from cases
    where office_id = $1 and has_text and case_id <> $3
    order by submitted_at desc, case_id desc
    limit $4
),
of_division as (
    select case_id, submitted_at, concat_ws(e'\n', title, body, demand, details) as question
    from cases
    where division_code = $2 and office_id <> $1 and has_text and case_id <> $3
    order by submitted_at desc, case_id desc
    limit $4
)
select question as "question!"
from (select 1 as part, * from of_office union all select 2, * from of_division) as others
order by part, submitted_at desc, case_id desc
limit $4
