-- The trace of the submission (or resubmission) of the revision under review, so that what the rules
-- decide later is known to be its consequence.
alter table reviews add column traceparent text;
