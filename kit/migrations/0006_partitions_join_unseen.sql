-- A partition joins the outbox while nobody looks. A statement decides which partitions it reads before it
-- decides which rows it sees: one that was planned just before a partition joined, and looked just after, saw
-- neither the events that had moved from the default partition nor those of a day that had come back; and
-- a minute in which nothing seems to have been said is confirmed. So readers wait now, as they do when
-- a partition goes; and because everybody waits behind us, we do not wait long for them.
create or replace function messaging.make_partitions(first date, days integer) returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
        name := messaging.partition_of(day);
        continue when to_regclass('messaging.' || name) is not null;
        if made = 0 then
            perform set_config('lock_timeout', '2s', true);
            lock table only messaging.outbox in access exclusive mode;
        end if;
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

create or replace function messaging.end_return(back date) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
    lock table only messaging.outbox in access exclusive mode;
    execute format(
        'with moved as (delete from messaging.outbox_default where event_id >= %L and event_id < %L returning *)
         insert into messaging.%I select * from moved', low, high, name
    );
    execute format(
        'alter table messaging.outbox attach partition messaging.%I for values from (%L) to (%L)', name, low, high
    );
end $$;
