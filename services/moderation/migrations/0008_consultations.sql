-- The consultation to which a message belongs, which is said on with its approval; null is none.
alter table reviews add consultation_id text;
