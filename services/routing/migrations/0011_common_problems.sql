-- Common problems: many cases about one thing, one office that leads, one answer.

create table common_problems (
    problem_id     uuid primary key,
    title          text not null,
    lead_office_id text not null,
    stage          text not null constraint common_problems_stage_known
                   check (stage in ('open', 'answered', 'dissolved')),
    body           text,
    created_at     timestamptz not null,
    answered_at    timestamptz,
    case_count     integer not null constraint common_problems_cases_counted check (case_count >= 0),
    left_count     integer not null constraint common_problems_left_counted check (left_count >= 0),
    objected_count integer not null,
    changes        bigint not null,
    constraint common_problems_answered_has_answer check (
        (stage = 'answered') = (body is not null) and (stage = 'answered') = (answered_at is not null)
    ),
    constraint common_problems_dissolved_is_empty check (stage <> 'dissolved' or case_count = 0)
);
create index common_problems_newest on common_problems (created_at desc, problem_id desc);
create index common_problems_by_lead on common_problems (lead_office_id, created_at desc, problem_id desc);

-- Which case was in which, from when to when: a case comes to the same one again as another row.
create table common_cases (
    problem_id uuid not null constraint common_cases_problem_known references common_problems,
    case_id    uuid not null constraint common_cases_case_known references cases,
    joined_at  timestamptz not null,
    left_at    timestamptz,
    leaving    text,
    -- The reply that the case got with the common answer.
    reply_id   uuid constraint common_cases_reply_known references replies,
    constraint common_cases_pkey primary key (problem_id, case_id, joined_at),
    constraint common_cases_left_why check ((left_at is null) = (leaving is null))
);
create unique index common_cases_one_at_a_time on common_cases (case_id) where left_at is null;

-- The common problem in which a case is, and the office that leads it; null is none.
alter table cases add problem_id uuid;
alter table cases add lead_office_id text;
alter table cases add constraint cases_grouped_has_lead check ((problem_id is null) = (lead_office_id is null));
-- Who accuses somebody is in none.
alter table cases add constraint cases_grouped_accuses_nobody
    check (problem_id is null or cardinality(accused_office_ids) = 0);
create index cases_by_problem on cases (problem_id, submitted_at desc, case_id desc) where problem_id is not null;
create index cases_by_lead on cases (lead_office_id) where lead_office_id is not null;

-- Cases that editors show as handled well.
create table model_cases (
    case_id    uuid primary key constraint model_cases_case_known references cases,
    why        text not null,
    place      integer not null constraint model_cases_place_bounded check (place between 0 and 9999),
    picked_at  timestamptz not null,
    picked_by  text not null,
    retired_at timestamptz
);
create index model_cases_shown on model_cases (place, picked_at desc, case_id) where retired_at is null;
alter table cases add model_case boolean;

-- Who took a precedent away that was not superseded by a later decision.
alter table precedents add retired_by text;
alter table precedents add retired_why text;
