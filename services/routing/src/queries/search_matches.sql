-- Cases with the words $1, in no order; in the state $2, if it is given; no more than $3.
--
-- What is asked for without order and limit takes the index of words unless they are in a great
-- part of all cases; it is read only as far as the limit asks.
with found as materialized (
    select case_id, submitted_at from case_words where words @@ $1::text::tsquery
)
select case_id, submitted_at
from found
where $2::text is null
   or exists (select from cases where cases.case_id = found.case_id and cases.state = $2)
limit $3
