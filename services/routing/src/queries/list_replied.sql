-- Lists answered cases, what was answered last, first. -- Filters that are not there fold away when the statement is
-- planned with its values, so that each page is read from the index that fits.
-- $1 all, $2 some offices' own, $3 these offices, $4 only own, $5 kept away by, $6 office,
-- $7 division, $8 city, $9 province, $10 state, $11 domain, $12 kind, $13 only unanswered,
-- $14 and $15 after, $16 limit, $17 only supervised, $18 common problem, $19 to $20 submitted, $21 to $22 answered last
select *
from cases
where (public or $1::bool or ($2::bool and (office_id = any($3::text[]) or helper_office_ids && $3 or lead_office_id = any($3))))
  and (not $4::bool or $1 or ($2 and (office_id = any($3) or helper_office_ids && $3 or lead_office_id = any($3))))
  and not (accused_office_ids && $5::text[])
  and ($6::text is null or office_id = $6)
  and ($7::text is null or division_code = $7)
  and ($8::text is null or city_code = $8)
  and ($9::text is null or province_code = $9)
  and ($10::text is null or state = $10)
  and ($11::text is null or domain = $11)
  and ($12::text is null or kind = $12)
  and (not $13::bool or state in ('assigned', 'accepted'))
  and (not $17::bool or supervised_at is not null)
  and ($18::uuid is null or problem_id = $18)
  and ($19::timestamptz is null or submitted_at >= $19)
  and ($20::timestamptz is null or submitted_at < $20)
  and ($21::timestamptz is null or last_replied_at >= $21)
  and ($22::timestamptz is null or last_replied_at < $22)
  and last_replied_at is not null
  and ($14::timestamptz is null or (last_replied_at, case_id) < ($14, $15::uuid))
order by last_replied_at desc, case_id desc
limit $16
