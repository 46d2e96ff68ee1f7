-- Where the finest tallies of the months from $1 to $3 are not the sum of what was counted: up to $2 numbers.
with fresh as (
    select level, node, month, domain, kind, measure, sum(amount)::bigint as amount
    from counted_cells
    where month between $1 and $3
    group by level, node, month, domain, kind, measure
), held as (
    select level, node, month, domain, kind, measure, amount::bigint as amount
    from tally_cells
    where grain = 'detail' and month between $1 and $3
)
select level as "level!", node as "node!", month as "month!", domain as "domain!", kind as "kind!",
       measure as "measure!", coalesce(held.amount, 0) as "held!", coalesce(fresh.amount, 0) as "fresh!"
from fresh full join held using (level, node, month, domain, kind, measure)
where fresh.amount is distinct from held.amount
order by level, node, domain, kind, measure
limit $2
