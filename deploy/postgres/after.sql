-- After the first migration, as superuser, in the database of the service:
--   psql -d intake -v service=intake -f after.sql
-- Days of the outbox are partitions, which the service makes ahead and drops when they were archived. So it owns the
-- outbox, and nothing else; its owner remains a member, so that later migrations may change that table, too.

select format('grant %I to %I', :'service', :'service' || '_owner') \gexec
select format('grant create on schema messaging to %I', :'service') \gexec
select format('alter table %s owner to %I', c.oid::regclass, :'service')
from pg_class c
where c.oid = 'messaging.outbox'::regclass
   or c.oid in (select inhrelid from pg_inherits where inhparent = 'messaging.outbox'::regclass)
\gexec
