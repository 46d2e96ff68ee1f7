-- Trust and samples: clean messages of authors in good standing may pass where an office lets nobody
-- else's pass; a sample of what would pass is still read by a person.
alter table reviews add column sampled boolean not null default false;
alter table office_policies add column trusted_passes boolean not null default false;
create index reviews_of_author on reviews (author_id, state) where author_id <> '';
create index reviews_of_sample on reviews (decided_at) where sampled;
