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
         where e.state = 'done' and (c.has_text
             or exists (select from requests q where q.case_id = c.case_id and q.response <> ''
                          and q.created_at < e.erased_at)
             or exists (select from acts a where a.case_id = c.case_id and a.note <> ''
                          and a.at < e.erased_at)
             or exists (select from transfers t where t.case_id = c.case_id and t.reason <> ''
                          and t.entered_at < e.erased_at)
             or exists (select from precedents p where p.case_id = c.case_id and p.retired_why <> ''
                          and p.superseded_at < e.erased_at)
             or exists (select from model_cases m where m.case_id = c.case_id and m.why <> ''
                          and m.picked_at < e.erased_at))",
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
            or coalesce(pause_count, 0) <> (select count(*) from pauses p where p.case_id = c.case_id)
            or coalesce(correction_count, 0)
               <> (select count(*) from reply_versions v where v.case_id = c.case_id)
            or coalesce(step_count, 0) <> (select count(*) from steps s where s.case_id = c.case_id)
            or coalesce(promise_count, 0) <> (select count(*) from promises p where p.case_id = c.case_id)
            or coalesce(act_count, 0) <> (select count(*) from acts a where a.case_id = c.case_id)
            or coalesce(look_count, 0) <> (select count(*) from looks l where l.case_id = c.case_id)
            or coalesce(model_case, false) <> exists (select from model_cases m where m.case_id = c.case_id)",
    ),
    (
        "a case is in the common problem of which it tells, and in no other",
        "select count(*) from cases c
         full join (select m.case_id, m.problem_id, p.lead_office_id from common_cases m
                    left join common_problems p using (problem_id) where left_at is null) inside
             on inside.case_id = c.case_id
         where c.case_id is null
            or (c.problem_id, c.lead_office_id) is distinct from (inside.problem_id, inside.lead_office_id)",
    ),
    (
        "a common problem has as many cases as it counts, and each has its answer",
        "select count(*) from common_problems p
         full join (select problem_id, count(*) filter (where left_at is null) as inside,
                           count(left_at) as left,
                           count(*) filter (where leaving = 'objected') as objected,
                           count(*) filter (where left_at is null and r.reply_id is not null) as answered
                    from common_cases m
                    left join replies r on r.reply_id = m.reply_id and r.case_id = m.case_id
                    group by problem_id) m using (problem_id)
         where p.case_count is distinct from m.inside or p.left_count is distinct from m.left
            or p.objected_count is distinct from m.objected
            or m.answered is distinct from case p.stage when 'answered' then m.inside else 0 end",
    ),
    (
        "what came into a common problem and left it was said and logged, once each",
        "select count(*) from (
             select case_id, count(*) as came, count(left_at) as left from common_cases group by case_id
         ) m full join (
             select subject_id as case_id, count(*) filter (where type like '%.case-grouped') as came,
                    count(*) filter (where type like '%.case-ungrouped') as left
             from messaging.outbox
             where type in ('liuyan.routing.v1.case-grouped', 'liuyan.routing.v1.case-ungrouped')
             group by subject_id
         ) said using (case_id) full join (
             select case_id, count(*) filter (where action = 'case-grouped') as came,
                    count(*) filter (where action = 'case-ungrouped') as left
             from acts where action in ('case-grouped', 'case-ungrouped') group by case_id
         ) logged using (case_id)
         where (m.came, m.left) is distinct from (said.came, said.left)
            or (m.came, m.left) is distinct from (logged.came, logged.left)",
    ),
    (
        "a consultation was said as often as it was changed, and each message of one names one that is there",
        "select (select count(*) from consultations q full join (
                    select subject_id, count(*) as times from messaging.outbox
                    where type in ('liuyan.routing.v1.consultation-put',
                                   'liuyan.routing.v1.consultation-published') group by subject_id
                 ) said on said.subject_id = q.consultation_id
                 where q.changes is distinct from said.times)
              + (select count(*) from cases c left join consultations q using (consultation_id)
                 where c.consultation_id is not null and q.stage is null)
              + (select count(*) from cases c join openings o using (message_id)
                 where c.consultation_id is distinct from o.consultation_id)",
    ),
    (
        "a result has as many statements as it counts, and each speaks of as many messages",
        "select (select count(*) from consultations q full join (
                    select consultation_id, count(*) as found, max(position) as last
                    from consultation_statements group by consultation_id
                 ) s using (consultation_id)
                 where coalesce(q.statement_count, -1) <> coalesce(s.found, 0)
                    or s.last >= q.statement_count)
              + (select count(*) from consultation_statements s full join (
                    select t.consultation_id, position, count(*) as found,
                           count(*) filter (where c.consultation_id = t.consultation_id) as within
                    from consultation_citations t left join cases c using (case_id)
                    group by t.consultation_id, position
                 ) t using (consultation_id, position)
                 where coalesce(s.citation_count, -1) <> coalesce(t.found, 0) or t.found <> t.within)",
    ),
    (
        "what the result of a consultation makes of a message was said as often as its author was told",
        "select count(*) from consultation_tellings t
         full join (
             select subject_id as case_id, count(*) as times from messaging.outbox
             where type = 'liuyan.routing.v1.result-told' group by subject_id
         ) said using (case_id)
         left join cases c using (case_id)
         where t.times is distinct from said.times or t.consultation_id is distinct from c.consultation_id",
    ),
    (
        "nothing hangs on a case that is not there",
        "select count(*) from (select case_id from replies union all select case_id from custody
             union all select case_id from ratings union all select case_id from requests
             union all select case_id from transfers union all select case_id from case_words
             union all select case_id from looks union all select case_id from pauses
             union all select case_id from reply_versions union all select case_id from steps
             union all select case_id from acts union all select case_id from precedents
             union all select case_id from promises union all select case_id from common_cases
             union all select case_id from model_cases
             union all select case_id from consultation_citations
             union all select case_id from consultation_tellings) child
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
        "the acts of a case are one chain without gaps up to the end that the case knows",
        "with linked as (
             select *, row_number() over (partition by case_id order by position) as expected,
                    coalesce(lag(hash) over (partition by case_id order by position),
                             decode(repeat('00', 32), 'hex')) as before
             from acts
         )
         select (select count(*) from linked
                 where position <> expected or prev_hash <> before
                    or note_hash <> encode(sha256(convert_to(note, 'UTF8')), 'hex')
                    or hash <> sha256(prev_hash || convert_to(concat_ws(chr(31), case_id, position,
                           (extract(epoch from at) * 1000000)::bigint, actor, action, office_id,
                           coalesce(request_id::text, ''), detail, note_hash), 'UTF8')))
              + (select count(*) from cases c
                 left join linked l on l.case_id = c.case_id and l.position = c.act_count
                 where c.act_hash is distinct from l.hash)",
    ),
    (
        "every act that was asked for has its answer",
        "select count(*) from acts a
         where request_id is not null
           and not exists (select from requests q
                           where q.request_id = a.request_id and q.caller = a.actor)",
    ),
    (
        "what a case tells of itself was done",
        "select count(*) from cases c
         where coalesce(return_count, 0)
               <> (select count(*) from transfers t
                   where t.case_id = c.case_id and way in ('return', 'referral'))
            or (paused_at is distinct from (select paused_at from pauses p
                                            where p.case_id = c.case_id and resumed_at is null))
            or (extended_at is not null)
               <> exists (select from acts a
                          where a.case_id = c.case_id and action = 'deadline-extended')
            or (supervised_at is not null)
               <> exists (select from acts a where a.case_id = c.case_id
                            and action in ('case-supervised', 'case-escalated'))
            or coalesce(follow_up_count, 0)
               <> (select count(*) from acts a
                   where a.case_id = c.case_id and action = 'follow-up-asked')
            or coalesce(cardinality(helper_office_ids), 0)
               > (select count(*) from acts a where a.case_id = c.case_id and action = 'helper-invited')",
    ),
    (
        "what was done with a case was said as often",
        "select count(*) from (
             select case_id, case action when 'deadline-extended' then 'case-extended' else action end as what,
                    count(*) as times
             from acts
             where action in ('case-accepted', 'deadline-extended', 'helper-invited', 'follow-up-asked')
             group by 1, 2
             union all
             select case_id, 'case-paused', count(*) from pauses group by case_id
             union all
             select case_id, 'case-resumed', count(*) from pauses where resumed_at is not null
             group by case_id
         ) done full join (
             select subject_id as case_id, replace(type, 'liuyan.routing.v1.', '') as what, count(*) as times
             from messaging.outbox
             where type in ('liuyan.routing.v1.case-accepted', 'liuyan.routing.v1.case-extended',
                            'liuyan.routing.v1.helper-invited', 'liuyan.routing.v1.follow-up-asked',
                            'liuyan.routing.v1.case-paused', 'liuyan.routing.v1.case-resumed')
             group by subject_id, type
         ) said using (case_id, what)
         where case what
               -- A reply accepts, too.
               when 'case-accepted' then coalesce(done.times, 0) > coalesce(said.times, 0)
               else done.times is distinct from said.times end",
    ),
    (
        "each decision of a superior that makes a precedent has made one",
        "select count(*) from (select case_id, count(*) as times from acts
                               where action = 'precedent-set' group by case_id) set
         full join (select case_id, count(*) as times from precedents group by case_id) kept
             using (case_id)
         where set.times is distinct from kept.times",
    ),
    (
        "what became of each promise was said once",
        "select count(*) from (
             select case_id, 'made' as what, count(*) as times from promises group by case_id
             union all
             select case_id, state, count(*) from promises where state <> 'open' group by case_id, state
         ) kept full join (
             select subject_id as case_id, split_part(type, 'promise-', 2) as what, count(*) as times
             from messaging.outbox where type like 'liuyan.routing.v1.promise-%'
             group by subject_id, type
         ) said using (case_id, what)
         where kept.times is distinct from said.times",
    ),
    (
        "each step of the clock was said once, and no other",
        "select count(*) from steps s
         full join (
             select subject_id as case_id, type, count(*) as times from messaging.outbox
             where type in ('liuyan.routing.v1.deadline-neared', 'liuyan.routing.v1.deadline-missed')
             group by subject_id, type
         ) said on said.case_id = s.case_id
               and said.type = 'liuyan.routing.v1.deadline-' || case s.step when 'near' then 'neared' else s.step end
         where coalesce(s.step, '') <> 'escalated' and coalesce(said.times, 0) <> (s.step is not null)::int",
    ),
    (
        "there is what models tell, and each has as many models and publications as it counts",
        "select count(*) from (values ('domain'), ('office')) as known (subject)
         left join model_subjects s using (subject)
         where s.subject is null
            or model_count <> (select count(*) from models m where m.subject = s.subject)
            or model_count <> (select coalesce(max(version), 0) from models m where m.subject = s.subject)
            or publication_count
               <> (select count(*) from model_publications p where p.subject = s.subject)
            or publication_count
               <> (select coalesce(max(position), 0) from model_publications p where p.subject = s.subject)",
    ),
    (
        "each model that was in force or told a domain is there, and its bytes are whole",
        "select (select count(*) from model_publications p left join models m using (subject, version)
                 where p.version > 0 and m.state is distinct from 'trained')
              + (select count(*) from models where sha256(bytes) <> sha256)
              + (select count(*) from cases c left join models m
                     on m.subject = 'domain' and m.version = c.suggested_by
                 where c.suggested_by is not null and m.state is distinct from 'trained')",
    ),
    (
        "the lists of the directory are whole",
        "select count(*) from directory_lists l full join directory_contents c on l.list = c.list
         where (l.rows, l.sha256) is distinct from (c.rows, c.sha256)
           and not (l.list is null and c.rows = 0)",
    ),
];
