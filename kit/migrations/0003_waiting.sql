-- What is not on the bus yet is told by rows of its own, a hundred events each, and no longer by a mark
-- in the row of each event. To mark an event was to write its whole row again, with all its index entries;
-- these rows are written once and deleted. Why there is still no cursor: docs/adr/0002-messaging.md.

-- Events that are not on the bus yet, in the order in which they were said. Those that were said together
-- are one row, up to a hundred of them.
create table messaging.waiting_batches (
    -- Drawn after the subjects of the events were locked: rows of one subject are in commit order.
    batch_id  bigint generated always as identity constraint waiting_batches_pkey primary key,
    event_ids uuid[] not null constraint waiting_batches_hold_events
              check (cardinality(event_ids) between 1 and 100),
    -- Bounds of the ids, so that the events of a time are found without reading all that waits.
    first_id  uuid not null,
    last_id   uuid not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

-- Each event that waits.
create view messaging.waiting as
select batch_id, event_id, place, first_id, last_id
from messaging.waiting_batches,
     unnest(event_ids) with ordinality as each (event_id, place);

-- Lets events of the outbox wait for the bus, in this order. Gives how many they are.
create function messaging.wait_for_bus(waiting uuid[]) returns bigint
    language plpgsql strict as $$
begin
    insert into messaging.waiting_batches (event_ids, first_id, last_id)
    select array_agg(event_id order by place),
           (array_agg(event_id order by event_id))[1],
           (array_agg(event_id order by event_id desc))[1]
    from unnest(waiting) with ordinality as each (event_id, place)
    group by (place - 1) / 100
    order by (place - 1) / 100;
    return cardinality(waiting);
end $$;

select messaging.wait_for_bus(array_agg(event_id order by id))
from messaging.outbox where published_at is null
having count(*) > 0;

drop index messaging.outbox_unpublished;

-- Whether whoever inserted the event has let it wait, too. A program that is older than this table, which
-- runs beside newer ones during an upgrade, does not; then a trigger does. (That program goes by
-- `published_at`, which nothing reads any more; the column goes with a later release.)
alter table messaging.outbox add column queued boolean not null default false;

create function messaging.wait_unqueued() returns trigger
    language plpgsql as $$
begin
    perform messaging.wait_for_bus(array[new.event_id]);
    return null;
end $$;

create trigger outbox_waits after insert on messaging.outbox
    for each row when (not new.queued) execute function messaging.wait_unqueued();

-- Drops the partition of a day if it still holds `expected` events, none of which waits for the bus.
-- Whoever publishes waits for the lock, and so the lock is waited for briefly only.
create or replace function messaging.let_go(gone date, expected bigint) returns boolean
    language plpgsql as $$
declare
    low     uuid := messaging.first_id_at(gone::timestamp at time zone 'UTC');
    high    uuid := messaging.first_id_at((gone + 1)::timestamp at time zone 'UTC');
    held    bigint;
begin
    perform set_config('lock_timeout', '2s', true);
    lock table only messaging.outbox in access exclusive mode;
    execute format('select count(*) from messaging.%I', messaging.partition_of(gone)) into held;
    if held <> expected or exists (
        select from messaging.waiting
        where last_id >= low and first_id < high and event_id >= low and event_id < high
    ) then
        return false;
    end if;
    execute format('drop table messaging.%I', messaging.partition_of(gone));
    return true;
end $$;

-- Puts events there; those that are there stay as they are.
drop function messaging.add_returned(
    date, bigint[], uuid[], uuid[], bigint[], text[], bytea[], jsonb[], integer[], timestamptz[], timestamptz[]
);
create function messaging.add_returned(
    back date, ids bigint[], event_ids uuid[], subject_ids uuid[], versions bigint[], types text[],
    payloads bytea[], headers jsonb[], attempts integer[], created timestamptz[]
) returns void
    language plpgsql as $$
begin
    execute format(
        'insert into messaging.%I (id, event_id, subject_id, version, type, payload, headers, attempt,
                                   created_at, queued)
         overriding system value
         select *, true from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (event_id) do nothing', messaging.partition_of(back)
    ) using ids, event_ids, subject_ids, versions, types, payloads, headers, attempts, created;
end $$;
