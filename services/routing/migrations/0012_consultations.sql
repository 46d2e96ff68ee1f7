-- Consultations: an office asks the public one question for some time, and publishes what it took up.

create table consultations (
    consultation_id uuid primary key,
    office_id       text not null,
    division_code   text,
    -- That division and those above it, the highest first.
    division_path   text[] not null,
    domain          text not null,
    question        text not null,
    description     text not null,
    from_on         date not null,
    until_on        date not null,
    stage           text not null constraint consultations_stage_known
                    check (stage in ('draft', 'open', 'closed', 'published')),
    summary         text,
    created_at      timestamptz not null,
    put_by          text not null,
    published_at    timestamptz,
    corrected_at    timestamptz,
    statement_count integer not null,
    -- How often it was changed; each change was said once.
    changes         bigint not null,
    constraint consultations_days_in_order check (until_on >= from_on),
    constraint consultations_published_has_result check (
        (stage = 'published') = (summary is not null) and (stage = 'published') = (published_at is not null)
        and (stage = 'published') = (statement_count > 0)
    )
);
create index consultations_newest on consultations (created_at desc, consultation_id desc);

-- What became of some of the suggestions; `position` counts from 0.
create table consultation_statements (
    consultation_id uuid not null constraint consultation_statements_of references consultations,
    position        integer not null,
    uptake          text not null constraint consultation_statements_uptake_known
                    check (uptake in ('taken', 'partly', 'not')),
    what            text not null,
    taken_up_by     text not null,
    citation_count  integer not null,
    constraint consultation_statements_pkey primary key (consultation_id, position)
);

-- Of which cases a statement speaks.
create table consultation_citations (
    consultation_id uuid not null,
    position        integer not null,
    case_id         uuid not null constraint consultation_citations_case_known references cases,
    constraint consultation_citations_pkey primary key (consultation_id, position, case_id),
    constraint consultation_citations_of foreign key (consultation_id, position)
        references consultation_statements
);
create index consultation_citations_by_case on consultation_citations (case_id);

-- The consultation to which a message belongs; null is none. It may be approved before this database, come
-- back from an older backup, knows of the consultation again: so it refers to none.
alter table openings add consultation_id uuid;
alter table cases add consultation_id uuid;
create index cases_by_consultation on cases (consultation_id, submitted_at desc, case_id desc)
    where consultation_id is not null;
