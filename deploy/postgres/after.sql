-- For boards of an older release only, on which the service owned the table of its outbox: gives it back to the owner.
-- Once, when migration 4 of kit is applied and every pod is of this release; as superuser, in the database of the service:
--   psql -d intake -v service=intake -f after.sql

select format('alter table %s owner to %I', c.oid::regclass, :'service' || '_owner')
from pg_class c
where pg_get_userbyid(c.relowner) = :'service'
  and (c.oid = 'messaging.outbox'::regclass
       or c.oid in (select inhrelid from pg_inherits where inhparent = 'messaging.outbox'::regclass))
\gexec
select format('grant select, insert, update, delete on %s to %I', c.oid::regclass, :'service')
from pg_class c
where c.oid = 'messaging.outbox'::regclass
   or c.oid in (select inhrelid from pg_inherits where inhparent = 'messaging.outbox'::regclass)
\gexec
select format('revoke create on schema messaging from %I', :'service') \gexec
select format('revoke %I from %I', :'service', :'service' || '_owner') \gexec
