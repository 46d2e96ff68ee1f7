-- Promises with dates inside replies, and the gate that replies pass.

alter table cases add promise_count integer;

-- What the gate said of a reply that was given all the same; the reason is the note of the act.
alter table replies add gate text constraint replies_gate_known check (gate in ('alike', 'unrelated'));
create index replies_by_office on replies (office_id, replied_at desc);

create table promises (
    promise_id uuid primary key,
    reply_id   uuid not null constraint promises_reply_known references replies,
    case_id    uuid not null constraint promises_case_known references cases,
    office_id  text not null,
    what       text not null,
    due_at     timestamptz not null,
    state      text not null default 'open' constraint promises_state_known
               check (state in ('open', 'kept', 'broken')),
    settled_at timestamptz,
    constraint promises_settled_has_time check ((state = 'open') = (settled_at is null))
);
create index promises_open on promises (due_at, promise_id) where state = 'open';
create index promises_by_case on promises (case_id);
create index promises_by_office on promises (office_id);
