-- Where the tallies of the grain $1 are not the sum of those of the finer grain $2, in the months from $3 to $4. Grains for
-- ever do not tell months apart, and only offices have them; `all_detail` tells domain and kind apart. Up to $5 numbers.
with fresh as (
    select level, node, case when $1 = 'month' then month else 0 end as month,
           case when $1 = 'all_detail' then domain else '' end as domain,
           case when $1 = 'all_detail' then kind else '' end as kind,
           measure, sum(amount)::bigint as amount
    from tally_cells
    where grain = $2
      and month between $3 and $4
      and measure not like 'ground %'
      and ($1 = 'month' or level = 'office')
    group by 1, 2, 3, 4, 5, 6
), held as (
    select level, node, month, domain, kind, measure, amount::bigint as amount
    from tally_cells
    where grain = $1 and ($1 <> 'month' or month between $3 and $4)
)
select level as "level!", node as "node!", month as "month!", domain as "domain!", kind as "kind!",
       measure as "measure!", coalesce(held.amount, 0) as "held!", coalesce(fresh.amount, 0) as "fresh!"
from fresh full join held using (level, node, month, domain, kind, measure)
where fresh.amount is distinct from held.amount
order by level, node, month, domain, kind, measure
limit $5
