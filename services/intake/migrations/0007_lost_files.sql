-- A message can come back from its receipt without its files: what they were is known by their
-- hashes, which the receipt proves, and their bytes are gone until somebody uploads the same ones.
alter table attachments add column lost boolean not null default false
    constraint attachments_that_are_lost_have_a_message check (not lost or message_id is not null);
