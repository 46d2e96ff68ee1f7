-- Models that tell where a message belongs, trained on what was decided here, and which of them was in
-- force when. A model keeps hashes of pieces of texts and never a text.

-- What models tell. The rows are here from the beginning and count what belongs to them.
create table model_subjects (
    subject           text primary key constraint model_subjects_known check (subject in ('domain', 'office')),
    model_count       integer not null default 0,
    publication_count integer not null default 0
);
insert into model_subjects (subject) values ('domain'), ('office');

create table models (
    subject       text not null constraint models_subject_known references model_subjects,
    version       integer not null constraint models_version_counts_from_one check (version > 0),
    state         text not null default 'waiting' constraint models_state_known
                  check (state in ('waiting', 'trained', 'failed')),
    fault         text constraint models_fault_known
                  check (fault in ('too_few_labels', 'too_few_examples', 'failed')),
    requested_at  timestamptz not null,
    requested_by  text not null,
    request_id    uuid not null,
    -- Until when a worker has it; after that another one may.
    claimed_until timestamptz,
    tries         integer not null default 0,
    trained_at    timestamptz,
    -- The moment up to which decisions were learnt from.
    learnt_until  timestamptz,
    examples      integer not null default 0,
    macro_f1      double precision,
    accuracy      double precision,
    ece           double precision,
    sure_from     double precision,
    sure          double precision,
    bytes         bytea,
    sha256        bytea,
    constraint models_pkey primary key (subject, version),
    constraint models_request_once unique (requested_by, request_id),
    constraint models_failed_has_fault check ((state = 'failed') = (fault is not null)),
    constraint models_trained_has_bytes check (
        (state = 'trained') = (bytes is not null) and (bytes is null) = (sha256 is null)
        and (state = 'trained') = (trained_at is not null) and (bytes is null) = (learnt_until is null)
    )
);
create unique index models_one_waiting on models (subject) where state = 'waiting';

-- Which model came in force when; 0 is none. The last one of a subject is in force.
create table model_publications (
    subject      text not null constraint model_publications_subject_known references model_subjects,
    position     integer not null,
    version      integer not null,
    published_at timestamptz not null,
    published_by text not null,
    request_id   uuid not null,
    note         text not null,
    constraint model_publications_pkey primary key (subject, position),
    constraint model_publications_request_once unique (published_by, request_id)
);

-- The version of the model that told a case's domain; null if its author chose it.
alter table cases add suggested_by integer;
create index cases_decided on cases (replied_at desc, case_id desc)
    where has_text and domain <> '' and state in ('replied', 'closed');
