-- Days of the outbox are tables. These functions make and drop them with the rights of their owner, who migrates: a
-- service that runs under a role of its own needs no right to make a table. They look for names where nobody else
-- can put any. Who may call them is who may use the schema.
alter function messaging.make_partitions(date, integer)
    security definer set search_path = pg_catalog, pg_temp;
alter function messaging.let_go(date, bigint)
    security definer set search_path = pg_catalog, pg_temp;
alter function messaging.begin_return(date)
    security definer set search_path = pg_catalog, pg_temp;
alter function messaging.add_returned(
    date, bigint[], uuid[], uuid[], bigint[], text[], bytea[], jsonb[], integer[], timestamptz[])
    security definer set search_path = pg_catalog, pg_temp;
alter function messaging.end_return(date)
    security definer set search_path = pg_catalog, pg_temp;
