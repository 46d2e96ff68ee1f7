-- Places in the log that the feed keeps for its readers, and events that they put aside.

-- Who has subscriptions, and how many: the count makes a lost one show.
create table subscribers (
    owner         text primary key,
    subscriptions integer not null constraint subscribers_have_some check (subscriptions > 0)
);

create table subscriptions (
    subscription_key bigint generated always as identity primary key,
    -- Issuer and subject of the token by which it was made.
    owner            text not null,
    -- The owner's own name for it.
    subscription_id  text not null,
    title            text not null,
    -- The encoded liuyan.feed.v1.EventFilter, and the paths of the mask.
    filter           bytea not null,
    read_mask        text[] not null,
    -- Everything up to here is done.
    epoch            uuid not null,
    position         bigint not null constraint subscriptions_place_is_one check (position >= 0),
    -- Counts changes of title, filter and mask.
    change           bigint not null default 1,
    -- Count its streams, the moves of its place by hand, and what wakes a stream. The newest stream has it.
    generation       bigint not null default 0,
    seeks            bigint not null default 0,
    bells            bigint not null default 0,
    -- Counts its rows in parked_events.
    parked           integer not null default 0 constraint subscriptions_park_some check (parked >= 0),
    created_at       timestamptz not null,
    committed_at     timestamptz,
    opened_at        timestamptz,
    constraint subscriptions_id_once unique (owner, subscription_id)
);

-- Events outside of the log's order: put aside by a reader, and to be given out again once released.
create table parked_events (
    subscription_key bigint not null,
    event_id         uuid not null,
    -- Its place in the log; a test event has none.
    position         bigint,
    reason           text not null,
    -- How often a reader put it aside.
    attempts         integer not null constraint parked_events_count_up check (attempts >= 0),
    parked_at        timestamptz not null,
    released_at      timestamptz,
    constraint parked_events_pkey primary key (subscription_key, event_id)
);
