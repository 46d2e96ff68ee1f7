-- What the authors of a consultation's messages were told of its result.

-- Up to which change of a published one all its authors were told. A case that is opened later sets it back.
alter table consultations add told_through bigint not null default 0;
-- The trace in which the result was published last.
alter table consultations add traceparent text;
create index consultations_to_tell on consultations (published_at)
    where stage = 'published' and told_through < changes;

-- What the result made of a message when its author was told last. Each time was said once.
create table consultation_tellings (
    case_id         uuid not null constraint consultation_tellings_case_known references cases,
    consultation_id uuid not null constraint consultation_tellings_of references consultations,
    -- Empty if no statement speaks of it.
    uptake          text not null constraint consultation_tellings_uptake_known
                    check (uptake in ('', 'taken', 'partly', 'not')),
    times           integer not null,
    -- At which change of the consultation it was looked at last.
    seen            bigint not null,
    constraint consultation_tellings_pkey primary key (case_id)
);
