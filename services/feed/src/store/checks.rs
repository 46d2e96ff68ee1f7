//! What `liuyan verify` counts of subscriptions.

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
];
