-- Owner and app apart: SERVICE_owner owns the tables and migrates, SERVICE only reads and writes rows.
-- Run it once for each service, as superuser, in the database of the service, before the first migration:
--   psql -d intake -v service=intake -f roles.sql
-- A board of an older release takes after.sql besides. Passwords: `\password`, or your operator for Postgres.

select format('create role %I login', :'service' || '_owner')
where not exists (select from pg_roles where rolname = :'service' || '_owner') \gexec
select format('create role %I login', :'service')
where not exists (select from pg_roles where rolname = :'service') \gexec

select format('alter database %I owner to %I', current_database(), :'service' || '_owner') \gexec
select format('revoke all on database %I from public', current_database()) \gexec
select format('grant connect on database %I to %I', current_database(), :'service') \gexec
revoke create on schema public from public;
select format('grant usage, create on schema public to %I', :'service' || '_owner') \gexec
select format('grant usage on schema public to %I', :'service') \gexec

-- What the owner makes from now on, the service may use.
select format('alter default privileges for role %I grant usage on schemas to %I', :'service' || '_owner', :'service') \gexec
select format('alter default privileges for role %I grant select, insert, update, delete on tables to %I', :'service' || '_owner', :'service') \gexec
select format('alter default privileges for role %I grant usage, select, update on sequences to %I', :'service' || '_owner', :'service') \gexec
select format('alter default privileges for role %I grant execute on functions to %I', :'service' || '_owner', :'service') \gexec
