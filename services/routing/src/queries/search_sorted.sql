-- Cases with the words $1, the newest first; in the state $2, if it is given; after $3 and $4; no
-- more than $5. All that have the words are found by these and sorted: never a walk through what
-- is newest, which would be long.
with found as materialized (
    select case_id, submitted_at from case_words where words @@ $1::text::tsquery
)
select case_id, submitted_at
from found
where ($2::text is null
       or exists (select from cases where cases.case_id = found.case_id and cases.state = $2))
  and ($3::timestamptz is null or (submitted_at, case_id) < ($3, $4::uuid))
order by submitted_at desc, case_id desc
limit $5
