//! What must always be true of this database. Each check counts breaches, so that a row which was
//! lost or changed behind the service's back is noticed from other rows; `liuyan verify` asks them
//! while nothing is being written, or repeats a check that failed.

/// A check, by name, and the query that counts its breaches.
pub type Check = (&'static str, &'static str);

/// All checks of this database. Kit's tables have checks of their own.
pub const CHECKS: &[Check] = &[
    (
        "every approved message that is done has a case, and every case its message",
        "select count(*) from openings o full join cases c using (message_id)
         where o.message_id is null or (o.state = 'done') <> (c.case_id is not null)",
    ),
    (
        "what became of a case was settled with its author's wish",
        "select count(*) from withdrawals w
         full join (select message_id, 'withdrawn' as state from cases where outcome = 'withdrawn'
                    union all
                    select message_id, 'refused' from messaging.outbox
                    join cases on subject_id = case_id
                    where type = 'liuyan.routing.v1.withdrawal-refused') done using (message_id)
         where coalesce(w.state, '') <> coalesce(done.state, 'waiting')",
    ),
    (
        "of what was erased no text is left",
        "select count(*) from erasures e join cases c using (message_id)
         where e.state = 'done' and (c.has_text or exists (
             select from requests q where q.case_id = c.case_id and q.response <> ''
               and q.created_at < e.erased_at))",
    ),
    (
        "every case was said to be opened, and what was said is there",
        "select count(*) from cases c full join messaging.outbox o
             on o.subject_id = c.case_id and o.version = 1
         where c.case_id is null and o.type = 'liuyan.routing.v1.case-opened'
            or c.case_id is not null and o.event_id is null",
    ),
    (
        "a case has as much of everything as it counts",
        "select count(*) from cases c
         where reply_count <> (select count(*) from replies r where r.case_id = c.case_id)
            or custody_count <> (select count(*) from custody u where u.case_id = c.case_id)
            or custody_count - 1 <> (select count(*) from transfers t where t.case_id = c.case_id)
            or rating_count <> (select count(*) from ratings t where t.case_id = c.case_id)
            or request_count <> (select count(*) from requests q where q.case_id = c.case_id)
            or coalesce(look_count, 0) <> (select count(*) from looks l where l.case_id = c.case_id)",
    ),
    (
        "nothing hangs on a case that is not there",
        "select count(*) from (select case_id from replies union all select case_id from custody
             union all select case_id from ratings union all select case_id from requests
             union all select case_id from transfers union all select case_id from case_words
             union all select case_id from looks) child
         left join cases c using (case_id) where c.case_id is null",
    ),
    (
        "custody is without gaps",
        "select count(*) from (
             select c.opened_at, c.closed_at, min(u.held_from) as first,
                    nullif(max(coalesce(u.held_until, 'infinity')), 'infinity') as last,
                    sum(coalesce(u.held_until, u.held_from) - u.held_from)
                        filter (where c.closed_at is not null) as held
             from cases c left join custody u using (case_id) group by c.case_id
         ) as held
         where first is distinct from opened_at or last is distinct from closed_at
            or held is distinct from closed_at - opened_at",
    ),
    (
        "each transfer goes from the office that had the case to the next, at the same moment",
        "select count(*) from transfers t
         left join custody before on before.case_id = t.case_id and before.position = t.position - 1
         left join custody after on after.case_id = t.case_id and after.position = t.position
         where t.from_office_id is distinct from before.office_id
            or after.held_from is distinct from before.held_until",
    ),
    (
        "the office of a case is the last that held it",
        "select count(*) from cases c
         left join custody u on u.case_id = c.case_id and u.position = c.custody_count
         where u.office_id is distinct from c.office_id",
    ),
    (
        "a case knows when it was first and last answered",
        "select count(*) from cases c left join (
             select case_id, min(replied_at) as first, max(replied_at) as last
             from replies group by case_id
         ) r using (case_id)
         where c.replied_at is distinct from r.first or c.last_replied_at is distinct from r.last",
    ),
    (
        "each final rating was said once, and no other",
        "select count(*) from (
             select case_id, count(*) as times from ratings where final_at is not null group by case_id
         ) rated full join (
             select subject_id as case_id, count(*) as times from messaging.outbox
             where type = 'liuyan.routing.v1.case-rated' group by subject_id
         ) said using (case_id)
         where rated.times is distinct from said.times",
    ),
    (
        "what is public can be found, where it lies",
        "select count(*) from cases c full join case_words w using (case_id)
         where coalesce(c.public, false) <> (w.case_id is not null)
            or w.submitted_at <> c.submitted_at
            or not w.words @@ (quote_literal('@office/' || c.office_id))::tsquery
            or not w.words @@ (quote_literal('@division/' || c.division_code))::tsquery",
    ),
    (
        "the lists of the directory are whole",
        "select count(*) from directory_lists l full join directory_contents c on l.list = c.list
         where (l.rows, l.sha256) is distinct from (c.rows, c.sha256)",
    ),
];
