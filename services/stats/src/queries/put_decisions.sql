-- Stores what moderation said of messages; whoever calls holds the rows that are there.
insert into decisions (message_id, approved, accused, returned, declined_ground, withdrawn, appealed, upheld, overturned,
                       reviewed_at)
select *
from unnest($1::uuid[], $2::boolean[], $3::boolean[], $4::boolean[], $5::text[], $6::boolean[], $7::integer[],
            $8::integer[], $9::integer[], $10::timestamptz[])
on conflict on constraint decisions_pkey do update
set approved = excluded.approved,
    accused = excluded.accused,
    returned = excluded.returned,
    declined_ground = excluded.declined_ground,
    withdrawn = excluded.withdrawn,
    appealed = excluded.appealed,
    upheld = excluded.upheld,
    overturned = excluded.overturned,
    reviewed_at = excluded.reviewed_at
