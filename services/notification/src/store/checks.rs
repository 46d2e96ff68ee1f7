//! What must always be true of this database. Each check counts breaches, so that a row which was
//! lost or changed behind the service's back is noticed from other rows; `liuyan verify` asks them
//! while nothing is being written, or repeats a check that failed.

/// A check, by name, and the query that counts its breaches.
pub type Check = (&'static str, &'static str);

/// All checks of this database. Kit's tables have checks of their own.
pub const CHECKS: &[Check] = &[
    (
        "every message that was heard is known",
        "select count(*) from messaging.positions
         where source = 'intake'
           -- What has a name and is no message, such as a column, has an id of version 5.
           and substr(positions.subject_id::text, 15, 1) <> '5'
           and not exists (select from messages where message_id = subject_id and number is not null)
           and not exists (select from messaging.dead_letters as dead
                           where dead.source = 'intake' and dead.subject_id = positions.subject_id)",
    ),
    (
        "every message that is known was heard",
        "select count(*) from messages
         where number is not null
           and not exists (select from messaging.positions
                           where source = 'intake' and subject_id = message_id)",
    ),
    (
        "a message has as many events as it counts",
        "select count(*) from messages
         where event_count <> (select count(*) from events
                               where events.message_id = messages.message_id)",
    ),
    (
        "every event has its message and its case",
        "select count(*) from events
         where message_id is not null
               and not exists (select from messages where messages.message_id = events.message_id)
            or case_id is not null
               and not exists (select from cases where cases.case_id = events.case_id)",
    ),
    (
        "a case has as many events as it counts",
        "select count(*) from cases
         where event_count <> (select count(*) from events where events.case_id = cases.case_id
                               and events.message_id = cases.message_id)",
    ),
    (
        "no event waits for a message that is there",
        "select count(*) from events join messages using (message_id)
         where state = 'waiting' and number is not null",
    ),
    (
        "an event has as many notices as it counts",
        "select count(*) from events
         where notice_count <> (select count(*) from notices
                                where notices.event_id = events.event_id)",
    ),
    (
        "an event has as many deliveries as it counts, one to each endpoint",
        "select count(*) from events
         where delivery_count <> (select count(distinct endpoint_id) from deliveries
                                  where deliveries.event_id = events.event_id)",
    ),
    (
        "notices and deliveries are of an event",
        "select (select count(*) from notices
                 where not exists (select from events where events.event_id = notices.event_id))
              + (select count(*) from deliveries
                 where not exists (select from events where events.event_id = deliveries.event_id))",
    ),
    (
        "a holder's notices are numbered without gaps, as many as it counts",
        "select count(*) from holders
         where notice_count <> (select count(*) from notices
                                where notices.holder = holders.holder)
            or notice_count <> (select coalesce(max(ordinal), 0) from notices
                                where notices.holder = holders.holder)",
    ),
    (
        "a holder has as many endpoints and readers as it counts",
        "select count(*) from holders
         where endpoint_count <> (select count(*) from endpoints
                                  where endpoints.holder = holders.holder)
            or reader_count <> (select count(*) from readers
                                where readers.holder = holders.holder)",
    ),
    (
        "notices, endpoints, readers and authors have their holder",
        "select count(*) from (
             select holder from notices union all select holder from endpoints
             union all select holder from readers
             union all select 'account/' || account_id from messages where account_id is not null
         ) as named
         where not exists (select from holders where holders.holder = named.holder)",
    ),
    (
        "a reader has as many reads as it counts, beyond what is read through",
        "select count(*) from readers
         where read_count <> (select count(*) from notice_reads as reads
                              where reads.reader = readers.reader and reads.holder = readers.holder
                                and ordinal > read_through)
            or read_through > (select notice_count from holders
                               where holders.holder = readers.holder)",
    ),
    (
        "every read has its reader",
        "select count(*) from notice_reads as reads
         where not exists (select from readers where readers.reader = reads.reader
                           and readers.holder = reads.holder)",
    ),
    (
        "a delivery has its endpoint, and as many attempts as it counts",
        "select count(*) from deliveries
         where not exists (select from endpoints
                           where endpoints.endpoint_id = deliveries.endpoint_id)
            or attempts <> (select count(*) from attempts
                            where attempts.delivery_id = deliveries.delivery_id)",
    ),
    (
        "every attempt has its delivery",
        "select count(*) from attempts
         where not exists (select from deliveries
                           where deliveries.delivery_id = attempts.delivery_id)",
    ),
    (
        "what arrived did so once",
        "select count(*) from deliveries
         where state = 'delivered'
           and not exists (select from attempts where attempts.delivery_id = deliveries.delivery_id
                           and outcome = 'delivered')",
    ),
    (
        "every endpoint that was asked for has its request, and every revival",
        "select (select count(*) from endpoints
                 where not implicit
                   and 1 <> (select count(*) from requests where target_id = endpoint_id))
              + (select count(*) from deliveries
                 where revivals <> (select count(*) from requests where target_id = delivery_id))",
    ),
    (
        "every request has what came of it",
        "select count(*) from requests
         where not exists (select from endpoints where endpoint_id = target_id)
           and not exists (select from deliveries where delivery_id = target_id)",
    ),
    (
        "every account that is gone is marked, and keeps nothing",
        "select (select count(*) from messaging.positions
                 where source = 'identity'
                   and not exists (select from holders
                                   where holder = 'account/' || subject_id
                                     and erased_at is not null)
                   and not exists (select from messaging.dead_letters as dead
                                   where dead.source = 'identity'
                                     and dead.subject_id = positions.subject_id))
              + (select count(*) from holders join messages on holder = 'account/' || account_id
                 where erased_at is not null)",
    ),
    (
        "holders and offices are as many as were counted",
        "select (select count(*) from tallies
                 where name = 'holders' and count <> (select count(*) from holders)
                    or name = 'offices' and count <> (select count(*) from offices))
              + (select 2 - count(*) from tallies)",
    ),
    (
        "an endpoint was switched off as often as it was said",
        "select count(*) from endpoints left join messaging.subjects on subject_id = endpoint_id
         where disablings <> coalesce(version, 0)",
    ),
    (
        "every case, office, decision and end of an account was heard of",
        "select count(*) from (
             select 'routing' as source, case_id as subject from cases
             union all select 'routing', subject_id from offices
             union all select 'moderation', message_id from events where kind like 'message-%'
             union all select 'identity', substr(holder, 9)::uuid from holders
                       where erased_at is not null
         ) as told
         where not exists (select from messaging.positions as heard
                           where heard.source = told.source and heard.subject_id = told.subject)",
    ),
];
