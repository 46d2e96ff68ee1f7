-- Histograms of the cells that sums.sql sums; not summed, because adding arrays is quicker outside.
select case $8::text when 'month' then month::text when 'node' then node when 'domain' then domain when 'kind' then kind
            else '' end as "key!", days, review_days
from tallies
where grain = $1
  and level = $2
  and ($3::text[] is null or node = any($3))
  and month between $4 and $5
  and ($6::text is null or domain = $6)
  and ($7::text is null or kind = $7)
  and (days <> '{}' or review_days <> '{}')
