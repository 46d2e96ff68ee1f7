-- Copies of the consultations that routing has, so that a message that belongs to one is judged with every
-- other service down.
create table consultations (
    consultation_id uuid primary key,
    office_id       text not null,
    domain          text not null,
    open            boolean not null,
    opens_at        timestamptz not null,
    closes_at       timestamptz not null,
    version         bigint not null
);

-- The consultation to which a message belongs; null is none. A copy may be lost and come back: a message
-- does not depend on it.
alter table messages add consultation_id uuid;
