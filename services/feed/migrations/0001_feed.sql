-- The outgoing log, and what waits to enter it. Every event of a case that routing says, except a
-- rating, is in exactly one of `pending`, `log` and `withheld`.

-- Where the log ends. Its row is locked by whoever appends, so that there is one at a time: a
-- position, once seen, is never followed by a lower one.
create table head (
    singleton         boolean primary key default true constraint head_is_one_row check (singleton),
    -- Names this life of the log. A restore from a backup begins a new one, because positions after
    -- the backup were given to other events before.
    epoch             uuid not null,
    -- Up to this position this life equals the one before it.
    epoch_began_after bigint not null default 0,
    -- The newest event's position; the log holds kept_from .. position without gaps.
    position          bigint not null default 0,
    recorded_at       timestamptz not null,
    kept_from         bigint not null default 1,
    -- Counts the transactions that rewrote stored payloads, so that caches know they are stale.
    rewrites          bigint not null default 0,
    constraint head_counts_up check (
        position >= 0 and kept_from >= 1 and kept_from <= position + 1
        and epoch_began_after between 0 and position and rewrites >= 0
    )
);

-- Events of cases as they were heard. They wait for the appender, which asks routing for the view
-- and moves each one to `log` or `withheld`.
create table pending (
    event_id      uuid not null,
    -- The order of arrival. Within a case the order is that of the versions.
    received      bigint generated always as identity,
    case_id       uuid not null,
    message_id    uuid not null,
    -- The version of the case's events at routing.
    version       bigint not null,
    type          text not null,
    -- Whether everybody may see the case after it.
    public        boolean not null,
    occurred_at   timestamptz not null,
    traceparent   text,
    office_id     text not null,
    division_code text not null,
    kind          text not null,
    domain        text not null,
    state         integer not null,
    view_revision bigint not null,
    constraint pending_pkey primary key (event_id),
    constraint pending_version_once unique (case_id, version),
    constraint pending_received_once unique (received)
);

-- The log. A row is never deleted; its payload is rewritten when something is taken back.
create table log (
    position         bigint not null,
    event_id         uuid not null,
    case_id          uuid not null,
    -- Counts the events of this case in the log, from 1, without gaps.
    subject_revision bigint not null,
    -- The version of the case's events at routing; of `case-hidden`, the event that hid the case.
    version          bigint not null,
    type             text not null,
    -- Strictly rising with the position.
    recorded_at      timestamptz not null,
    -- What filters ask for: the facts after the event. They stay when the payload is reduced.
    office_id        text not null,
    division_code    text not null,
    kind             text not null,
    domain           text not null,
    state            integer not null,
    -- When something was removed from the payload.
    redacted_at      timestamptz,
    -- True if the payload holds ids only: of `case-hidden` from the start, of others once their case
    -- was taken back. It is never filled again.
    hidden           boolean not null default false,
    -- The encoded liuyan.feed.v1.Event.
    payload          bytea not null,
    constraint log_pkey primary key (position),
    constraint log_event_once unique (event_id),
    constraint log_revision_once unique (case_id, subject_revision),
    constraint log_recorded_once unique (recorded_at),
    constraint log_counts_from_one check (position > 0 and subject_revision > 0)
);

-- What the log has shown of each case: `revision` counts its rows in `log`, `withheld` those in
-- `withheld`.
create table subjects (
    case_id  uuid not null,
    revision bigint not null,
    withheld bigint not null,
    -- True while the case is taken back.
    hidden   boolean not null,
    constraint subjects_pkey primary key (case_id),
    constraint subjects_count_up check (revision >= 0 and withheld >= 0 and revision + withheld > 0),
    constraint subjects_hide_what_was_shown check (revision > 0 or not hidden)
);

-- Events that were not appended, and why, so that the count stays provable. Only ids.
create table withheld (
    event_id    uuid not null,
    case_id     uuid not null,
    version     bigint not null,
    reason      text not null
                constraint withheld_reason_known check (reason in ('not_public', 'no_longer_public')),
    withheld_at timestamptz not null,
    constraint withheld_pkey primary key (event_id),
    constraint withheld_version_once unique (case_id, version)
);
