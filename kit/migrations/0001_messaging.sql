-- Everything that a service remembers in order to say each fact once and to hear each fact once.
-- The guarantees are told in kit/src/messaging.rs; this file is their memory.

-- Version counter of each subject about which this service speaks. Its row is locked before an
-- event is inserted, so that the ids of one subject's events are in the order of their commits.
create table messaging.subjects (
    subject_id uuid primary key,
    version    bigint not null constraint subjects_version_counts_from_one check (version > 0)
);

-- The milliseconds of a UUIDv7, as a time.
create function messaging.time_of(event_id uuid) returns timestamptz
    language sql immutable strict parallel safe
    return to_timestamp(
        ('x' || substr(replace(event_id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0
    );

-- The lower 64 bits of a UUID: 62 of them are random in a UUIDv7, so that their exclusive or is
-- a fingerprint of a set of events.
create function messaging.hash_of(event_id uuid) returns bigint
    language sql immutable strict parallel safe
    return ('x' || substr(replace(event_id::text, '-', ''), 17, 16))::bit(64)::bigint;

-- The smallest UUIDv7 of a moment.
create function messaging.first_id_at(moment timestamptz) returns uuid
    language sql immutable strict parallel safe
    return (
        lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || '00000000000000000000'
    )::uuid;

-- What this service has said. Rows are marked when the bus has them and never deleted one by one:
-- partitions of a day go away as a whole, once every consumer has confirmed.
create table messaging.outbox (
    id           bigint generated always as identity,
    event_id     uuid not null,
    subject_id   uuid not null,
    version      bigint not null,
    type         text not null,
    payload      bytea not null,
    headers      jsonb not null,
    -- Counts the re-publications, so that each has a message id of its own and none is swallowed
    -- by the bus's window of duplicates.
    attempt      integer not null default 0,
    created_at   timestamptz not null,
    published_at timestamptz,
    constraint outbox_pkey primary key (event_id)
) partition by range (event_id);

create index outbox_unpublished on messaging.outbox (id) where published_at is null;
create index outbox_subject on messaging.outbox (subject_id, version);

-- Takes what no day's partition takes, so that a wrong clock never stops a service.
create table messaging.outbox_default partition of messaging.outbox default;

-- Makes the partitions of `days` days from `first` on, and moves there what the default partition
-- holds for them. Partitions that exist stay as they are.
create function messaging.make_partitions(first date, days integer) returns integer
    language plpgsql as $$
declare
    made  integer := 0;
    day   date;
    name  text;
    low   uuid;
    high  uuid;
begin
    -- One maker at a time; replicas start together.
    perform pg_advisory_xact_lock(hashtext('messaging.make_partitions'));
    for offset_days in 0 .. days - 1 loop
        day := first + offset_days;
        name := 'outbox_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('messaging.' || name) is not null;
        -- Whoever is inserting finishes first, and whoever comes waits: an insert that had chosen
        -- the default partition would be refused by its new, narrower bounds.
        lock table messaging.outbox in share row exclusive mode;
        low := messaging.first_id_at(day::timestamp at time zone 'UTC');
        high := messaging.first_id_at((day + 1)::timestamp at time zone 'UTC');
        execute format(
            'create table messaging.%I (like messaging.outbox including defaults including constraints)', name
        );
        execute format(
            'with moved as (delete from messaging.outbox_default where event_id >= %L and event_id < %L returning *)
             insert into messaging.%I select * from moved', low, high, name
        );
        execute format(
            'alter table messaging.outbox attach partition messaging.%I for values from (%L) to (%L)', name, low, high
        );
        made := made + 1;
    end loop;
    return made;
end $$;

-- Who publishes for this database. Only the holder of the current epoch may mark rows.
create table messaging.relay (
    singleton            boolean primary key default true
                         constraint relay_is_one_row check (singleton),
    holder               uuid,
    epoch                bigint not null default 0,
    expires_at           timestamptz not null default '-infinity',
    -- The stream as it was last seen. If it is younger or shorter now, the bus has lost events.
    stream_created_at    timestamptz,
    stream_last_sequence bigint not null default 0
);
insert into messaging.relay default values;

-- Up to when each consumer has confirmed all that this service said.
create table messaging.confirmations (
    consumer         text primary key,
    confirmed_before timestamptz not null default '-infinity'
);

-- What this service has heard: the last version of each subject that took effect here.
create table messaging.positions (
    source     text not null,
    subject_id uuid not null,
    version    bigint not null,
    constraint positions_pkey primary key (source, subject_id)
);

-- Events that came before an earlier one of their subject; they wait here for it.
create table messaging.parked (
    source     text not null,
    subject_id uuid not null,
    version    bigint not null,
    event_id   uuid not null,
    type       text not null,
    payload    bytea not null,
    headers    jsonb not null,
    parked_at  timestamptz not null,
    constraint parked_pkey primary key (source, subject_id, version)
);
create index parked_by_age on messaging.parked (source, parked_at);

-- Events that could not take effect. `failing` ones are still being tried; `dead` ones wait for a
-- person, and the later events of their subject wait behind them.
create table messaging.dead_letters (
    source          text not null,
    event_id        uuid not null,
    subject_id      uuid not null,
    version         bigint not null,
    type            text not null,
    payload         bytea not null,
    headers         jsonb not null,
    attempts        integer not null,
    last_error      text not null,
    state           text not null constraint dead_letters_state_known
                    check (state in ('failing', 'dead', 'retrying', 'resolved', 'discarded')),
    first_failed_at timestamptz not null,
    last_failed_at  timestamptz not null,
    constraint dead_letters_pkey primary key (source, event_id)
);
create index dead_letters_subject on messaging.dead_letters (source, subject_id, version);
create index dead_letters_open on messaging.dead_letters (source, state)
    where state in ('failing', 'dead', 'retrying');

-- Count and fingerprint of the events that this service has settled, by minute of their ids.
create table messaging.digests (
    source text not null,
    minute timestamptz not null,
    count  bigint not null,
    hash   bigint not null,
    constraint digests_pkey primary key (source, minute)
);
