-- When divisions and offices are there and what took their place; years of the calendar, terms and
-- competences that editors put.

-- Which lists are whole now: their record follows what this migration changes. One that has lost a
-- row stays as it is and is found damaged afterwards, too.
create temporary table whole on commit drop as
select list from directory_lists join directory_contents using (list, rows, sha256);

alter table divisions add valid_from date;
alter table divisions add valid_until date;
alter table divisions add successor_code text;
alter table divisions add constraint divisions_days_in_order check (valid_from <= valid_until);
alter table divisions add constraint divisions_not_own_successor check (successor_code <> code);
alter table offices add valid_from date;
alter table offices add valid_until date;
alter table offices add successor_id text;
alter table offices add constraint offices_days_in_order check (valid_from <= valid_until);
alter table offices add constraint offices_not_own_successor check (successor_id <> office_id);

-- Years that editors put, with the announcement: a newer built-in list leaves their days alone.
create table calendar_years (
    year   smallint primary key,
    source text not null,
    put_at timestamptz not null
);

-- An empty office stands for all without a line of their own.
alter table deadlines add office_id text not null default '';
alter table deadlines add source text not null default 'list'
    constraint deadlines_source_known check (source in ('list', 'editor'));
alter table deadlines drop constraint deadlines_pkey;
alter table deadlines add constraint deadlines_pkey primary key (kind, level, office_id);

-- Which office of a division is competent for what. An empty topic or kind stands for all without a
-- line of their own.
create table competences (
    division_code text not null,
    domain        text not null constraint competences_of_a_domain check (domain <> ''),
    topic         text not null,
    kind          text not null,
    office_id     text not null,
    constraint competences_pkey primary key (division_code, domain, topic, kind)
);

-- A list without rows is a list, too.
create or replace view directory_contents as
with lines (list, key, line) as (
    select 'divisions', code,
           concat_ws('|', code, name, level, coalesce(parent_code, ''), source,
                     'from ' || to_char(valid_from, 'YYYY-MM-DD'),
                     'until ' || to_char(valid_until, 'YYYY-MM-DD'), successor_code) from divisions
    union all
    select 'offices', office_id,
           concat_ws('|', office_id, coalesce(division_code, ''), level, role, title,
                     coalesce(parent_office_id, ''), open, source,
                     'from ' || to_char(valid_from, 'YYYY-MM-DD'),
                     'until ' || to_char(valid_until, 'YYYY-MM-DD'), successor_id) from offices
    union all
    select 'calendar', to_char(day, 'YYYY-MM-DD'),
           concat_ws('|', to_char(day, 'YYYY-MM-DD'), name, off, schedule_year) from holidays
    union all
    select 'calendar', 'year ' || year, concat_ws('|', year, source) from calendar_years
    union all
    select 'kinds', kind, concat_ws('|', kind, place, name_zh, name_en) from kinds
    union all
    select 'domains', domain,
           concat_ws('|', domain, place, name_zh, name_en, array_to_string(topics, ';')) from domains
    union all
    select 'deadlines', kind || '/' || level || '/' || office_id,
           concat_ws('|', kind, level, days, working, nullif(office_id, ''), nullif(source, 'list'))
    from deadlines
    union all
    select 'competences', concat_ws('|', division_code, domain, topic, kind),
           concat_ws('|', division_code, domain, topic, kind, office_id) from competences
)
select lists.list,
       count(lines.key) as rows,
       encode(sha256(convert_to(
           coalesce(string_agg(lines.line, E'\n' order by lines.key collate "C"), ''), 'UTF8')), 'hex') as sha256
from (values ('divisions'), ('offices'), ('calendar'), ('kinds'), ('domains'), ('deadlines'),
             ('competences')) as lists (list)
left join lines using (list)
group by lists.list;

update directory_lists
set rows = found.rows, sha256 = found.sha256
from directory_contents as found
where found.list = directory_lists.list and found.list in (select list from whole);
