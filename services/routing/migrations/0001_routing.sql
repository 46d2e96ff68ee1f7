-- The directory and the cases.
--
-- No row may be lost unseen: what has children counts them, lists carry the number and the hash
-- of their rows, and what was heard can be recounted from what was said.

-- Where each list stands: its version, and the number and hash of the rows it loaded.
create table directory_lists (
    list      text primary key,
    version   integer not null constraint directory_lists_version_counts_from_one check (version > 0),
    rows      bigint not null,
    sha256    text not null,
    loaded_at timestamptz not null
);

create table divisions (
    code        text primary key,
    name        text not null,
    level       text not null constraint divisions_level_known
                check (level in ('province', 'city', 'county')),
    parent_code text
);

create table offices (
    office_id        text primary key,
    division_code    text,
    level            text not null constraint offices_level_known
                     check (level in ('state', 'province', 'city', 'county')),
    role             text not null,
    title            text not null,
    parent_office_id text constraint offices_not_own_parent check (parent_office_id <> office_id),
    -- False for offices that are no longer in the list: cases still name them.
    open             boolean not null
);

create table holidays (
    day           date primary key,
    name          text not null,
    off           boolean not null,
    schedule_year smallint not null
);

create table kinds (
    kind    text primary key,
    place   integer not null,
    name_zh text not null
);

create table domains (
    domain  text primary key,
    place   integer not null,
    name_zh text not null,
    name_en text not null,
    topics  text[] not null
);

-- How long offices have. An empty kind or level stands for all without a line of their own.
create table deadlines (
    kind    text not null,
    level   text not null,
    days    integer not null constraint deadlines_days_bounded check (days between 1 and 366),
    working boolean not null,
    constraint deadlines_pkey primary key (kind, level)
);

