-- Stores a batch of messages whole, or fails: authors, requests, messages with their texts, remarks and
-- receipts, the entries that wait for their places in the log, and the events. One statement, since each costs as
-- much as the rows of some messages. $1 … $31 are columns, one element a message, in ascending order of the ids,
-- so that the primary keys grow at one end; $32 … $36 are those of the requests in the order of their keys, so that
-- two batches never wait for each other in a circle; $37 and $38 are the entries of the log, and $39 is the time;
-- $40 and $41 are remarks; $42 … $46 authors, and which of them were there before; $47 … $51 the events.
-- Requests that were met before, and authors that are others than was thought, fail `batch_is_new`.
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
           greatest(submitted_at, $39), account_id, consultation_id
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
),
noted as (
    insert into remarks (message_id, remark)
    select message_id, remark from unnest($40::uuid[], $41::text[]) as noted (message_id, remark)
),
given as (
    select * from unnest($42::uuid[], $43::bytea[], $44::bytea[], $45::int[], $46::boolean[])
        as given (author_id, phone_index, wrapped_key, messages, known)
),
-- In the order of the index, so that two batches never wait for each other in a circle.
kept as (
    insert into authors (author_id, phone_index, wrapped_key, messages, created_at)
    select author_id, phone_index, wrapped_key, messages, $39 from given order by phone_index
    on conflict on constraint authors_phone_index_key do update
    set messages = authors.messages + excluded.messages
    returning author_id, messages
),
-- One that was to be new is, and one that was there is still: its count has grown.
as_thought as (
    select from kept join given using (author_id)
    where (kept.messages > given.messages) = given.known
),
asked as (
    insert into requests (caller, request_id, body_hash, message_id, created_at)
    select caller, request_id, body_hash, message_id, created_at
    from unnest($32::text[], $33::uuid[], $34::bytea[], $35::uuid[], $36::timestamptz[])
        as asked (caller, request_id, body_hash, message_id, created_at)
    on conflict on constraint requests_pkey do nothing
    returning 1
)
select only_if_new((select count(*) from asked) = cardinality($33)
                   and (select count(*) from as_thought) = cardinality($42)) as "new!",
       messaging.say_first($47, $48, $49, $50, $51, $39) as "said!"
