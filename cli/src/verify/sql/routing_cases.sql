-- A case is implied by its opening and its events, and counts its children.
with counted as (
    select case_id,
           (select count(*) from custody where custody.case_id = cases.case_id) as custody,
           (select count(*) from replies where replies.case_id = cases.case_id) as replies,
           (select count(*) from ratings where ratings.case_id = cases.case_id) as ratings,
           (select count(*) from requests where requests.case_id = cases.case_id) as requests
    from cases
)
select format('case %s has %s spans of custody, %s are there', case_id, custody_count, custody)
from cases join counted using (case_id) where custody_count <> custody
union all
select format('case %s has %s replies, %s are there', case_id, reply_count, replies)
from cases join counted using (case_id) where reply_count <> replies
union all
select format('case %s has %s ratings, %s are there', case_id, rating_count, ratings)
from cases join counted using (case_id) where rating_count <> ratings
union all
select format('case %s has %s requests, %s are there', case_id, request_count, requests)
from cases join counted using (case_id) where request_count <> requests
union all
select format('the custody of case %s has a gap', case_id)
from (select case_id, held_from,
             lag(held_until) over (partition by case_id order by position) as before,
             row_number() over (partition by case_id order by position) as place
      from custody) as spans
where place > 1 and held_from is distinct from before
union all
select format('a child of case %s is there without it', case_id)
from (select case_id from custody union select case_id from replies
      union select case_id from ratings union select case_id from requests) as children
where not exists (select 1 from cases where cases.case_id = children.case_id)
union all
select format('case %s was said to be opened and is gone', subject_id)
from messaging.outbox
where type = 'liuyan.routing.v1.case-opened'
  and not exists (select 1 from cases where case_id = subject_id)
union all
select format('case %s was never said to be opened', case_id)
from cases where not exists (
    select 1 from messaging.outbox
    where subject_id = case_id and type = 'liuyan.routing.v1.case-opened')
union all
select format('the opening of message %s is done and has no case', message_id)
from openings where state = 'done' and not exists (
    select 1 from cases where cases.message_id = openings.message_id)
union all
select format('the opening of message %s waits', message_id) from openings where state = 'pending'
union all
select format('case %s has no opening', case_id)
from cases where not exists (
    select 1 from openings where openings.message_id = cases.message_id)
union all
select format('message %s was withdrawn and the wish is gone', message_id)
from cases where outcome = 'withdrawn' and not exists (
    select 1 from withdrawals where withdrawals.message_id = cases.message_id)
