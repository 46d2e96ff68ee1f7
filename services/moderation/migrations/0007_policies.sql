-- A state of an office's choice, so that two who change it see each other.
alter table office_policies add column change bigint not null default 1;
alter table office_policies add constraint office_policies_changes_are_counted check (change > 0);

-- The trace of the appeal, which is that of what is said once nobody has decided in time.
alter table appeals add column traceparent text;

-- How many messages each set of rules has read.
create index reviews_by_rules on reviews (rules_version) where rules_version > 0;

-- Whether an author had many messages waiting when this one came: it is read after those of others, so that
-- whoever floods the board delays nobody else.
alter table reviews add column crowded boolean not null default false;
create index reviews_to_screen on reviews (crowded, submitted_at, message_id) where state = 'screening';
