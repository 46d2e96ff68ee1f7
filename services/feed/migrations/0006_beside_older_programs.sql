-- The program before stretches keeps a payload in the row of its event. While both run side by side it may
-- still be the one that appends: its column is there again, always empty, and what it writes goes where payloads are
-- now. It cannot read what is in no column any more: it fails, and whoever asked it comes to a newer one.
--
-- Both may go once no program of before stretches is left: in any release after the one that brings this.

alter table log add column payload bytea;

-- The stretches are as large as the newest one; `stretch_events` is a setting of the newer program.
create function move_payload() returns trigger
    language plpgsql as $$
declare
    size   bigint;
    ending bigint;
begin
    select last_position, last_position - first_position + 1 into ending, size
    from stretches order by first_position desc limit 1;
    ending := coalesce(ending, 0);
    size := coalesce(size, 10000);
    while ending < new.position loop
        perform make_stretch(ending + 1, ending + size);
        ending := ending + size;
    end loop;
    insert into payloads (position, payload) values (new.position, new.payload);
    new.payload_bytes := octet_length(new.payload);
    new.payload := null;
    return new;
end $$;

create trigger log_payload_is_moved
    before insert on log for each row when (new.payload is not null)
    execute function move_payload();

alter table log add constraint log_payload_is_elsewhere check (payload is null);
