-- Counts the cases of messages ($1) with the precedents that routed them. These are locked in one order.
with led as (
    select (select p.precedent_id from precedents p
            where p.office_id = o.office_id and p.kind = o.kind and p.domain = o.domain
              and p.topic = o.topic and p.to_office_id = c.office_id
            order by p.decided_at desc limit 1) as precedent_id
    from openings o join cases c using (message_id)
    where o.message_id = any($1::uuid[])
), routed as (
    select precedent_id, count(*) as times from led where precedent_id is not null group by precedent_id
), locked as (
    select precedent_id from precedents where precedent_id in (select precedent_id from routed)
    order by precedent_id for update
)
update precedents p set case_count = p.case_count + routed.times
from routed join locked using (precedent_id)
where p.precedent_id = routed.precedent_id
