-- Lists the inbox of offices, the newest first. Of each office no more is read than a page, from the index
-- that has its cases in order; what it helps with or leads is little, and found by its own index. Filters that are
-- not there fold away when the statement is planned with its values.
-- $1 these offices, $2 kept away by, $3 office, $4 division, $5 city, $6 province, $7 state, $8 domain, $9 kind,
-- $10 only unanswered, $11 and $12 after, $13 limit, $14 only supervised, $15 common problem, $16 to $17 submitted,
-- $18 to $19 answered last
with page as (
    select first.submitted_at, first.case_id
    from unnest($1::text[]) as office (office_id)
    cross join lateral (
        select submitted_at, case_id
        from cases c
        where c.office_id = office.office_id
          and not (accused_office_ids && $2::text[])
          and ($3::text is null or c.office_id = $3)
          and ($4::text is null or division_code = $4)
          and ($5::text is null or city_code = $5)
          and ($6::text is null or province_code = $6)
          and ($7::text is null or state = $7)
          and ($8::text is null or domain = $8)
          and ($9::text is null or kind = $9)
          and (not $10::bool or state in ('assigned', 'accepted'))
          and (not $14::bool or supervised_at is not null)
          and ($15::uuid is null or problem_id = $15)
          and ($16::timestamptz is null or submitted_at >= $16)
          and ($17::timestamptz is null or submitted_at < $17)
          and ($18::timestamptz is null or last_replied_at >= $18)
          and ($19::timestamptz is null or last_replied_at < $19)
          and ($11::timestamptz is null or (submitted_at, case_id) < ($11, $12::uuid))
        order by submitted_at desc, case_id desc
        limit $13
    ) as first
    union
    select submitted_at, case_id
    from cases c
    where case_id in (select case_id from cases where helper_office_ids && $1
                      union all select case_id from cases where lead_office_id = any($1))
      and not (accused_office_ids && $2::text[])
      and ($3::text is null or c.office_id = $3)
      and ($4::text is null or division_code = $4)
      and ($5::text is null or city_code = $5)
      and ($6::text is null or province_code = $6)
      and ($7::text is null or state = $7)
      and ($8::text is null or domain = $8)
      and ($9::text is null or kind = $9)
      and (not $10::bool or state in ('assigned', 'accepted'))
      and (not $14::bool or supervised_at is not null)
      and ($15::uuid is null or problem_id = $15)
      and ($16::timestamptz is null or submitted_at >= $16)
      and ($17::timestamptz is null or submitted_at < $17)
      and ($18::timestamptz is null or last_replied_at >= $18)
      and ($19::timestamptz is null or last_replied_at < $19)
      and ($11::timestamptz is null or (submitted_at, case_id) < ($11, $12::uuid))
    order by 1 desc, 2 desc
    limit $13
)
select cases.*
from page join cases using (case_id)
order by cases.submitted_at desc, case_id desc
