-- The newest public cases of the province $1 that were submitted after $2, up to $3.
select case_id, submitted_at, division_code, city_code, title,
       concat_ws(e'\n', nullif(body, ''), nullif(demand, ''), nullif(details, '')) as "body!"
from cases
where public and province_code = $1 and submitted_at > $2
order by submitted_at desc, case_id desc
limit $3
