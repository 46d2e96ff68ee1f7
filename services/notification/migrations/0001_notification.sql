-- What notification keeps: who is to be told of what, and what became of it. Ids, codes and times;
-- no text of a message or reply, and no address that can be read without a key.
--
-- Counts on a parent say how many rows its children have, so that a lost child is noticed.

-- Messages, as far as somebody is told of them. A row may come before its message is submitted,
-- because there is no order between sources.
create table messages (
    message_id  uuid not null,
    -- Null until intake has told of the message.
    number      text,
    kind        text,
    visibility  text,
    -- The author's account; null without one, and once it is erased.
    account_id  uuid,
    -- Whether it came from another system, long after it was written there.
    historical  boolean not null default false,
    -- How many rows of events name it.
    event_count bigint not null default 0,
    constraint messages_pkey primary key (message_id),
    constraint messages_are_whole
        check ((number is null) = (kind is null) and (number is null) = (visibility is null)),
    constraint messages_visibility_known check (visibility in ('public', 'private'))
) with (fillfactor = 80);
create index messages_by_account on messages (account_id) where account_id is not null;

create table cases (
    case_id            uuid not null,
    message_id         uuid not null,
    -- The office that has it now: the only one that is told.
    office_id          text not null,
    public             boolean not null,
    -- Neither they nor any office under them is ever told.
    accused_office_ids text[] not null,
    event_count        bigint not null,
    constraint cases_pkey primary key (case_id)
) with (fillfactor = 80);

-- Offices, as far as is needed to know which is under which.
create table offices (
    office_id        text not null,
    -- The subject of routing's events about it.
    subject_id       uuid not null,
    parent_office_id text not null,
    constraint offices_pkey primary key (office_id)
);

-- Everything of which somebody may be told. `waiting` until the submission of its message is heard.
create table events (
    event_id       uuid not null,
    -- The event's type without its package, e.g. `case-replied`.
    kind           text not null,
    -- Null for events of this service's own.
    message_id     uuid,
    case_id        uuid,
    occurred_at    timestamptz not null,
    said_at        timestamptz not null,
    -- It happened long before it was said: no e-mail and no call is made for it.
    historical     boolean not null,
    public         boolean not null,
    office_id      text not null,
    division_code  text not null,
    withdrawn      boolean not null,
    deadline_at    timestamptz,
    reply_id       uuid,
    traceparent    text,
    state          text not null,
    notice_count   integer not null default 0,
    delivery_count integer not null default 0,
    constraint events_pkey primary key (event_id),
    constraint events_state_known check (state in ('waiting', 'told')),
    constraint events_waiting_ones_told_nobody
        check (state = 'told' or (notice_count = 0 and delivery_count = 0)),
    constraint events_counts_are_counts check (notice_count >= 0 and delivery_count >= 0)
) with (fillfactor = 80);
create index events_waiting on events (message_id) where state = 'waiting';
create index events_by_message on events (message_id);

-- Who may be told: `account/<uuid>`, `message/<uuid>`, `office/<id>`, `agency/<client id>`.
create table holders (
    holder         text not null,
    notice_count   bigint not null default 0,
    endpoint_count integer not null default 0,
    reader_count   integer not null default 0,
    -- Preferences of a person.
    email          boolean not null default true,
    muted          text[] not null default '{}',
    -- How many endpoints were registered on a day: the limit on what is sent to strangers.
    registered_on  date,
    registered     integer not null default 0,
    -- The account is gone for ever. Its row stays, so that nothing that comes late is kept.
    erased_at      timestamptz,
    constraint holders_pkey primary key (holder),
    constraint holders_holder_known check (holder ~ '^(account|message|office|agency)/.'),
    constraint holders_erased_ones_keep_nothing
        check (erased_at is null or (notice_count = 0 and endpoint_count = 0 and reader_count = 0))
) with (fillfactor = 70);

-- How many rows tables have that nothing else implies.
create table tallies (
    name  text not null,
    count bigint not null,
    constraint tallies_pkey primary key (name),
    constraint tallies_name_known check (name in ('holders', 'offices'))
);
insert into tallies values ('holders', 0), ('offices', 0);

-- What is shown on the board's pages. The notices of a holder are numbered from 1 without gaps,
-- under the lock of the holder's row: what is read up to a number is read for good.
create table notices (
    holder      text not null,
    ordinal     bigint not null,
    notice_id   uuid not null,
    event_id    uuid not null,
    occurred_at timestamptz not null,
    constraint notices_pkey primary key (holder, ordinal),
    constraint notices_id_once unique (notice_id),
    constraint notices_event_once unique (event_id, holder)
);
create index notices_by_time on notices (holder, occurred_at desc, notice_id desc);

-- What an account has read of a holder's notices: all up to a number, and some beyond it. Each clerk
-- of an office reads for themselves.
create table readers (
    reader       uuid not null,
    holder       text not null,
    read_through bigint not null default 0,
    -- How many rows of notice_reads there are.
    read_count   bigint not null default 0,
    constraint readers_pkey primary key (reader, holder)
);
create index readers_by_holder on readers (holder);

