-- The transparency log: a Merkle tree (RFC 6962) over all receipts and over what moderation and
-- routing said.
--
-- An entry waits in `log_waiting` from the transaction of its cause until the one sequencer that
-- holds the lease gives it its index. What is kept of the tree are tiles of 256 hashes (C2SP
-- tlog-tiles, height 8); all other nodes follow from them.
--
-- A lost row must show: a receipt implies its leaf, `log_head.size` counts the leaves, the leaves
-- imply the tiles and the roots of the heads, and heads are signed by a key that no database holds.

-- Whoever erases a message destroys the salt of its receipt: what is left of it in the log then is
-- noise.
alter table receipts alter column salt drop not null;

create table log_waiting (
    waiting_id bigint generated always as identity primary key,
    kind       text not null constraint log_waiting_kind_known
               check (kind in ('receipt', 'event', 'redaction', 'restoration')),
    -- The message, or the subject of the event.
    subject_id uuid not null,
    leaf_hash  bytea not null constraint log_waiting_leaf_hash_is_a_hash
               check (length(leaf_hash) = 32),
    -- What an event's entry is the hash of. What a receipt's is the hash of is the receipt.
    salt       bytea,
    preimage   bytea,
    -- The leaf that a redaction or a restoration is about.
    target     bytea,
    created_at timestamptz not null
);

create table log_leaves (
    index      bigint constraint log_leaves_pkey primary key
               constraint log_leaves_count_from_zero check (index >= 0),
    leaf_hash  bytea not null constraint log_leaves_leaf_hash_key unique
               constraint log_leaves_leaf_hash_is_a_hash check (length(leaf_hash) = 32),
    kind       text not null constraint log_leaves_kind_known
               check (kind in ('receipt', 'event', 'redaction', 'restoration')),
    subject_id uuid not null,
    salt       bytea,
    preimage   bytea,
    target     bytea,
    created_at timestamptz not null,
    constraint log_leaves_target_if_about_a_leaf
        check ((target is not null) = (kind in ('redaction', 'restoration')))
);

create table log_tiles (
    level  smallint not null,
    number bigint not null,
    -- 32 bytes for each hash, up to 256 of them.
    hashes bytea not null constraint log_tiles_hold_hashes
           check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
    constraint log_tiles_pkey primary key (level, number)
);
-- Hashes do not compress.
alter table log_tiles alter column hashes set storage external;

-- The signed heads, kept for ever.
create table log_heads (
    size       bigint constraint log_heads_pkey primary key
               constraint log_heads_size_is_a_size check (size >= 0),
    root_hash  bytea not null constraint log_heads_root_hash_is_a_hash
               check (length(root_hash) = 32),
    -- The signed note (C2SP tlog-checkpoint).
    checkpoint text not null,
    signed_at  timestamptz not null
);

-- Who may append, and how far the tree goes. Whoever appends locks this row and proves to hold the
-- lease by its epoch.
create table log_head (
    singleton  boolean primary key default true
               constraint log_head_is_one_row check (singleton),
    size       bigint not null default 0,
    -- How many heads were signed.
    heads      bigint not null default 0,
    epoch      bigint not null default 0,
    holder     uuid,
    expires_at timestamptz not null default '-infinity',
    -- Events that were said before this moment need not be here.
    started_at timestamptz not null default now()
);
insert into log_head default values;

-- Receipts from before the log enter it first.
insert into log_waiting (kind, subject_id, leaf_hash, created_at)
select 'receipt', message_id,
       sha256('\x00'::bytea || convert_to(
           E'liuyan-entry-v1\nreceipt: sha256:' || encode(sha256(salt || statement), 'hex') || E'\n',
           'UTF8')),
       now()
from receipts order by message_id;
