-- Sums of cells: of the grain $1 and the level $2, of the nodes $3 or all, in the months from $4 to $5, of the domain
-- $6 and the kind $7 if they are not null, told apart by $8. The numbers come in the order of the measures.
select case $8::text when 'month' then month::text when 'node' then node when 'domain' then domain when 'kind' then kind
            else '' end as "key!",
       array[
           sum(received)::bigint, sum(published)::bigint, sum(declined)::bigint, sum(returned)::bigint,
           sum(withdrawn)::bigint, sum(opened)::bigint, sum(transfers)::bigint, sum(replied)::bigint,
           sum(on_time)::bigint, sum(overdue)::bigint, sum(closed)::bigint, sum(solved)::bigint,
           sum(partly_solved)::bigint, sum(explained)::bigint, sum(refused)::bigint, sum(impossible)::bigint,
           sum(duplicate)::bigint, sum(retracted)::bigint, sum(rated)::bigint, sum(marks)::bigint,
           sum(appealed)::bigint, sum(upheld)::bigint, sum(overturned)::bigint, sum(reviewed)::bigint
       ] as "counts!"
from tallies
where grain = $1
  and level = $2
  and ($3::text[] is null or node = any($3))
  and month between $4 and $5
  and ($6::text is null or domain = $6)
  and ($7::text is null or kind = $7)
group by 1
