-- What is looked through again and again is found by indexes that fit, and no more than can matter.

-- Cases that an office helps with: the index before asked for what no statement says of itself.
create index cases_helped on cases using gin (helper_office_ids) where helper_office_ids is not null;

-- How many cases a precedent routed: counted as they are opened. An older release that still runs beside does
-- not count; what it opens is missing in the number.
alter table precedents add case_count integer not null default 0;
create index precedents_by_key on precedents (office_id, kind, domain, topic, decided_at desc);
update precedents p set case_count = (
    select count(*)
    from openings o
    join cases c using (message_id)
    join custody u on u.case_id = c.case_id and u.position = 1
    where o.office_id = p.office_id and o.kind = p.kind and o.domain = p.domain
      and o.topic = p.topic and u.office_id = p.to_office_id and c.opened_at >= p.decided_at
      and (p.superseded_at is null or c.opened_at < p.superseded_at)
      and (c.assigned_by = 'precedent' or c.custody_count > 1));

-- Wishes and erasures of messages that have no opening may wait for ever: they are looked at ever more rarely,
-- and by their ids when one is opened all the same.
alter table withdrawals add due_at timestamptz not null default '-infinity';
alter table withdrawals add attempts integer not null default 0;
create index withdrawals_due on withdrawals (due_at, message_id) where state = 'waiting';
alter table erasures add due_at timestamptz not null default '-infinity';
alter table erasures add attempts integer not null default 0;
create index erasures_due on erasures (due_at, message_id) where state = 'waiting';

-- The public messages of a consultation, to list and to count.
create index cases_public_by_consultation on cases (consultation_id, submitted_at desc, case_id desc)
    where public and consultation_id is not null;
