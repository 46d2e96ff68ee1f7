-- Search, transfers, final ratings, an editor's offices, and the traces of causes.

-- Which lists are whole now: their record follows what this migration changes. One that has lost a
-- row stays as it is and is found damaged afterwards, too.
create temporary table whole on commit drop as
select list from directory_lists join directory_contents using (list, rows, sha256);

-- Where a row comes from: a list does not touch what an editor has put.
alter table divisions add source text not null default 'list'
    constraint divisions_source_known check (source in ('list', 'editor'));
alter table offices add source text not null default 'list'
    constraint offices_source_known check (source in ('list', 'editor'));
-- Counts the changes of a list, by editors and by newer versions, so that others see them.
alter table directory_lists add changes bigint not null default 0;
-- The divisions in which the office was last said to lie; it is said again when these change.
alter table offices add told_path text[];
alter table kinds add name_en text not null default '';

create or replace view directory_contents as
with lines (list, key, line) as (
    select 'divisions', code,
           concat_ws('|', code, name, level, coalesce(parent_code, ''), source) from divisions
    union all
    select 'offices', office_id,
           concat_ws('|', office_id, coalesce(division_code, ''), level, role, title,
                     coalesce(parent_office_id, ''), open, source) from offices
    union all
    select 'calendar', to_char(day, 'YYYY-MM-DD'),
           concat_ws('|', to_char(day, 'YYYY-MM-DD'), name, off, schedule_year) from holidays
    union all
    select 'kinds', kind, concat_ws('|', kind, place, name_zh, name_en) from kinds
    union all
    select 'domains', domain,
           concat_ws('|', domain, place, name_zh, name_en, array_to_string(topics, ';')) from domains
    union all
    select 'deadlines', kind || '/' || level, concat_ws('|', kind, level, days, working) from deadlines
)
select list,
       count(*) as rows,
       encode(sha256(convert_to(string_agg(line, E'\n' order by key collate "C"), 'UTF8')), 'hex') as sha256
from lines
group by list;

update directory_lists
set rows = found.rows, sha256 = found.sha256
from directory_contents as found
where found.list = directory_lists.list and found.list in (select list from whole);

-- The traces of causes, for the events that workers say later.
alter table openings add traceparent text;
alter table openings add redaction_traceparent text;
alter table withdrawals add traceparent text;

-- When it was answered last; `replied_at` is when it was first.
alter table cases add last_replied_at timestamptz;
update cases
set last_replied_at = last.replied_at
from (select case_id, max(replied_at) as replied_at from replies group by case_id) as last
where last.case_id = cases.case_id;

create index cases_by_deadline on cases (deadline_at, case_id);
create index cases_unanswered_by_deadline on cases (deadline_at, case_id)
    where state in ('assigned', 'accepted');
create index cases_unanswered_by_office on cases (office_id, deadline_at, case_id)
    where state in ('assigned', 'accepted');
create index cases_by_reply on cases (last_replied_at desc, case_id desc)
    where last_replied_at is not null;

-- Why a case was given to another office, for officials: one row for each segment of custody but
-- the first, with the same position.
create table transfers (
    case_id        uuid not null,
    position       integer not null constraint transfers_position_after_first check (position > 1),
    from_office_id text not null,
    reason         text not null,
    entered_at     timestamptz not null,
    constraint transfers_pkey primary key (case_id, position),
    constraint transfers_custody_known foreign key (case_id, position) references custody
);

-- When a rating became final and was said, once; empty while it may be changed.
alter table ratings add final_at timestamptz;
alter table ratings add traceparent text;
create index ratings_not_final on ratings (rated_at, reply_id) where final_at is null;

-- What public cases are found by: Han bigrams and words of their text and replies, and codes of
-- where they lie. A row is bound to its case being public, so that no statement can leave words of
-- what is hidden.
alter table cases add constraint cases_public_key unique (case_id, public);
create table case_words (
    case_id      uuid primary key,
    public       boolean not null default true constraint case_words_public check (public),
    submitted_at timestamptz not null,
    -- Which way of making words made these; others are made anew in the background.
    way          smallint not null,
    words        tsvector not null,
    constraint case_words_case_public foreign key (case_id, public) references cases (case_id, public)
);
create index case_words_by_word on case_words using gin (words);
