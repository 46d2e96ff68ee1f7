-- Columns: the entrances that partners have on their own sites, and what came by each. And who
-- entered what for citizens who called.
--
-- What implies these rows: a column has `version` events column-put about `subject_id`, as many rows
-- of column_requests, and `messages` rows of column_messages, of which the last changed one has the
-- number `changes`; a message by the hotline that was not imported has its row in hotline_entries.
create table columns (
    column_id         text primary key constraint columns_id_is_a_word
                      check (column_id ~ '^[a-z0-9-]{3,40}$'),
    -- What its events are about.
    subject_id        uuid not null constraint columns_subject_key unique,
    name              text not null,
    -- The agency that submits by it, as identity names it.
    agency_id         text not null constraint columns_agency_key unique,
    default_office_id text not null,
    domains           text[] not null,
    origins           text[] not null,
    daily_quota       integer not null constraint columns_daily_quota_counts check (daily_quota > 0),
    minute_quota      integer not null
                      constraint columns_minute_quota_counts check (minute_quota > 0),
    collated          boolean not null,
    open              boolean not null,
    -- How often it was made or changed.
    version           integer not null default 1,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    -- The day (Asia/Shanghai) of the newest message, and how many came on that day.
    used_on           date not null default '-infinity',
    used_today        integer not null default 0
                      constraint columns_use_is_within_what_came check (used_today <= messages),
    -- How many messages came by it at all.
    messages          bigint not null default 0,
    -- Counts what happened to its messages. Whoever counts holds the row until the commit, so that
    -- whoever has read up to one number has missed none before it.
    changes           bigint not null default 0
) with (fillfactor = 50);

-- Which messages came by a column, and when each changed last. Apart from `messages`, so that those
-- of the board's own entrances cost nothing.
create table column_messages (
    message_id uuid primary key,
    column_id  text not null,
    -- The column's number of the last change.
    change     bigint not null,
    changed_at timestamptz not null,
    constraint column_messages_change_key unique (column_id, change)
);

-- Who asked to make or change a column, so that the same request gets the same answer. Never pruned:
-- there are few, and each column counts its own in `version`.
create table column_requests (
    caller     text not null,
    request_id uuid not null,
    body_hash  bytea not null constraint column_requests_body_hash_is_a_hash
               check (length(body_hash) = 32),
    column_id  text not null,
    response   bytea not null,
    created_at timestamptz not null,
    constraint column_requests_pkey primary key (caller, request_id)
);

-- Who entered what for whom. Neither is a name: a number of the hotline, and the caller of the RPC.
create table hotline_entries (
    message_id uuid primary key,
    operator   text not null constraint hotline_entries_have_an_operator check (operator <> ''),
    entered_by text not null
);

-- What came by the hotline before operators were recorded.
insert into hotline_entries (message_id, operator, entered_by)
select message_id, 'unknown', '' from messages where channel = 'hotline' and occurred_at is null;
