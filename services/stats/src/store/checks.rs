//! What must always be true of this database. Each check counts breaches, so that a row which was
//! lost or changed behind the service's back is noticed from other rows; `liuyan verify` asks them
//! while nothing is being written, or repeats a check that failed. That the numbers are right is
//! asked by [`recount`](super::recount::recount).

/// A check, by name, and the query that counts its breaches.
pub type Check = (&'static str, &'static str);

/// All checks of this database. Kit's tables have checks of their own.
pub const CHECKS: &[Check] = &[
    (
        "every message that was heard of is there to be counted",
        "select count(*) from messaging.positions
         where source = 'intake'
           -- What has a name and is no message, such as a column, has an id of version 5.
           and substr(positions.subject_id::text, 15, 1) <> '5'
           and not exists (select from submissions where message_id = subject_id)
           and not exists (select from messaging.dead_letters as dead
                           where dead.source = 'intake' and dead.subject_id = positions.subject_id)",
    ),
    (
        "every message that is counted was heard of",
        "select count(*) from submissions
         where not exists (select from messaging.positions
                           where source = 'intake' and subject_id = message_id)",
    ),
    (
        "every decision that was heard of is kept",
        "select count(*) from messaging.positions
         where source = 'moderation'
           and not exists (select from decisions where message_id = subject_id)
           and not exists (select from messaging.dead_letters as dead
                           where dead.source = 'moderation' and dead.subject_id = positions.subject_id)",
    ),
    (
        "every decision was heard of",
        "select count(*) from decisions
         where not exists (select from messaging.positions
                           where source = 'moderation' and subject_id = message_id)",
    ),
    (
        "every case was heard of",
        "select count(*) from cases
         where not exists (select from messaging.positions
                           where source = 'routing' and subject_id = case_id)",
    ),
    (
        "every case that is counted is kept",
        "select count(*) from counted
         where opened = 1 and not exists (select from cases where cases.message_id = counted.message_id)",
    ),
    (
        "every office was heard of",
        "select count(*) from offices
         where not exists (select from messaging.positions
                           where source = 'routing' and positions.subject_id = offices.subject_id)",
    ),
    (
        "there are as many offices as were heard of, and one head",
        "select abs((select count(*) from offices) - coalesce(sum(offices), -1))::bigint from heads",
    ),
    (
        "every message was counted or waits for it",
        "select count(*) from submissions
         where not exists (select from counted where counted.message_id = submissions.message_id)
           and not exists (select from pending where pending.message_id = submissions.message_id)",
    ),
    (
        "what was counted was submitted",
        "select count(*) from counted
         where not exists (select from submissions where submissions.message_id = counted.message_id)",
    ),
    ("nothing waits to be counted", "select count(*) from pending"),
    (
        "as many messages are in the tallies of the whole board as were counted",
        "select count(*) from unnest(array['detail', 'month']) as grains (grain)
         where (select count(*) from counted)
               <> (select coalesce(sum(received), 0) from tallies
                   where tallies.grain = grains.grain and level = 'nation')",
    ),
    (
        "of each version of the definitions one event was said",
        "select abs((select count(*) from definitions)
                    - (select coalesce(sum(version), 0)::bigint from messaging.subjects))",
    ),
];
