-- Stretches have partitions. These functions make and drop them with the rights of their owner, who migrates: a feed
-- that runs under a role of its own needs no right to make a table. They look for names where nobody else can put
-- any, and make tables there. Unlike those of kit they are in a schema that everybody sees; so whoever could write
-- down a stretch before may call them, and nobody else.
alter function make_stretch(bigint, bigint)
    security definer set search_path = public, pg_temp;
alter function let_go_of_stretch(bigint)
    security definer set search_path = public, pg_temp;

do $$
declare
    writer name;
begin
    for writer in
        select distinct pg_get_userbyid(granted.grantee)
        from pg_class, aclexplode(relacl) as granted
        where pg_class.oid = 'stretches'::regclass and granted.privilege_type = 'INSERT' and granted.grantee <> 0
    loop
        execute format('grant execute on function make_stretch(bigint, bigint), let_go_of_stretch(bigint) to %I',
                       writer);
    end loop;
end $$;

revoke execute on function make_stretch(bigint, bigint), let_go_of_stretch(bigint) from public;

-- Since when an event waits. A program of before leaves it to the default.
alter table pending add column heard_at timestamptz not null default now();
