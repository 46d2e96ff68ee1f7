-- A message may belong to an account: that of a citizen who was signed in when writing it. Who the
-- citizen is, only identity knows; a message without an account stays without one.
alter table messages add column account_id uuid;

-- What a citizen wrote, the newest first.
create index messages_of_account on messages (account_id, submitted_at desc, message_id desc)
    where account_id is not null;
