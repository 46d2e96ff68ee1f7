-- What was counted of messages; the numbers come in the order of the measures.
select message_id, scope, month, office_id, path, domain, kind, ground, days, review_days,
       array[
           received, published, declined, returned, withdrawn, opened, transfers, replied, on_time, overdue,
           closed, solved, partly_solved, explained, refused, impossible, duplicate, retracted, rated, marks,
           appealed, upheld, overturned, reviewed
       ]::bigint[] as "counts!"
from counted
where message_id = any($1)
