-- Stores requests with their messages, the texts and receipts of these, and lets the receipts wait for
-- their places in the log: all of a batch in one statement, since each statement costs as much as the rows
-- of some messages. $1 … $31 are columns, one element a message, in ascending order of the ids, so that
-- the primary keys grow at one end; $32 … $36 are those of the requests in the order of their keys, so
-- that two batches never wait for each other in a circle; $37 and $38 are the entries of the log, and $39
-- is their time. Requests that were met before are left out: fewer rows than requests mean that the
-- transaction must not be committed.
with fresh as (
    select * from unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[], $12::uuid[], $13::bytea[],
        $14::text[], $15::bytea[], $16::boolean[], $17::text[], $18::text[], $19::text[],
        $20::text[], $21::text[], $22::boolean[], $23::float8[], $24::float8[], $25::bytea[],
        $26::bytea[], $27::bytea[], $28::text[], $29::bytea[], $30::uuid[], $31::uuid[]
    ) as fresh (
        message_id, number, office_id, kind, domain, topic, visibility,
        channel, locale, submitted_at, occurred_at, author_id, contact,
        access_key_id, access_hash, has_remark, title, body, demand,
        details, place, place_public, latitude, longitude, content_hash,
        salt, statement, key_id, signature, account_id, consultation_id
    )
),
stored as (
    insert into messages (
        message_id, number, office_id, kind, domain, topic, visibility, channel, locale,
        submitted_at, occurred_at, author_id, contact, access_key_id, access_hash, has_remark,
        last_request_at, account_id, consultation_id
    )
    select message_id, number, office_id, kind, domain, topic, visibility, channel, locale,
           submitted_at, occurred_at, author_id, contact, access_key_id, access_hash, has_remark,
           submitted_at, account_id, consultation_id
    from fresh
),
proved as (
    insert into receipts (message_id, content_hash, salt, statement, key_id, signature)
    select message_id, content_hash, salt, statement, key_id, signature from fresh
),
told as (
    insert into texts (
        message_id, revision, title, body, demand, details, place, place_public, latitude,
        longitude, created_at
    )
    select message_id, 1, title, body, demand, details, place, place_public, latitude, longitude,
           submitted_at
    from fresh
),
logged as (
    insert into log_batches (kinds, subject_ids, leaf_hashes, salts, preimages, targets, created_at)
    select array_fill('receipt'::text, array[entries]), $37::uuid[], $38::bytea[],
           array_fill(null::bytea, array[entries]), array_fill(null::bytea, array[entries]),
           array_fill(null::bytea, array[entries]), array_fill($39::timestamptz, array[entries])
    from cardinality($38::bytea[]) as entries
    where entries > 0
)
insert into requests (caller, request_id, body_hash, message_id, created_at)
select caller, request_id, body_hash, message_id, created_at
from unnest($32::text[], $33::uuid[], $34::bytea[], $35::uuid[], $36::timestamptz[])
    as asked (caller, request_id, body_hash, message_id, created_at)
on conflict on constraint requests_pkey do nothing
