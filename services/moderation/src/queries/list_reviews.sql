-- A page of the reviews that a moderator may see, those first that are to be decided first. Of each state the
-- index gives them in that order, from where the page begins, until it is full; the states are merged.
select message_id as "message_id!"
from unnest($1::text[]) as wanted (state)
cross join lateral (
    select message_id, decide_by from reviews
    where reviews.state = wanted.state
      and (account_id = '' or account_id <> $2)
      and (cardinality($3::text[]) = 0 or office_id = any($3))
      and ($4::text is null or kind = $4)
      and ($5::text is null or domain = $5)
      and ($6::text is null or exists (select from hits
                                       where hits.message_id = reviews.message_id
                                         and hits.revision = reviews.revision and hits.rule = $6))
      and ($7::text is null or ground = $7)
      and decide_by <= coalesce($8::timestamptz, 'infinity')
      and ($9::text is null
           or case $9
                  when 'nobody' then claimed_by is null or claim_expires_at <= $10
                  when 'caller' then claimed_by = $11 and claim_expires_at > $10
                  else claimed_by <> $11 and claim_expires_at > $10
              end)
      and ($12::timestamptz is null or submitted_at < $12)
      and (decide_by, message_id) > (coalesce($13::timestamptz, '-infinity'), $14::uuid)
    order by decide_by, message_id
    limit $15
) as first
order by decide_by, message_id
limit $15
