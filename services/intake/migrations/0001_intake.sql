-- What intake owns: messages and their texts, authors, receipts, and who asked for what; copies of
-- the offices and the code lists.
--
-- A lost row must show. Each table is implied by another one, and each of these sentences is a
-- query of `liuyan verify`:
--   a message has an event message-submitted, texts 1 to `revision`, a receipt, and a remark if
--   `has_remark`; an author has `messages` messages; messaging.subjects counts what was said of a
--   message, which is 1 + (revision - 1) + (1 if a withdrawal was asked for); a message whose
--   requests are not pruned yet has `requests` of them.
-- There are no foreign keys between the tables of a message: the rows are written by one
-- statement, and the checks of the keys would cost more than the rows.

-- An author, by phone. One without a phone is a row of one message.
create table authors (
    author_id   uuid primary key,
    -- Blind index (HMAC) of the phone.
    phone_index bytea constraint authors_phone_index_key unique
                constraint authors_phone_index_is_a_hash check (length(phone_index) = 32),
    -- The key that seals this author's data, wrapped by the keyring. Without it the data are noise.
    wrapped_key bytea not null,
    messages    integer not null constraint authors_have_messages check (messages > 0),
    created_at  timestamptz not null
);

create table messages (
    message_id              uuid primary key,
    number                  text not null constraint messages_number_key unique,
    office_id               text not null,
    kind                    text not null,
    domain                  text not null,
    topic                   text not null,
    visibility              text not null constraint messages_visibility_known
                            check (visibility in ('public', 'private')),
    channel                 text not null constraint messages_channel_known
                            check (channel in ('web', 'app', 'wechat', 'mini_program', 'hotline',
                                               'column', 'api')),
    locale                  text not null,
    submitted_at            timestamptz not null,
    -- When it was written, if it came from another system.
    occurred_at             timestamptz,
    -- The author, and name and phone as given with this message, sealed by the author's key.
    author_id               uuid,
    contact                 bytea,
    -- The access code is told once; only its keyed hash stays.
    access_key_id           text not null,
    access_hash             bytea not null constraint messages_access_hash_is_a_hash
                            check (length(access_hash) = 32),
    has_remark              boolean not null,
    revision                integer not null default 1
                            constraint messages_revision_counts_from_one check (revision > 0),
    state                   text not null default 'in_review' constraint messages_state_known
                            check (state in ('in_review', 'approved', 'returned', 'declined',
                                             'withdrawn')),
    -- Why it was returned or declined.
    ground                  text not null default '' constraint messages_ground_has_a_decision
                            check (ground = '' or state in ('returned', 'declined')),
    case_id                 uuid,
    deadline_at             timestamptz,
    withdrawal_requested_at timestamptz,
    withdrawal_refused_at   timestamptz,
    redacted_at             timestamptz,
    -- How many rows of `requests` it has or had, and when the last came.
    requests                integer not null default 1,
    last_request_at         timestamptz not null,
    constraint messages_contact_has_an_author check ((author_id is null) = (contact is null)),
    constraint messages_were_written_before check (occurred_at <= submitted_at)
) with (fillfactor = 90);

-- The text of each revision. The newest one counts; the older ones are kept.
create table texts (
    message_id   uuid not null,
    revision     integer not null,
    title        text not null,
    body         text not null,
    demand       text not null,
    details      text not null,
    place        text not null,
    place_public boolean not null,
    latitude     double precision,
    longitude    double precision,
    created_at   timestamptz not null,
    constraint texts_pkey primary key (message_id, revision),
    constraint texts_body_or_parts check ((body = '') = (demand <> '' and details <> '')),
    constraint texts_location_is_whole check ((latitude is null) = (longitude is null))
);

-- What the author told the office alone. It is no part of the text that moderation or the public
-- may read.
create table remarks (
    message_id uuid primary key,
    remark     text not null constraint remarks_say_something check (remark <> '')
);

-- The signed proofs, as given.
create table receipts (
    message_id   uuid primary key,
    content_hash bytea not null constraint receipts_content_hash_is_a_hash
                 check (length(content_hash) = 32),
    salt         bytea not null constraint receipts_salt_is_long check (length(salt) = 32),
    statement    bytea not null,
    key_id       text not null,
    signature    bytea not null constraint receipts_signature_is_ed25519
                 check (length(signature) = 64)
);

-- Who asked for what, so that the same request gets the same answer. Pruned: all requests of a
-- message go together, once the last of them is old; those of imported messages stay, so that an
-- import can be resumed at any time.
create table requests (
    caller     text not null,
    request_id uuid not null,
    -- Keyed hash of what was asked: the plain one would let phones be guessed.
    body_hash  bytea not null constraint requests_body_hash_is_a_hash
               check (length(body_hash) = 32),
    message_id uuid not null,
    -- The answer. Null for a submission, whose answer is made again from receipt and code.
    response   bytea,
    created_at timestamptz not null,
    constraint requests_pkey primary key (caller, request_id)
);
create index requests_created_at on requests using brin (created_at) with (autosummarize = on);

-- Requests of messages whose last request came before this moment have been pruned.
create table pruning (
    singleton      boolean primary key default true
                   constraint pruning_is_one_row check (singleton),
    pruned_before  timestamptz not null default '-infinity'
);
insert into pruning default values;

-- Copies, by events of routing.
create table offices (
    office_id text primary key,
    open      boolean not null,
    -- The version of the event that told it, as in messaging.positions.
    version   bigint not null
);

create table code_lists (
    list    text primary key constraint code_lists_known check (list in ('kinds', 'domains')),
    version integer not null,
    codes   text[] not null
);
