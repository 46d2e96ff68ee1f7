-- Lists cases, the newest first. Filters that are not there fold away when the statement is
-- planned with its values, so that each page is read from the index that fits.
-- $1 all, $2 some offices' own, $3 these offices, $4 kept away by, $5 office, $6 division, $7 city,
-- $8 province, $9 state, $10 and $11 after, $12 limit
select *
from cases
where (public or $1::bool or ($2::bool and office_id = any($3::text[])))
  and not (accused_office_ids && $4::text[])
  and ($5::text is null or office_id = $5)
  and ($6::text is null or division_code = $6)
  and ($7::text is null or city_code = $7)
  and ($8::text is null or province_code = $8)
  and ($9::text is null or state = $9)
  and ($10::timestamptz is null or (submitted_at, case_id) < ($10, $11::uuid))
order by submitted_at desc, case_id desc
limit $12
