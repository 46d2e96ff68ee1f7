-- A text that was handed in again after it was returned enters the log, too: the office acts on it, and the receipt
-- speaks of the first one only.
--
-- The entry shows a salted hash (domain/log.rs). Salt and leaf stand with the text; whoever erases the text destroys
-- its salt. The first revision has neither: its salt is that of the receipt.
alter table texts
    add column salt      bytea constraint texts_salt_is_long check (length(salt) = 32),
    add column leaf_hash bytea constraint texts_leaf_hash_is_a_hash check (length(leaf_hash) = 32);

alter table log_leaves drop constraint log_leaves_kind_known;
alter table log_leaves add constraint log_leaves_kind_known
    check (kind in ('receipt', 'text', 'event', 'redaction', 'restoration'));

-- Texts from before enter it first.
create function pg_temp.said(salt bytea, name text, words text) returns text
    language sql as $$
    select name || ': sha256:' || encode(sha256(salt || convert_to(words, 'UTF8')), 'hex') || E'\n'
$$;
update texts
set salt = uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
from messages
where texts.revision > 1 and messages.message_id = texts.message_id and messages.state <> 'erased';
update texts
set leaf_hash = sha256('\x00'::bytea || convert_to(
        E'liuyan-entry-v1\ntext: sha256:' || encode(sha256(salt || convert_to(
            E'liuyan-text-v1\nmessage: ' || message_id || E'\nrevision: ' || revision || E'\n'
            || pg_temp.said(salt, 'title', title) || pg_temp.said(salt, 'body', body)
            || pg_temp.said(salt, 'demand', demand) || pg_temp.said(salt, 'details', details),
            'UTF8')), 'hex') || E'\n',
        'UTF8'))
where salt is not null;
insert into log_batches (kinds, subject_ids, leaf_hashes, salts, preimages, targets, created_at)
select array_agg('text'::text), array_agg(message_id), array_agg(leaf_hash),
       array_agg(null::bytea), array_agg(null::bytea), array_agg(null::bytea), array_agg(now())
from texts where leaf_hash is not null
having count(*) > 0;

-- A message that came back from its receipt: which key made the code that its author holds is not known any more.
alter table messages add column restored boolean not null default false;
