-- What identity keeps: accounts with their sessions, agencies, who asked for what, and the log of
-- all that touches access.
--
-- A lost row must show. Accounts and agencies count what was done to them, which the audit log says
-- too; accounts count sessions, and sessions count tokens; `totals` counts what has no parent.

-- A person who can sign in. One that was erased stays as an empty row, so that its loss is told from
-- its erasure.
create table accounts (
    account_id      uuid primary key,
    -- As it is written, and as it is compared: compatibility forms and case folded.
    name            text,
    name_key        text collate "C" constraint accounts_name_key_key unique,
    -- Argon2id, a PHC string.
    password_hash   text,
    -- The key that seals this person's data, wrapped by the keyring. Without it the data are noise.
    wrapped_key     bytea,
    display_name    bytea,
    email           bytea,
    roles           text[] not null,
    office_ids      text[] not null,
    division_codes  text[] not null,
    locale          text not null,
    active          boolean not null,
    created_at      timestamptz not null,
    -- How often it was put, got another password, or was erased: as often as the audit log says.
    changes         integer not null default 1,
    sessions_begun  integer not null default 0,
    sessions_pruned integer not null default 0,
    erased_at       timestamptz,
    constraint accounts_roles_known check (
        roles <@ array['citizen', 'clerk', 'supervisor', 'moderator', 'senior_moderator', 'editor',
                       'administrator']
    ),
    constraint accounts_erased_ones_are_empty check (
        erased_at is null or (
            num_nonnulls(name, name_key, password_hash, wrapped_key, display_name, email) = 0
            and cardinality(roles) + cardinality(office_ids) + cardinality(division_codes) = 0
            and not active
        )
    ),
    constraint accounts_others_are_whole check (
        erased_at is not null or (
            num_nulls(name, name_key, password_hash, wrapped_key, display_name) = 0
            and cardinality(roles) > 0
        )
    ),
    constraint accounts_places_go_with_roles check (
        (cardinality(office_ids) + cardinality(division_codes) > 0)
        = (roles && array['clerk', 'supervisor'])
    ),
    constraint accounts_counts_are_counts check (
        changes > 0 and 0 <= sessions_pruned and sessions_pruned <= sessions_begun
    )
);

-- A signed-in browser or program, until some time after its end.
create table sessions (
    session_id   uuid primary key,
    account_id   uuid not null,
    began_at     timestamptz not null,
    -- Ends then, unless it is refreshed before; ends then in any case.
    idle_ends_at timestamptz not null,
    ends_at      timestamptz not null,
    -- Which refresh tokens are the present ones, since when, and how many they are: more than one
    -- if the one before was used twice within the grace.
    generation   integer not null default 1,
    rotated_at   timestamptz not null,
    siblings     integer not null default 1,
    token_count  integer not null default 1,
    ended_at     timestamptz,
    end_reason   text,
    constraint sessions_end_is_whole check ((ended_at is null) = (end_reason is null)),
    constraint sessions_end_reason_known check (
        end_reason in ('signed_out', 'reused', 'password_changed', 'account_put', 'erased', 'superseded')
    ),
    constraint sessions_counts_are_counts check (
        generation > 0 and siblings > 0 and token_count >= generation
    )
);
create index sessions_of_account on sessions (account_id, began_at);
create index sessions_to_prune on sessions (coalesce(ended_at, idle_ends_at));

-- Every refresh token that a session ever had, so that one which comes twice is known.
create table refresh_tokens (
    -- SHA-256; the token is told once.
    token_hash bytea constraint refresh_tokens_pkey primary key,
    session_id uuid not null,
    generation integer not null,
    issued_at  timestamptz not null,
    constraint refresh_tokens_hash_is_a_hash check (length(token_hash) = 32)
);
create index refresh_tokens_of_session on refresh_tokens (session_id);

-- An organisation whose programs use the board.
create table agencies (
    client_id       text collate "C" constraint agencies_pkey primary key,
    title           text not null,
    scopes          text[] not null,
    office_ids      text[] not null,
    division_codes  text[] not null,
    active          boolean not null default true,
    created_at      timestamptz not null,
    -- SHA-256 of the secret, and of the one before it for as long as it is valid.
    secret_hash     bytea not null,
    old_secret_hash bytea,
    old_valid_until timestamptz,
    -- How many secrets it has had.
    secrets         integer not null default 1,
    constraint agencies_client_id_is_no_uuid check (
        client_id ~ '^[a-z0-9-]{3,64}$'
        and client_id !~ '^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$'
    ),
    constraint agencies_scopes_known check (
        cardinality(scopes) > 0
        and scopes <@ array['feed:read', 'message:submit', 'case:work', 'case:read', 'webhook:manage']
    ),
    constraint agencies_secrets_are_hashes check (
        length(secret_hash) = 32 and (old_secret_hash is null or length(old_secret_hash) = 32)
    ),
    constraint agencies_old_secret_is_whole check ((old_secret_hash is null) = (old_valid_until is null)),
    constraint agencies_old_secret_is_a_later_ones check ((secrets > 1) = (old_secret_hash is not null))
);

-- Wrong passwords and secrets of late. Names are in it only as keyed hashes.
create table attempts (
    attempts_key text constraint attempts_pkey primary key,
    wrong        integer not null,
    began_at     timestamptz not null,
    constraint attempts_wrong_is_a_count check (wrong >= 0)
);
create index attempts_began_at on attempts (began_at);

-- Answers to writes, for callers who ask again. Each is named by a row of the audit log.
create table requests (
    request_id uuid not null,
    caller     text not null,
    -- Keyed hash of what was asked: a plain one would let passwords be guessed.
    body_hash  bytea not null,
    -- Whose key seals the answer; the keyring does if this is null.
    account_id uuid,
    response   bytea not null,
    created_at timestamptz not null,
    constraint requests_pkey primary key (caller, request_id),
    constraint requests_body_hash_is_a_hash check (length(body_hash) = 32)
);
create index requests_created_at on requests (created_at);

-- How many rows `attempts` has, and from which moment on `requests` is whole.
create table totals (
    singleton              boolean primary key default true
                           constraint totals_is_one_row check (singleton),
    attempt_rows           bigint not null default 0
                           constraint totals_attempt_rows_is_a_count check (attempt_rows >= 0),
    requests_pruned_before timestamptz not null default '-infinity'
);
insert into totals default values;

-- Everything that touches access, chained by hashes: domain/audit.rs says how. Rows are only added.
create table audit (
    sequence   bigint primary key,
    at         timestamptz not null,
    actor      text not null,
    action     text not null,
    -- The account or client id that it is about; empty if there is no such one.
    subject    text not null,
    request_id uuid,
    detail     text not null,
    prev_hash  bytea not null,
    hash       bytea not null
);
create index audit_of_subject on audit (subject, action);

-- The end of the chain, apart from it, so that a tail cut off is noticed.
create table audit_head (
    singleton boolean primary key default true constraint audit_head_is_one_row check (singleton),
    sequence  bigint not null,
    hash      bytea not null
);
insert into audit_head (sequence, hash) values (0, decode(repeat('00', 32), 'hex'));
