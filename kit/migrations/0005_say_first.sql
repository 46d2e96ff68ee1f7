-- Says the first event of each of many subjects, which the transaction has made: nobody else can have spoken
-- of them, so nothing is locked or counted. The ids are in ascending order; the events wait for the bus in
-- that order. A statement that makes the subjects can call it, which saves a trip of its own. Gives how many.
create function messaging.say_first(
    event_ids uuid[], subject_ids uuid[], types text[], payloads bytea[], headers jsonb[], said_at timestamptz
) returns bigint
    language plpgsql as $$
begin
    with said as (
        select * from unnest($1, $2, $3, $4, $5) as said (event_id, subject_id, type, payload, headers)
    ),
    counted as (
        insert into messaging.subjects (subject_id, version) select said.subject_id, 1 from said
    )
    insert into messaging.outbox (event_id, subject_id, version, type, payload, headers, created_at, queued)
    select said.event_id, said.subject_id, 1, said.type, said.payload, said.headers, $6, true from said;
    insert into messaging.waiting_batches (event_ids, first_id, last_id)
    select $1[first : first + 99], $1[first], $1[least(first + 99, cardinality($1))]
    from generate_series(1, cardinality($1), 100) as first;
    return cardinality($1);
end $$;
