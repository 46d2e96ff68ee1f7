-- A message is implied by what was said of it, and implies its texts, its receipt and its remark.
with said as (
    select subject_id as message_id,
           count(*) filter (where type = 'liuyan.intake.v1.message-submitted') as submitted,
           count(*) filter (where type = 'liuyan.intake.v1.message-resubmitted') as resubmitted,
           count(*) filter (where type = 'liuyan.intake.v1.withdrawal-requested') as withdrawals,
           count(*) filter (where type = 'liuyan.intake.v1.message-erased') as erasures
    from messaging.outbox group by subject_id
),
written as (
    select message_id, count(*) as texts, min(revision) as first, max(revision) as last
    from texts group by message_id
)
select format('message %s was said to be submitted and is gone', message_id)
from said where submitted > 0 and not exists (
    select 1 from messages where messages.message_id = said.message_id)
union all
select format('message %s: its events do not tell its history', message_id)
from messages left join said using (message_id) left join written using (message_id)
where submitted is distinct from 1
   or resubmitted is distinct from texts - 1
   or withdrawals is distinct from (case when withdrawal_requested_at is null then 0 else 1 end)
   or erasures is distinct from (case when erased_at is null then 0 else 1 end)
union all
select format('message %s has not the texts 1 to %s', message_id, revision)
from messages left join written using (message_id)
where texts is distinct from last or first is distinct from 1
   -- Once a text was approved, later ones are only kept.
   or revision > last or revision < last and state in ('in_review', 'returned', 'declined')
union all
select format('a text of message %s is there without it', message_id)
from written where message_id not in (select message_id from messages)
union all
select format('message %s has no receipt, or a receipt has no message', message_id)
from messages full join receipts using (message_id)
where messages.number is null or receipts.key_id is null
union all
select format('message %s: its remark is gone, or a remark has no message', message_id)
from (select message_id, has_remark from messages where has_remark) as remarked
full join remarks using (message_id)
where remarked.has_remark is null or remarks.remark is null
