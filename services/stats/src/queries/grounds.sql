-- Declined messages by ground: at the level $1, of the nodes $2, in the months from $3 to $4, of the domain $5 and the
-- kind $6 if they are not empty.
select ground as "key!", sum(declined)::bigint as "declined!"
from ground_tallies
where level = $1
  and node = any($2)
  and month between $3 and $4
  and ($5 = '' or domain = $5)
  and ($6 = '' or kind = $6)
group by ground
