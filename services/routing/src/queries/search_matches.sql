-- Cases with the words $1, in no order; in the state $2, if it is given; no more than $3;
-- $4 to $5 submitted, $6 to $7 answered last.
--
-- What is asked for without order and limit takes the index of words unless they are in a great
-- part of all cases; it is read only as far as the limit asks.
with found as materialized (
    select case_id, submitted_at from case_words where words @@ $1::text::tsquery
)
select case_id, submitted_at
from found
where ($4::timestamptz is null or submitted_at >= $4)
  and ($5::timestamptz is null or submitted_at < $5)
  and (($2::text is null and $6::timestamptz is null and $7::timestamptz is null)
       or exists (select from cases
                  where cases.case_id = found.case_id and ($2 is null or cases.state = $2)
                    and ($6 is null or cases.last_replied_at >= $6)
                    and ($7 is null or cases.last_replied_at < $7)))
limit $3
