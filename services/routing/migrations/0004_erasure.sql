-- Messages that their authors had erased. `waiting` ones wait for a case, or for the worker; one whose
-- message is never approved waits for ever, like a wish to withdraw.
create table erasures (
    message_id  uuid primary key,
    erased_at   timestamptz not null,
    state       text not null default 'waiting' constraint erasures_state_known
                check (state in ('waiting', 'done')),
    traceparent text
);
create index erasures_waiting on erasures (message_id) where state = 'waiting';
