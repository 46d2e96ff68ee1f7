-- Public cases that were answered: $1 what is to be told, $2 first answered after, $3 no later than,
-- $4 the most. What a model told is no decision to learn from.
select title,
       concat_ws(e'\n', nullif(body, ''), nullif(demand, ''), nullif(details, '')) as "body!",
       case $1 when 'office' then office_id else domain end as "label!"
from cases
where has_text
  and public
  and domain <> ''
  and domain <> '16'
  and state in ('replied', 'closed')
  and replied_at <= $3
  and ($2::timestamptz is null or replied_at > $2)
  and case $1 when 'office' then assigned_by <> 'suggestion' else suggested_by is null end
order by replied_at desc, case_id desc
limit $4
