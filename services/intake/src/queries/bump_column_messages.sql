-- Numbers a change of messages ($1), of those among them that came by a column, and notes its time
-- ($2). The columns are locked, and stay so until the commit; see take_column_places.sql.
with changed as (
    select message_id, column_id,
           row_number() over (partition by column_id order by message_id) as place
    from column_messages
    where message_id = any($1)
),
counted as (
    update columns
    set changes = columns.changes + own.messages
    from (select column_id, count(*) as messages from changed group by column_id) as own
    where columns.column_id = own.column_id
    returning columns.column_id, columns.changes - own.messages as before
)
update column_messages
set change = counted.before + changed.place, changed_at = greatest(changed_at, $2)
from changed join counted using (column_id)
where column_messages.message_id = changed.message_id
