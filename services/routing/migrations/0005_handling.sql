-- What is done to a case beside its states: a chained log of every act, returns with the precedents
-- that superiors' decisions make, waiting for the author, more time, help, corrections, being watched,
-- and the steps of the clock that come by themselves.

-- An older release writes none of these; null is none.
alter table cases add working_days boolean;
alter table cases add paused_at timestamptz;
alter table cases add pause_count integer;
alter table cases add extended_at timestamptz;
alter table cases add return_count integer;
alter table cases add helper_office_ids text[];
alter table cases add supervised_at timestamptz;
alter table cases add correction_count integer;
alter table cases add follow_up_count integer;
alter table cases add step_due_at timestamptz;
alter table cases add step_count integer;
alter table cases add act_count integer;
alter table cases add act_hash bytea;
alter table cases add constraint cases_paused_is_accepted check (paused_at is null or state = 'accepted');
alter table cases add constraint cases_returned_twice_at_most check (coalesce(return_count, 0) <= 2);
-- An office that helps never is one that is accused; that it is not under one either, assignment.rs
-- sees to.
alter table cases add constraint cases_helpers_not_accused
    check (not coalesce(helper_office_ids && accused_office_ids, false));
-- What waits for its first answer and is not overdue yet has its steps from now on.
update cases
set step_due_at = deadline_at - interval '3 days'
where state in ('assigned', 'accepted') and reply_count = 0 and deadline_at > now();
create index cases_by_step on cases (step_due_at, case_id) where step_due_at is not null;
create index cases_by_helper on cases using gin (helper_office_ids)
    where helper_office_ids is not null and helper_office_ids <> '{}';
create index cases_supervised on cases (submitted_at desc, case_id desc) where supervised_at is not null;

-- Every act, chained by hashes for each case: domain/acts.rs says how. The note is empty once its
-- message was erased; its hash stays.
create table acts (
    case_id    uuid not null constraint acts_case_known references cases,
    position   integer not null,
    at         timestamptz not null,
    actor      text not null,
    action     text not null,
    office_id  text not null,
    request_id uuid,
    detail     text not null,
    note       text,
    note_hash  text not null,
    prev_hash  bytea not null,
    hash       bytea not null,
    constraint acts_pkey primary key (case_id, position)
);

-- How a case came to another office, and which one the office that gave it back named.
alter table transfers add way text not null default 'transfer' constraint transfers_way_known
    check (way in ('transfer', 'return', 'referral', 'decision'));
alter table transfers add named_office_id text;

-- When an office waited for its author. The question is the note of the act.
create table pauses (
    case_id      uuid not null constraint pauses_case_known references cases,
    position     integer not null,
    act_position integer not null,
    paused_at    timestamptz not null,
    resumed_at   timestamptz,
    constraint pauses_pkey primary key (case_id, position),
    constraint pauses_act_known foreign key (case_id, act_position) references acts,
    constraint pauses_end_after_they_begin check (resumed_at >= paused_at)
);
create unique index pauses_one_at_a_time on pauses (case_id) where resumed_at is null;

-- What a reply said before it was corrected.
alter table replies add corrected_at timestamptz;
create table reply_versions (
    reply_id     uuid not null constraint reply_versions_reply_known references replies,
    position     integer not null,
    case_id      uuid not null constraint reply_versions_case_known references cases,
    body         text not null,
    corrected_at timestamptz not null,
    constraint reply_versions_pkey primary key (reply_id, position)
);

-- What superiors decided: messages of this kind that are written to the one office are for the other.
create table precedents (
    precedent_id  uuid primary key,
    office_id     text not null,
    kind          text not null,
    domain        text not null constraint precedents_of_a_domain check (domain <> ''),
    topic         text not null,
    to_office_id  text not null,
    case_id       uuid not null constraint precedents_case_known references cases,
    decided_at    timestamptz not null,
    superseded_at timestamptz
);
create unique index precedents_one_in_force on precedents (office_id, kind, domain, topic)
    where superseded_at is null;

-- The steps of the clock that were said, once each.
create table steps (
    case_id uuid not null constraint steps_case_known references cases,
    step    text not null constraint steps_step_known check (step in ('near', 'missed', 'escalated')),
    at      timestamptz not null,
    said_at timestamptz not null,
    constraint steps_once primary key (case_id, step)
);
