-- Answered public cases that have some of the words $1, those with most of them first; without the case
-- $2; no more than $3. No more than some thousand of all that have one are looked at.
with found as materialized (
    select case_id, submitted_at, words from case_words where words @@ $1::text::tsquery limit 2000
)
select found.case_id
from found join cases using (case_id)
where cases.public and cases.reply_count > 0 and found.case_id is distinct from $2
order by ts_rank(found.words, $1::text::tsquery) desc, found.submitted_at desc
limit $3
