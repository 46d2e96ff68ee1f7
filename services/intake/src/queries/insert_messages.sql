-- Stores messages with their texts and receipts: all of a batch, all of a message, in one
-- statement. $1 … $31 are columns, one element a message, in ascending order of the ids, so that
-- the primary keys grow at one end.
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
)
insert into texts (
    message_id, revision, title, body, demand, details, place, place_public, latitude, longitude,
    created_at
)
select message_id, 1, title, body, demand, details, place, place_public, latitude, longitude,
       submitted_at
from fresh
