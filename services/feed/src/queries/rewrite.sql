-- Rows are rewritten in their place; what is in an object gets a row that goes before it. Each stretch counts
-- its changes, so that an object that is being written of it meanwhile is not taken.
with new as (
    select * from unnest($1::bigint[], $2::bytea[]) as new (position, payload)
    where payload is not null
),
in_rows as (
    update payloads set payload = new.payload from new where payloads.position = new.position
    returning payloads.position
),
in_objects as (
    insert into rewritten (position, payload)
    select position, payload from new where position not in (select position from in_rows)
    on conflict on constraint rewritten_pkey do update set payload = excluded.payload
    returning position, (xmax = 0) as further
),
counted as (
    update stretches
    set changes = changes + 1,
        rewritten = rewritten + (
            select count(*) from in_objects where further and position between first_position and last_position
        )
    where exists (select from new where position between first_position and last_position)
    returning first_position
)
select count(*) as "stretches!" from counted
