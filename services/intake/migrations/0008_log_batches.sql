-- What waits for its place in the log waits by batch: all entries of one transaction are one row, since
-- each of them would otherwise be written and deleted by itself, which costs as much as the message.

create table log_batches (
    batch_id    bigint generated always as identity primary key,
    kinds       text[] not null,
    subject_ids uuid[] not null,
    leaf_hashes bytea[] not null,
    salts       bytea[] not null,
    preimages   bytea[] not null,
    targets     bytea[] not null,
    created_at  timestamptz[] not null,
    constraint log_batches_are_whole check (
        cardinality(leaf_hashes) > 0
        and cardinality(kinds) = cardinality(leaf_hashes)
        and cardinality(subject_ids) = cardinality(leaf_hashes)
        and cardinality(salts) = cardinality(leaf_hashes)
        and cardinality(preimages) = cardinality(leaf_hashes)
        and cardinality(targets) = cardinality(leaf_hashes)
        and cardinality(created_at) = cardinality(leaf_hashes)
    )
);
-- Hashes do not compress.
alter table log_batches alter column leaf_hashes set storage external,
                        alter column subject_ids set storage external;

insert into log_batches (kinds, subject_ids, leaf_hashes, salts, preimages, targets, created_at)
select array_agg(kind order by waiting_id), array_agg(subject_id order by waiting_id),
       array_agg(leaf_hash order by waiting_id), array_agg(salt order by waiting_id),
       array_agg(preimage order by waiting_id), array_agg(target order by waiting_id),
       array_agg(created_at order by waiting_id)
from log_waiting
group by waiting_id / 1000
order by waiting_id / 1000;

drop table log_waiting;

-- Each entry that waits.
create view log_waiting as
select batch_id, entry.*
from log_batches,
     unnest(kinds, subject_ids, leaf_hashes, salts, preimages, targets, created_at)
         as entry (kind, subject_id, leaf_hash, salt, preimage, target, created_at);
