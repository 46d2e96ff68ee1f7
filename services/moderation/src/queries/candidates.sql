-- Bands are looked up in the index; what shares one is few. Of one kind of text only some are kept.
select asked.at as "at!", found.number as "number!", found.author_id as "author_id!",
       found.seen_at as "seen_at!", found.signature as "signature!"
from unnest($1::uuid[], $2::timestamptz[]) with ordinality as asked (message_id, submitted_at, at)
cross join lateral (
    select number, author_id, seen_at, signature
    from fingerprints join reviews using (message_id)
    where bands && ($3::int[])[(asked.at::int - 1) * $4 + 1 : asked.at::int * $4]
      and seen_at > asked.submitted_at - interval '90 days'
      and message_id <> asked.message_id
      and state <> 'withdrawn'
    limit 128
) as found
