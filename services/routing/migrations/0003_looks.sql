-- Every look of an official at a text that is kept by intake alone: written before the text is asked
-- for, never changed. The case counts them; null is none, as an older release writes it.
alter table cases add look_count integer;
create table looks (
    look_id   uuid primary key,
    case_id   uuid not null constraint looks_case_known references cases,
    caller    text not null,
    looked_at timestamptz not null
);
create index looks_by_case on looks (case_id);