create table notice_reads (
    reader  uuid not null,
    holder  text not null,
    ordinal bigint not null,
    constraint notice_reads_pkey primary key (reader, holder, ordinal)
);

-- Where somebody is told beside the board's pages. Addresses and secrets are sealed.
create table endpoints (
    endpoint_id           uuid not null,
    holder                text not null,
    channel               text not null,
    state                 text not null,
    -- An account's own e-mail address, which identity keeps: it is asked for each delivery.
    implicit              boolean not null default false,
    address               bytea,
    -- By which the same address is recognised without being readable.
    address_index         bytea,
    secret                bytea,
    event_types           text[] not null,
    division_codes        text[] not null,
    locale                text not null,
    -- Names the code that was sent; the code itself is derived from it and never stored.
    verification_id       uuid,
    verification_expires_at timestamptz,
    verification_attempts integer not null default 0,
    created_at            timestamptz not null,
    verified_at           timestamptz,
    failing_since         timestamptz,
    disabled_at           timestamptz,
    deleted_at            timestamptz,
    -- How often it was switched off: as often as it was said.
    disablings            integer not null default 0,
    constraint endpoints_pkey primary key (endpoint_id),
    constraint endpoints_channel_known check (channel in ('email', 'webhook')),
    constraint endpoints_state_known
        check (state in ('pending', 'active', 'disabled', 'deleted')),
    constraint endpoints_address_once unique (holder, channel, address_index),
    constraint endpoints_have_an_address
        check ((state = 'deleted' or implicit) = (address is null)
               and (address is null) = (address_index is null)),
    constraint endpoints_webhooks_sign
        check ((channel = 'webhook' and state <> 'deleted') = (secret is not null)),
    constraint endpoints_disabled_ones_say_when check ((state = 'disabled') = (disabled_at is not null)),
    constraint endpoints_deleted_ones_say_when check ((state = 'deleted') = (deleted_at is not null))
);
create index endpoints_of_agencies on endpoints (endpoint_id)
    where holder like 'agency/%' and state = 'active';
create index endpoints_by_address on endpoints (address_index) where address_index is not null;

-- One series of attempts to tell one endpoint of one event.
create table deliveries (
    delivery_id   uuid not null,
    event_id      uuid not null,
    endpoint_id   uuid not null,
    channel       text not null,
    -- 0 goes before 1: a code that somebody waits for goes before notices.
    priority      smallint not null,
    state         text not null,
    -- How often it was tried, ever: as many rows has `attempts`.
    attempts      integer not null default 0,
    -- How often in this series; a person may begin a new one.
    tries         integer not null default 0,
    -- How often a person began a new one.
    revivals      integer not null default 0,
    -- Not before this time, which is also the end of a worker's lease on it.
    due_at        timestamptz not null,
    claimed_by    uuid,
    last_error    text not null default '',
    created_at    timestamptz not null,
    delivered_at  timestamptz,
    constraint deliveries_pkey primary key (delivery_id),
    constraint deliveries_once unique (event_id, endpoint_id),
    constraint deliveries_channel_known check (channel in ('email', 'webhook')),
    constraint deliveries_state_known
        check (state in ('waiting', 'delivered', 'dead', 'dropped')),
    constraint deliveries_delivered_ones_say_when
        check ((state = 'delivered') = (delivered_at is not null)),
    constraint deliveries_given_up_ones_say_why
        check (state not in ('dead', 'dropped') or last_error <> ''),
    constraint deliveries_only_waiting_ones_are_claimed
        check (claimed_by is null or state = 'waiting')
) with (fillfactor = 70);
create index deliveries_due on deliveries (channel, priority, due_at) where state = 'waiting';
create index deliveries_by_endpoint on deliveries (endpoint_id, created_at desc, delivery_id desc);
create index deliveries_by_time on deliveries (created_at desc, delivery_id desc);
create index deliveries_given_up on deliveries (created_at desc, delivery_id desc)
    where state in ('dead', 'dropped');

-- Each attempt: when, how it ended, how long it took. Never the address, never what was sent.
create table attempts (
    delivery_id uuid not null,
    ordinal     integer not null,
    at          timestamptz not null,
    outcome     text not null,
    detail      text not null,
    latency_ms  integer not null,
    constraint attempts_pkey primary key (delivery_id, ordinal),
    constraint attempts_outcome_known check (outcome in ('delivered', 'failed', 'refused'))
);

-- Writes that were answered, for callers who ask again. The answer is made anew from the target.
create table requests (
    caller     text not null,
    request_id uuid not null,
    -- A keyed fingerprint of the request: it holds an address.
    body_index bytea not null,
    -- The endpoint that was made, or the delivery that was revived.
    target_id  uuid not null,
    created_at timestamptz not null,
    constraint requests_pkey primary key (caller, request_id)
);
create index requests_by_target on requests (target_id);
