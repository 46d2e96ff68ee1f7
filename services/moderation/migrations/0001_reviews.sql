-- What moderation keeps: for each message where its review stands, what the rules found, what
-- people decided and what is left out of the public text. The texts themselves stay with intake.
--
-- Counts on a parent say how many rows its children have ever had, so that a lost child is noticed.
-- Children are never deleted.

create table reviews (
    message_id      uuid primary key,
    number          text not null,
    office_id       text not null,
    kind            text not null,
    domain          text not null,
    topic           text not null,
    visibility      text not null,
    author_id       text not null,
    submitted_at    timestamptz not null,
    occurred_at     timestamptz,
    -- The revision of the text under review.
    revision        integer not null,
    state           text not null,
    -- Counts the changes; part of the etag.
    change          bigint not null default 1,

    -- Screening: not before this time, which is also the end of a worker's lease on it.
    due_at          timestamptz not null,
    -- How often intake had no text for it.
    text_misses     integer not null default 0,
    -- The rules that read it; 0 before that.
    rules_version   integer not null default 0,
    hit_count       integer not null default 0,

    -- The lease of a moderator.
    claimed_by      text,
    claim_expires_at timestamptz,

    -- The last decision.
    ground          text not null default '',
    explanation     text not null default '',
    decided_by      text,
    decided_at      timestamptz,
    -- Decisions of people; one by rules has no row of its own, this row says it.
    decision_count  integer not null default 0,
    accused_office_ids text[] not null default '{}',
    redaction_count integer not null default 0,
    -- How often words were removed after publication: as often as it was said.
    redacted_count  integer not null default 0,
    withdrawn_at    timestamptz,

    constraint reviews_visibility_known check (visibility in ('public', 'private')),
    constraint reviews_state_known
        check (state in ('screening', 'held', 'approved', 'returned', 'declined', 'withdrawn')),
    constraint reviews_revision_counts_from_one check (revision > 0),
    constraint reviews_counts_are_counts check (
        hit_count >= 0 and decision_count >= 0 and redaction_count >= 0 and redacted_count >= 0
    ),
    constraint reviews_claim_is_whole check ((claimed_by is null) = (claim_expires_at is null)),
    constraint reviews_only_held_ones_are_claimed check (claimed_by is null or state = 'held'),
    constraint reviews_decision_is_whole check ((decided_by is null) = (decided_at is null)),
    constraint reviews_decided_ones_say_who
        check (state not in ('approved', 'returned', 'declined') or decided_by is not null),
    constraint reviews_refused_ones_say_why
        check (state not in ('returned', 'declined') or (ground <> '' and explanation <> '')),
    constraint reviews_withdrawn_ones_say_when check ((state = 'withdrawn') = (withdrawn_at is not null))
) with (fillfactor = 80);

-- The queue of the worker, that of the moderators, and the lists by state.
create index reviews_queue on reviews (state, submitted_at, message_id);

-- What the rules found, of every revision that they read.
create table hits (
    message_id uuid not null,
    ordinal    integer not null,
    revision   integer not null,
    rule       text not null,
    field      text not null,
    span_start integer not null,
    span_end   integer not null,
    action     text not null,
    score      double precision not null,
    constraint hits_pkey primary key (message_id, ordinal),
    constraint hits_field_known check (field in ('title', 'body', 'demand', 'details', 'place')),
    constraint hits_action_known check (action in ('redact', 'hold')),
    constraint hits_span_is_not_empty check (0 <= span_start and span_start < span_end)
);

-- What is left out of the public text.
create table redactions (
    message_id uuid not null,
    ordinal    integer not null,
    field      text not null,
    span_start integer not null,
    span_end   integer not null,
    added_by   text not null,
    added_at   timestamptz not null,
    constraint redactions_pkey primary key (message_id, ordinal),
    constraint redactions_field_known check (field in ('title', 'body', 'demand', 'details', 'place')),
    constraint redactions_span_is_not_empty check (0 <= span_start and span_start < span_end)
);

-- What people decided, the first with ordinal 1. A returned message is decided again.
create table decisions (
    message_id  uuid not null,
    ordinal     integer not null,
    revision    integer not null,
    decision    text not null,
    ground      text not null,
    explanation text not null,
    -- Where, of what is not published; the spans of what is published are redactions.
    span_count  integer not null,
    decided_by  text not null,
    decided_at  timestamptz not null,
    constraint decisions_pkey primary key (message_id, ordinal),
    constraint decisions_decision_known check (decision in ('publish', 'return', 'decline')),
    constraint decisions_refusals_say_why
        check (decision = 'publish' or (ground <> '' and explanation <> ''))
);

create table decision_spans (
    message_id       uuid not null,
    decision_ordinal integer not null,
    ordinal          integer not null,
    field            text not null,
    span_start       integer not null,
    span_end         integer not null,
    constraint decision_spans_pkey primary key (message_id, decision_ordinal, ordinal),
    constraint decision_spans_field_known
        check (field in ('title', 'body', 'demand', 'details', 'place')),
    constraint decision_spans_span_is_not_empty check (0 <= span_start and span_start < span_end)
);

-- Data that a release brought: its rows and its fingerprint. Changed data under an old version are
-- refused at start.
create table data_sets (
    name      text not null,
    version   integer not null,
    row_count integer not null,
    sha256    bytea not null,
    loaded_at timestamptz not null,
    constraint data_sets_pkey primary key (name, version),
    constraint data_sets_name_known check (name in ('grounds', 'rules'))
);

create table grounds (
    version         integer not null,
    ordinal         integer not null,
    ground          text not null,
    name_zh         text not null,
    name_en         text not null,
    senior_only     boolean not null,
    author_can_mend boolean not null,
    constraint grounds_pkey primary key (version, ordinal),
    constraint grounds_ground_key unique (version, ground)
);

-- Offices whose choice differs from the configured one. Each change is in the audit log.
create table office_policies (
    office_id    text primary key,
    clean_passes boolean not null,
    set_by       text not null,
    set_at       timestamptz not null
);

-- Answers to writes, for callers who ask again. Each is named by a row of the audit log.
create table requests (
    request_id uuid not null,
    caller     text not null,
    body_hash  bytea not null,
    response   bytea not null,
    created_at timestamptz not null,
    constraint requests_pkey primary key (caller, request_id)
);

-- Every look and every act, chained by hashes: domain/audit.rs says how.
create table audit (
    sequence   bigint primary key,
    at         timestamptz not null,
    actor      text not null,
    action     text not null,
    message_id uuid,
    request_id uuid,
    detail     text not null,
    prev_hash  bytea not null,
    hash       bytea not null
);
create index audit_by_message on audit (message_id, sequence) where message_id is not null;

-- The end of the chain, apart from it, so that a tail cut off is noticed.
create table audit_head (
    singleton boolean primary key default true constraint audit_head_is_one_row check (singleton),
    sequence  bigint not null,
    hash      bytea not null
);
insert into audit_head (sequence, hash) values (0, decode(repeat('00', 32), 'hex'));
