-- Gives the places that columns have for messages of this day ($3), and numbers their changes.
-- $1 and $2: how many messages each column takes. The rows are locked, and stay so until the commit:
-- no quota is exceeded, and the numbers of a column are in the order of the commits. Of two replicas around
-- midnight one may still have yesterday: a day that has begun does not end for that.
update columns
set used_today = taken.messages + case when used_on >= $3 then used_today else 0 end,
    used_on = greatest(used_on, $3),
    messages = columns.messages + taken.messages,
    changes = changes + taken.messages
from unnest($1::text[], $2::int[]) as taken (column_id, messages)
where columns.column_id = taken.column_id
returning columns.column_id, columns.changes
