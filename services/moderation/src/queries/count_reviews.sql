-- How many reviews there are. No more than one limit are counted, and of each state no more than another are
-- looked at, in the order of the list.
select count(*) as "count!"
from (
    select from unnest($1::text[]) as wanted (state)
    cross join lateral (
        select * from reviews
        where reviews.state = wanted.state
          and decide_by > coalesce($8::timestamptz, '-infinity')
          and decide_by <= coalesce($9::timestamptz, 'infinity')
        order by decide_by, message_id
        limit $15
    ) as review
    where (account_id = '' or account_id <> $2)
      and (cardinality($3::text[]) = 0 or office_id = any($3))
      and ($4::text is null or kind = $4)
      and ($5::text is null or domain = $5)
      and ($6::text is null or exists (select from hits
                                       where hits.message_id = review.message_id
                                         and hits.revision = review.revision and hits.rule = $6))
      and ($7::text is null or ground = $7)
      and ($10::text is null
           or case $10
                  when 'nobody' then claimed_by is null or claim_expires_at <= $11
                  when 'caller' then claimed_by = $12 and claim_expires_at > $11
                  else claimed_by <> $12 and claim_expires_at > $11
              end)
      and ($13::timestamptz is null or submitted_at < $13)
    limit $14
) as counted
