-- Events of cases that are private, or accuse somebody: they have places in the log, hold ids and codes alone,
-- and are given to nobody but the agency of the office that handles the case. They take no revision of their
-- case, so that what everybody sees has no gap there. And the request by which an event came about.

alter table pending
    add column restricted   boolean not null default false,
    add column accuses      boolean not null default false,
    add column causation_id uuid;

alter table log
    add column restricted boolean not null default false,
    -- Whether the case accuses an office: whoever acts for more than the one that handles it is kept away.
    add column accuses    boolean not null default false,
    alter column subject_revision drop not null,
    add constraint log_restricted_takes_no_revision check ((subject_revision is null) = restricted),
    add constraint log_accusing_is_restricted check (restricted or not accuses);

alter table subjects
    -- Counts its restricted rows in log.
    add column restricted bigint not null default 0,
    drop constraint subjects_count_up,
    add constraint subjects_count_up check (
        revision >= 0 and withheld >= 0 and restricted >= 0 and revision + withheld + restricted > 0
    );
