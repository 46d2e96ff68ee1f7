-- What an author may ask of all that is held on them: to see it, and to have it erased.

-- When name and phone were destroyed, when the message was, and when it ended (declined, withdrawn,
-- or its case closed), from when on its contact is kept for a while only.
alter table messages
    add column contact_erased_at timestamptz,
    add column erased_at         timestamptz,
    add column ended_at          timestamptz;
alter table messages drop constraint messages_state_known;
alter table messages add constraint messages_state_known
    check (state in ('in_review', 'approved', 'returned', 'declined', 'withdrawn', 'erased'));
alter table messages add constraint messages_erased_ones_say_when
    check ((state = 'erased') = (erased_at is not null));
alter table messages add constraint messages_erased_ones_are_nobodys
    check (state <> 'erased' or (author_id is null and contact is null and account_id is null
                                 and not has_remark));
alter table messages add constraint messages_contact_is_gone
    check (contact_erased_at is null or contact is null);

-- All messages of one author.
create index messages_of_author on messages (author_id) where author_id is not null;
-- Contacts of messages that have ended, the oldest first.
create index messages_to_forget on messages (ended_at, message_id)
    where ended_at is not null and contact is not null;

-- The row of an erased text stays, empty, so that a lost row is told from an erased one.
alter table texts drop constraint texts_body_or_parts;
alter table texts add constraint texts_body_or_parts check (
    (body = '') = (demand <> '' and details <> '')
    or (title = '' and body = '' and demand = '' and details = '' and place = '' and latitude is null)
);

-- Who asked for an erasure, so that the same request gets the same answer. Each is named by a row
-- of the audit log.
create table erasure_requests (
    caller     text not null,
    request_id uuid not null,
    body_hash  bytea not null constraint erasure_requests_body_hash_is_a_hash
               check (length(body_hash) = 32),
    contacts   integer not null,
    messages   integer not null,
    created_at timestamptz not null,
    constraint erasure_requests_pkey primary key (caller, request_id)
);

-- Every look at what is held on an author, and every erasure, chained by hashes: domain/audit.rs
-- says how. No name, no phone, no text.
create table audit (
    sequence   bigint primary key,
    at         timestamptz not null,
    actor      text not null,
    action     text not null,
    -- The message, author or account that it is about.
    subject    text not null,
    request_id uuid,
    detail     text not null,
    prev_hash  bytea not null,
    hash       bytea not null
);

-- The end of the chain, apart from it, so that a tail cut off is noticed.
create table audit_head (
    singleton boolean primary key default true constraint audit_head_is_one_row check (singleton),
    sequence  bigint not null,
    hash      bytea not null
);
insert into audit_head (sequence, hash) values (0, decode(repeat('00', 32), 'hex'));

-- How far authors' keys are wrapped anew by the newest key of the ring.
create table rewrapping (
    singleton  boolean primary key default true constraint rewrapping_is_one_row check (singleton),
    -- The last author that was looked at in this round.
    after_id   uuid not null default '00000000-0000-0000-0000-000000000000',
    -- How many keys this round wrapped anew.
    rewrapped  bigint not null default 0,
    -- How many keys were wrapped by an older key when the last round ended; null before that.
    remaining  bigint,
    ended_at   timestamptz
);
insert into rewrapping default values;
