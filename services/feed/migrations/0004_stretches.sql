-- The log by stretches of positions. A stretch has a partition for its payloads, which goes in the
-- transaction that writes down the object that the stretch has become. What `log` knows of an event
-- stays: it holds ids, codes and times, and proves that no position is missing.

create table payloads (
    position bigint not null,
    -- The encoded liuyan.feed.v1.Event.
    payload  bytea not null,
    constraint payloads_pkey primary key (position)
) partition by range (position);

create table stretches (
    first_position    bigint not null,
    last_position     bigint not null,
    -- Counts the transactions that rewrote payloads of it: an object that was written meanwhile is not taken.
    changes           bigint not null default 0,
    -- Counts its rows in rewritten.
    rewritten         integer not null default 0,
    -- The object in which its payloads are, once they are in no row any more; with its size, its SHA-256,
    -- how many events it holds, the exclusive or of their hashes, and their times.
    object            text constraint stretches_object_is_named_once unique,
    bytes             bigint,
    digest            bytea,
    events            bigint,
    hash              bigint,
    first_recorded_at timestamptz,
    last_recorded_at  timestamptz,
    -- Where parts begin that can be read alone: the first position, and the byte.
    part_positions    bigint[],
    part_offsets      bigint[],
    exported_at       timestamptz,
    -- An object that is being written, and until when that may take.
    writing           text,
    writing_until     timestamptz,
    -- Objects that are not used any more and are to be removed.
    leaving           text[] not null default '{}',
    -- Since when its payloads are kept nowhere.
    expired_at        timestamptz,
    constraint stretches_pkey primary key (first_position),
    constraint stretches_last_once unique (last_position),
    constraint stretches_are_not_empty check (first_position > 0 and last_position >= first_position),
    constraint stretches_count_up check (changes >= 0 and rewritten >= 0),
    constraint stretches_rewrite_objects check (rewritten = 0 or object is not null),
    constraint stretches_expire_as_a_whole check (expired_at is null or (object is null and writing is null)),
    constraint stretches_writing_ends check ((writing is null) = (writing_until is null)),
    constraint stretches_object_is_known check (
        (object is null and bytes is null and digest is null and hash is null and part_positions is null
         and part_offsets is null)
        or (bytes > 0 and length(digest) = 32 and hash is not null and events = last_position - first_position + 1
            and first_recorded_at <= last_recorded_at and exported_at is not null
            and cardinality(part_positions) = cardinality(part_offsets) and part_positions[1] = first_position)
    )
);

-- Payloads that were rewritten after their stretch had become an object. They are served in the place of
-- the object's until the object has been written anew.
create table rewritten (
    position bigint not null,
    payload  bytea not null,
    constraint rewritten_pkey primary key (position)
);

-- Begins a stretch. The partition gets its index before it is attached, so that readers wait for nothing.
create function make_stretch(first_of bigint, last_of bigint) returns void
    language plpgsql as $$
begin
    insert into stretches (first_position, last_position) values (first_of, last_of);
    execute format('create table payloads_%s (like payloads including all)', first_of);
    execute format('alter table payloads attach partition payloads_%s for values from (%s) to (%s)',
                   first_of, first_of, last_of + 1);
end $$;

-- Lets the rows of a stretch go. Readers wait for the lock behind us, so we do not wait long.
create function let_go_of_stretch(first_of bigint) returns void
    language plpgsql as $$
begin
    perform set_config('lock_timeout', '2s', true);
    execute format('drop table payloads_%s', first_of);
end $$;

alter table log add column payload_bytes integer;

do $$
declare
    highest  bigint := (select max(position) from log);
    first_of bigint;
begin
    for first_of in select generate_series(1, highest, 10000) loop
        perform make_stretch(first_of, first_of + 9999);
    end loop;
    insert into payloads (position, payload) select position, payload from log;
    update log set payload_bytes = octet_length(payload);
end $$;

alter table log
    alter column payload_bytes set not null,
    drop column payload;
