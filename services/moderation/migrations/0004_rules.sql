-- Sets of rules, each with a number that it never loses: brought by a release or written by an editor.
-- The number of a set is also in data_sets, by which every reading of a message is checked.
create table rule_sets (
    version    integer primary key,
    -- The number that the release gave to its set; null for an editor's.
    release    integer,
    rules      text not null,
    lexicon    text not null,
    everyday   text not null,
    rule_count integer not null,
    made_by    text not null,
    made_at    timestamptz not null,
    constraint rule_sets_release_key unique (release)
);

-- Which set reads, and since when: the last row tells. Rows are only added, each with a row of the audit log.
create table rule_publications (
    ordinal      integer primary key,
    version      integer not null,
    cause        text not null,
    note         text not null,
    published_by text not null,
    published_at timestamptz not null,
    constraint rule_publications_cause_known check (cause in ('loaded', 'published', 'rolled-back'))
);

-- Sets tried on messages of the past. A worker that dies leaves the trial where it was.
create table rule_trials (
    trial_id     uuid primary key,
    version      integer not null,
    base_version integer not null,
    state        text not null,
    wanted       integer not null,
    read         integer not null default 0,
    held_before  integer not null default 0,
    held_after   integer not null default 0,
    would_hold   integer not null default 0,
    would_release integer not null default 0,
    -- Of the ordinary messages that come with every release, how many it would hold.
    ordinary      integer not null,
    ordinary_held integer not null,
    rule_count    integer not null default 0,
    example_count integer not null default 0,
    -- Messages before this one, in the order of their ids, are still to be read.
    next_id      uuid not null,
    due_at       timestamptz not null,
    started_by   text not null,
    started_at   timestamptz not null,
    ended_at     timestamptz,
    traceparent  text,
    constraint rule_trials_state_known check (state in ('running', 'done')),
    constraint rule_trials_done_ones_say_when check ((state = 'done') = (ended_at is not null))
);
create index rule_trials_running on rule_trials (due_at) where state = 'running';
create index rule_trials_by_version on rule_trials (version, started_at);

-- In how many messages a rule found something, by the set in force and by the one that is tried.
create table rule_trial_rules (
    trial_id uuid not null,
    rule     text not null,
    before   integer not null,
    after    integer not null,
    constraint rule_trial_rules_pkey primary key (trial_id, rule)
);

-- Messages that would be treated differently; never their texts.
create table rule_trial_examples (
    trial_id   uuid not null,
    ordinal    integer not null,
    message_id uuid not null,
    holds      boolean not null,
    rules      text[] not null,
    constraint rule_trial_examples_pkey primary key (trial_id, ordinal)
);
create index rule_trial_examples_by_message on rule_trial_examples (message_id);

-- What is left of texts for comparison, for 90 days: hashes, from which no text can be got back.
create table fingerprints (
    message_id uuid primary key,
    seen_at    timestamptz not null,
    bands      integer[] not null,
    signature  bytea not null,
    constraint fingerprints_are_whole check (cardinality(bands) = 16 and length(signature) = 64)
);
create index fingerprints_by_band on fingerprints using gin (bands) with (fastupdate = off);
create index fingerprints_by_time on fingerprints (seen_at);

-- Finds what shares a band by the index, whatever the planner thinks of it: it can't know how rare a band is,
-- and would rather read the whole table.
create function fingerprints_meeting(wanted integer[]) returns setof fingerprints
language sql stable rows 16 set enable_seqscan = off
as $$ select * from fingerprints where bands && wanted limit 512 $$;

-- Whether there is a fingerprint, so that a lost one is noticed.
alter table reviews add column fingerprinted boolean not null default false;
-- Flooding: how much an author wrote lately.
create index reviews_by_author on reviews (author_id, submitted_at) where author_id <> '';

-- The message that another is like, and what a person only sees: it holds nothing back.
alter table hits add column alike text not null default '';
create index hits_alike on hits (alike) where alike <> '';
alter table hits drop constraint hits_action_known;
alter table hits add constraint hits_action_known check (action in ('note', 'redact', 'hold'));
