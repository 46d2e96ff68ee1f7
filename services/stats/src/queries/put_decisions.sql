-- Stores what moderation said of messages; whoever calls holds the rows that are there.
insert into decisions (message_id, approved, accused, returned, declined_ground, withdrawn)
select *
from unnest($1::uuid[], $2::boolean[], $3::boolean[], $4::boolean[], $5::text[], $6::boolean[])
on conflict on constraint decisions_pkey do update
set approved = excluded.approved,
    accused = excluded.accused,
    returned = excluded.returned,
    declined_ground = excluded.declined_ground,
    withdrawn = excluded.withdrawn
