-- The log has every position from the first to the head, also of events whose payloads are kept no longer;
-- subjects count their rows.
select 'the head of the log is gone' where not exists (select 1 from head)
union all
select format('the head says 1 to %s, the log has %s rows from %s to %s', position, there, first, last)
from head cross join (
    select count(*) as there, min(log.position) as first, max(log.position) as last from log) as found
where there <> position or (there > 0 and (first <> 1 or last <> position))
union all
select format('case %s has %s events and %s restricted ones in the log, %s and %s are there', case_id, revision,
              restricted, coalesce(there, 0), coalesce(restricted_there, 0))
from subjects left join (
    select case_id, count(subject_revision) as there, count(*) filter (where log.restricted) as restricted_there,
           max(subject_revision) as last
    from log group by case_id
) as found using (case_id)
where revision <> coalesce(there, 0) or revision <> coalesce(last, 0) or restricted <> coalesce(restricted_there, 0)
union all
select format('case %s has %s withheld events, %s are there', case_id, withheld, coalesce(there, 0))
from subjects left join (
    select case_id, count(*) as there from withheld group by case_id) as found using (case_id)
where withheld <> coalesce(there, 0)
union all
select format('events of case %s are there and nothing counts them', case_id)
from (select case_id from log union select case_id from withheld) as told
where not exists (select 1 from subjects where subjects.case_id = told.case_id)
union all
select format('position %s was recorded before its predecessor', position)
from (select position, recorded_at, lag(recorded_at) over (order by position) as before from log) as times
where recorded_at <= before
