-- Cases with the words $1, the newest first; in the state $2, if it is given; after $3 and $4; no
-- more than $5; $6 to $7 submitted, $8 to $9 answered last. All that have the words are found by these and sorted: never a walk through what
-- is newest, which would be long.
with found as materialized (
    select case_id, submitted_at from case_words where words @@ $1::text::tsquery
)
select case_id, submitted_at
from found
where ($6::timestamptz is null or submitted_at >= $6)
  and ($7::timestamptz is null or submitted_at < $7)
  and (($2::text is null and $8::timestamptz is null and $9::timestamptz is null)
       or exists (select from cases
                  where cases.case_id = found.case_id and ($2 is null or cases.state = $2)
                    and ($8 is null or cases.last_replied_at >= $8)
                    and ($9 is null or cases.last_replied_at < $9)))
  and ($3::timestamptz is null or (submitted_at, case_id) < ($3, $4::uuid))
order by submitted_at desc, case_id desc
limit $5
