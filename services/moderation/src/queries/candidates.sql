-- Bands are looked up in the index; what shares one is few. Of one kind of text only some are kept.
select asked.at as "at!", number as "number!", author_id as "author_id!", seen_at as "seen_at!",
       signature as "signature!"
from unnest($1::uuid[], $2::timestamptz[]) with ordinality as asked (message_id, submitted_at, at)
cross join lateral fingerprints_meeting(
    ($3::int[])[(asked.at::int - 1) * $4 + 1 : asked.at::int * $4]
) as found
join reviews on reviews.message_id = found.message_id
where found.seen_at > asked.submitted_at - interval '90 days'
  and found.message_id <> asked.message_id
  and state <> 'withdrawn'
  and (not $5 or (found.seen_at, found.message_id) < (asked.submitted_at, asked.message_id))
