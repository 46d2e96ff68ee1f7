//! What `liuyan verify` counts of subscriptions and of stretches.

/// Each promise, with the query that counts its breaches.
pub const CHECKS: &[(&str, &str)] = &[
    (
        "every reader has as many subscriptions as are counted",
        "select count(*) from subscribers full join (
             select owner, count(*) as there from subscriptions group by owner) as found using (owner)
         where subscriptions is distinct from there",
    ),
    (
        "every subscription has put as many events aside as it counts",
        "select count(*) from subscriptions full join (
             select subscription_key, count(*) as there from parked_events group by subscription_key
         ) as found using (subscription_key)
         where parked is distinct from coalesce(there, 0)",
    ),
    (
        "every position is in one stretch, and stretches follow each other",
        "select count(*) from (
             select first_position, lag(last_position, 1, 0) over (order by first_position) as before
             from stretches) as each_stretch
         where first_position <> before + 1",
    ),
    (
        "every event of the log is in a stretch",
        "select count(*) from log where not exists (
             select from stretches where position between first_position and last_position)",
    ),
    (
        "every object holds as many events as the log has there, and those",
        "select count(*) from stretches where object is not null and (
             events, hash, first_recorded_at, last_recorded_at) is distinct from (
             select (count(*), bit_xor(messaging.hash_of(event_id)), min(recorded_at), max(recorded_at))
             from log where position between first_position and last_position)",
    ),
    (
        "every payload is in a row or in an object",
        "select count(*) from log full join payloads using (position)
         left join stretches on position between first_position and last_position
         where log.event_id is null
            or (payloads.payload is null) <> (stretches.object is not null or stretches.expired_at is not null)",
    ),
    (
        "what was taken back is counted until it is in no object",
        "select count(*) from stretches full join (
             select first_position, count(*) as there
             from rewritten left join stretches on position between first_position and last_position
             group by first_position
         ) as found using (first_position)
         where rewritten is distinct from coalesce(there, 0)",
    ),
    (
        "what was taken back is in no object any more",
        "select count(*) from stretches where rewritten > 0 or cardinality(leaving) > 0",
    ),
    (
        "what is kept no longer is before all that is kept",
        "select count(*) from stretches cross join head
         where (expired_at is not null) <> (last_position < kept_from)",
    ),
];