-- Number and hash of what the lists hold now; where this differs from directory_lists, a row was
-- lost or changed by hand.
create view directory_contents as
with lines (list, key, line) as (
    select 'divisions', code, concat_ws('|', code, name, level, coalesce(parent_code, '')) from divisions
    union all
    select 'offices', office_id,
           concat_ws('|', office_id, coalesce(division_code, ''), level, role, title,
                     coalesce(parent_office_id, ''), open) from offices
    union all
    select 'calendar', to_char(day, 'YYYY-MM-DD'),
           concat_ws('|', to_char(day, 'YYYY-MM-DD'), name, off, schedule_year) from holidays
    union all
    select 'kinds', kind, concat_ws('|', kind, place, name_zh) from kinds
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

-- Approved messages, one row each for ever: `done` ones have a case, so that approved = cased can
-- be recounted.
create table openings (
    message_id         uuid primary key,
    number             text not null,
    office_id          text not null,
    kind               text not null,
    domain             text not null,
    topic              text not null,
    visibility         text not null constraint openings_visibility_known
                       check (visibility in ('public', 'private')),
    submitted_at       timestamptz not null,
    occurred_at        timestamptz,
    accused_office_ids text[] not null,
    -- The revision of the text that moderation judged.
    text_revision      integer not null,
    approved_at        timestamptz not null,
    -- How often moderation redacted the text, and up to which of these the case's text is fetched.
    redactions         bigint not null default 0,
    redactions_applied bigint not null default 0,
    state              text not null default 'pending' constraint openings_state_known
                       check (state in ('pending', 'done')),
    attempts           integer not null default 0,
    due_at             timestamptz not null,
    constraint openings_redactions_applied_known check (redactions_applied <= redactions)
);
create index openings_pending on openings (due_at, message_id) where state = 'pending';
create index openings_redacted on openings (due_at, message_id)
    where state = 'done' and redactions > redactions_applied;

-- Wishes to withdraw. `waiting` ones wait for a case, or for the worker.
create table withdrawals (
    message_id   uuid primary key,
    requested_at timestamptz not null,
    state        text not null default 'waiting' constraint withdrawals_state_known
                 check (state in ('waiting', 'withdrawn', 'refused'))
);
create index withdrawals_waiting on withdrawals (message_id) where state = 'waiting';

create table cases (
    case_id            uuid primary key,
    message_id         uuid not null constraint cases_message_known references openings,
    number             text not null,
    office_id          text not null,
    division_code      text,
    city_code          text,
    province_code      text,
    kind               text not null,
    domain             text not null,
    topic              text not null,
    visibility         text not null constraint cases_visibility_known
                       check (visibility in ('public', 'private')),
    accused_office_ids text[] not null,
    has_text           boolean not null,
    title              text not null,
    body               text not null,
    demand             text not null,
    details            text not null,
    place              text not null,
    public             boolean not null,
    submitted_at       timestamptz not null,
    opened_at          timestamptz not null,
    deadline_at        timestamptz not null,
    calendar_known     boolean not null,
    assigned_by        text not null,
    state              text not null,
    outcome            text,
    accepted_at        timestamptz,
    replied_at         timestamptz,
    closed_at          timestamptz,
    last_step_at       timestamptz not null,
    revision           bigint not null constraint cases_revision_counts_from_one check (revision > 0),
    changes            bigint not null,
    reply_count        integer not null,
    custody_count      integer not null,
    rating_count       integer not null,
    request_count      integer not null,
    constraint cases_message_once unique (message_id),
    constraint cases_number_once unique (number),
    constraint cases_state_known check (
        state in ('assigned', 'accepted', 'replied', 'closed')
        and (state = 'closed') = (outcome is not null)
        and (state = 'closed') = (closed_at is not null)
    ),
    constraint cases_replied_has_reply check (state <> 'replied' or reply_count > 0),
    constraint cases_withdrawn_unanswered check (
        outcome is distinct from 'withdrawn' or (reply_count = 0 and not has_text)
    ),
    -- The rule of Case::is_public once more, so that no statement can publish by mistake.
    constraint cases_public_rule check (
        public = (visibility = 'public' and cardinality(accused_office_ids) = 0
                  and outcome is distinct from 'withdrawn' and has_text)
    ),
    -- Texts of what is not for everybody are not kept here.
    constraint cases_text_of_public_only check (
        not has_text or (visibility = 'public' and cardinality(accused_office_ids) = 0)
    ),
    constraint cases_text_absent_is_empty check (
        has_text or (title = '' and body = '' and demand = '' and details = '' and place = '')
    )
);
create index cases_newest on cases (submitted_at desc, case_id desc);
create index cases_by_office on cases (office_id, submitted_at desc, case_id desc);
create index cases_by_division on cases (division_code, submitted_at desc, case_id desc);
create index cases_by_city on cases (city_code, submitted_at desc, case_id desc);
create index cases_by_province on cases (province_code, submitted_at desc, case_id desc);

-- Who held a case from when to when: contiguous, the last one open until the case ends.
create table custody (
    case_id    uuid not null constraint custody_case_known references cases,
    position   integer not null,
    office_id  text not null,
    held_from  timestamptz not null,
    held_until timestamptz,
    constraint custody_pkey primary key (case_id, position),
    constraint custody_ends_after_it_begins check (held_until >= held_from)
);
create unique index custody_one_holder on custody (case_id) where held_until is null;

create table replies (
    reply_id   uuid primary key,
    case_id    uuid not null constraint replies_case_known references cases,
    position   integer not null,
    office_id  text not null,
    body       text not null,
    replied_at timestamptz not null,
    -- When it was entered here; later than replied_at for what comes from another system.
    entered_at timestamptz not null,
    constraint replies_position_once unique (case_id, position)
);

-- The author's rating of a reply, as it stands.
create table ratings (
    reply_id   uuid primary key constraint ratings_reply_known references replies,
    case_id    uuid not null constraint ratings_case_known references cases,
    resolution smallint not null constraint ratings_resolution_bounded check (resolution between 1 and 5),
    attitude   smallint not null constraint ratings_attitude_bounded check (attitude between 1 and 5),
    speed      smallint not null constraint ratings_speed_bounded check (speed between 1 and 5),
    rated_at   timestamptz not null,
    changed_at timestamptz not null
);
create index ratings_by_case on ratings (case_id);

-- What was answered to each request, so that it is answered the same again.
create table requests (
    caller     text not null,
    request_id uuid not null,
    case_id    uuid not null constraint requests_case_known references cases,
    body_hash  bytea not null,
    response   bytea not null,
    created_at timestamptz not null,
    constraint requests_pkey primary key (caller, request_id)
);
create index requests_by_case on requests (case_id);
