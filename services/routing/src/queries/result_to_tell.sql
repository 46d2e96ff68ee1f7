-- Up to $3 cases of a consultation ($1) that were not looked at since its change $2 and were neither withdrawn nor erased,
-- with what the statements of the result make of each and what its author was told last.
select c.case_id,
       array(select distinct uptake from consultation_citations t
             join consultation_statements s using (consultation_id, position)
             where t.case_id = c.case_id and t.consultation_id = $1) as "uptakes!",
       told.uptake as "told?"
from cases c left join consultation_tellings told using (case_id)
where c.consultation_id = $1 and coalesce(told.seen, 0) < $2
  and (c.outcome is null or c.outcome <> 'withdrawn')
  and not exists (select from erasures e where e.message_id = c.message_id)
order by c.case_id limit $3
