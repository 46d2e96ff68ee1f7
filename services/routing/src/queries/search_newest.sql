-- Which of the newest $9 cases have the words $1, the newest first; no more than $10. The words of
-- each are looked at by its id: the index of words is of no use here.
-- $2 state, $3 office, $4 division, $5 city, $6 province, $7 and $8 after, $11 to $12 submitted, $13 to $14 answered last
select recent.case_id, recent.submitted_at
from (
    select case_id, submitted_at, state
    from cases
    where public
      and ($3::text is null or office_id = $3)
      and ($4::text is null or division_code = $4)
      and ($5::text is null or city_code = $5)
      and ($6::text is null or province_code = $6)
      and ($7::timestamptz is null or (submitted_at, case_id) < ($7, $8::uuid))
      and ($11::timestamptz is null or submitted_at >= $11)
      and ($12::timestamptz is null or submitted_at < $12)
      and ($13::timestamptz is null or last_replied_at >= $13)
      and ($14::timestamptz is null or last_replied_at < $14)
    order by submitted_at desc, case_id desc
    limit $9
) as recent
where ($2::text is null or recent.state = $2)
  and (select words from case_words where case_words.case_id = recent.case_id) @@ $1::text::tsquery
order by recent.submitted_at desc, recent.case_id desc
limit $10
