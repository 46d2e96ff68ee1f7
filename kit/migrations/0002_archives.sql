-- Days of the outbox that have become objects. The day's partition goes in the transaction that
-- writes the row, so that an event is always in one of the two.
create table messaging.archives (
    day       date not null,
    -- How many events the object holds, and the exclusive or of their hashes.
    events    bigint not null constraint archives_hold_something check (events > 0),
    hash      bigint not null,
    -- SHA-256 of the object, and its size.
    digest    bytea not null constraint archives_digest_is_sha256 check (length(digest) = 32),
    bytes     bigint not null,
    object    text not null constraint archives_object_is_named_once unique,
    at        timestamptz not null,
    -- When a consumer was last found to miss something of the day.
    wanted_at timestamptz,
    -- Since when the events are in the outbox again, for as long as they are wanted.
    back_at   timestamptz,
    constraint archives_pkey primary key (day)
);

-- Count and fingerprint of the archived events by minute of their ids: what consumers' digests are
-- compared with, without reading the object.
create table messaging.archived_minutes (
    minute timestamptz not null,
    day    date not null constraint archived_minutes_day_exists references messaging.archives,
    count  bigint not null,
    hash   bigint not null,
    constraint archived_minutes_pkey primary key (minute)
);
create index archived_minutes_by_day on messaging.archived_minutes (day);

create function messaging.partition_of(day date) returns text
    language sql immutable strict parallel safe
    return 'outbox_' || to_char(day, 'YYYYMMDD');

-- Drops the partition of a day if it still holds `expected` events, all of them published. Whoever
-- publishes waits for the lock, and so the lock is waited for briefly only.
create function messaging.let_go(gone date, expected bigint) returns boolean
    language plpgsql as $$
declare
    held    bigint;
    waiting bigint;
begin
    perform set_config('lock_timeout', '2s', true);
    lock table only messaging.outbox in access exclusive mode;
    execute format(
        'select count(*), count(*) filter (where published_at is null) from messaging.%I',
        messaging.partition_of(gone)
    ) into held, waiting;
    if held <> expected or waiting > 0 then
        return false;
    end if;
    execute format('drop table messaging.%I', messaging.partition_of(gone));
    return true;
end $$;

-- Makes room for the events of a day that come back: a table with all indexes, which nobody sees
-- before it is attached.
create function messaging.begin_return(back date) returns void
    language plpgsql as $$
begin
    if to_regclass('messaging.' || messaging.partition_of(back)) is null then
        execute format(
            'create table messaging.%I
             (like messaging.outbox including defaults including constraints including indexes)',
            messaging.partition_of(back)
        );
    end if;
end $$;

-- Puts events there; those that are there stay as they are.
create function messaging.add_returned(
    back date, ids bigint[], event_ids uuid[], subject_ids uuid[], versions bigint[], types text[],
    payloads bytea[], headers jsonb[], attempts integer[], created timestamptz[], published timestamptz[]
) returns void
    language plpgsql as $$
begin
    execute format(
        'insert into messaging.%I (id, event_id, subject_id, version, type, payload, headers, attempt,
                                   created_at, published_at)
         overriding system value
         select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (event_id) do nothing', messaging.partition_of(back)
    ) using ids, event_ids, subject_ids, versions, types, payloads, headers, attempts, created, published;
end $$;

-- Makes them part of the outbox again, together with what the default partition got meanwhile.
create function messaging.end_return(back date) returns void
    language plpgsql as $$
declare
    name text := messaging.partition_of(back);
    low  uuid := messaging.first_id_at(back::timestamp at time zone 'UTC');
    high uuid := messaging.first_id_at((back + 1)::timestamp at time zone 'UTC');
begin
    if exists (select 1 from pg_inherits
               where inhparent = 'messaging.outbox'::regclass
                 and inhrelid = ('messaging.' || name)::regclass) then
        return;
    end if;
    perform set_config('lock_timeout', '2s', true);
    -- As when partitions are made: whoever is inserting finishes first, and whoever comes waits.
    lock table messaging.outbox in share row exclusive mode;
    execute format(
        'with moved as (delete from messaging.outbox_default where event_id >= %L and event_id < %L returning *)
         insert into messaging.%I select * from moved', low, high, name
    );
    execute format(
        'alter table messaging.outbox attach partition messaging.%I for values from (%L) to (%L)', name, low, high
    );
end $$;
