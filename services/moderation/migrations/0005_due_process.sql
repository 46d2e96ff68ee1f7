-- Due process: appeals against decisions not to publish, a time by which to decide, accusations that
-- only senior moderators decide on, and messages of moderators themselves.

-- The account of the author; empty where the author was not signed in. A moderator never works on a
-- message of their own.
alter table reviews add column account_id text not null default '';
-- By when there is to be a decision; the queue's order. The default is for what the release before
-- this one still writes while both run.
alter table reviews add column decide_by timestamptz not null default now() + interval '2 days';
update reviews set decide_by = submitted_at + interval '2 days';
-- Whether only a senior moderator may decide.
alter table reviews add column senior_only boolean not null default false;
alter table reviews add column appeal_count integer not null default 0;

alter table reviews drop constraint reviews_state_known;
alter table reviews add constraint reviews_state_known
    check (state in ('screening', 'held', 'approved', 'returned', 'declined', 'withdrawn', 'appealed'));
alter table reviews drop constraint reviews_only_held_ones_are_claimed;
alter table reviews add constraint reviews_only_waiting_ones_are_claimed
    check (claimed_by is null or state in ('held', 'appealed'));
alter table reviews drop constraint reviews_decided_ones_say_who;
alter table reviews add constraint reviews_decided_ones_say_who
    check (state not in ('approved', 'returned', 'declined', 'appealed') or decided_by is not null);
alter table reviews drop constraint reviews_refused_ones_say_why;
alter table reviews add constraint reviews_refused_ones_say_why
    check (state not in ('returned', 'declined', 'appealed')
           or (ground <> '' and (explanation <> '' or erased_at is not null)));
alter table reviews drop constraint reviews_erased_ones_are_bare;
alter table reviews add constraint reviews_erased_ones_are_bare check (
    erased_at is null
    or (explanation = '' and hit_count = 0 and redaction_count = 0 and claimed_by is null
        and state not in ('screening', 'held', 'returned', 'appealed'))
);
alter table reviews add constraint reviews_appeals_are_counted check (appeal_count >= 0);

create index reviews_by_time_to_decide on reviews (state, decide_by, message_id);
-- What moderators decided lately, and how fast.
create index decisions_by_time on decisions (decided_at);

-- A decision not to publish can be appealed against once. The author's words are sealed; they go when
-- the message is erased.
create table appeals (
    message_id       uuid not null,
    decision_ordinal integer not null,
    state            text not null,
    reason           bytea not null,
    appealed_at      timestamptz not null,
    due_at           timestamptz not null,
    -- When it was said that nobody decided in time.
    overdue_at       timestamptz,
    explanation      text not null default '',
    decided_by       text,
    decided_at       timestamptz,
    constraint appeals_pkey primary key (message_id, decision_ordinal),
    constraint appeals_state_known check (state in ('open', 'upheld', 'overturned', 'lapsed')),
    constraint appeals_decided_ones_say_who check ((state in ('upheld', 'overturned')) = (decided_by is not null)),
    constraint appeals_decided_ones_say_when check ((decided_by is null) = (decided_at is null))
);
create index appeals_open on appeals (due_at) where state = 'open';
create index appeals_decided on appeals (decided_at) where decided_at is not null;
