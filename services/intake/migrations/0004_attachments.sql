-- Files that go with messages. The bytes are objects, each named after its row; a row is written
-- when its object is there, and goes before it.
--
-- A lost row must show: a message counts its files, and all rows together are counted beside them.

create table attachments (
    attachment_id   uuid primary key,
    -- Who uploaded it: an upload token, an account or an agency.
    owner           text not null,
    request_id      uuid not null,
    media_type      text not null constraint attachments_media_type_known
                    check (media_type in ('image/jpeg', 'image/png', 'image/webp',
                                          'application/pdf', 'video/mp4')),
    size            bigint not null constraint attachments_are_not_empty check (size > 0),
    sha256          bytea not null constraint attachments_sha256_is_a_hash
                    check (length(sha256) = 32),
    width           integer not null,
    height          integer not null,
    -- What came, before it was written anew: the same request brings the same bytes, and quotas
    -- count them.
    received        bigint not null constraint attachments_received_something check (received > 0),
    received_sha256 bytea not null constraint attachments_received_sha256_is_a_hash
                    check (length(received_sha256) = 32),
    uploaded_at     timestamptz not null,
    -- The message that has named it, its place there, and whether the public may see it.
    message_id      uuid,
    position        smallint,
    public          boolean,
    constraint attachments_request_key unique (owner, request_id),
    constraint attachments_are_used_as_a_whole
    check ((message_id is null) = (position is null) and (message_id is null) = (public is null))
);
create unique index attachments_of_message on attachments (message_id, position)
    where message_id is not null;
create index attachments_unused on attachments (uploaded_at) where message_id is null;

-- How many rows there are.
create table attachment_count (
    singleton boolean primary key default true
              constraint attachment_count_is_one_row check (singleton),
    kept      bigint not null constraint attachment_count_counts check (kept >= 0)
);
insert into attachment_count (kept) values (0);

alter table messages add column attachments smallint not null default 0
    constraint messages_count_their_attachments check (attachments >= 0);
