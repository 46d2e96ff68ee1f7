-- Authors count their messages, messages count their requests until these are pruned.
select format('author %s has %s messages, %s are there', author_id, authors.messages, coalesce(there, 0))
from authors left join (
    select author_id, count(*) as there from messages where author_id is not null group by author_id
) as own using (author_id)
where authors.messages is distinct from there
union all
select format('message %s names an author who is gone', message_id)
from messages where author_id is not null
  and not exists (select 1 from authors where authors.author_id = messages.author_id)
union all
select 'the row of pruning is gone' where not exists (select 1 from pruning)
union all
select format('message %s has %s requests, %s are there', message_id, messages.requests, coalesce(there, 0))
from messages left join (
    select message_id, count(*) as there from requests group by message_id
) as asked using (message_id)
where messages.requests is distinct from there
  and not (there is null and occurred_at is null
           and last_request_at < (select pruned_before from pruning))
union all
select format('a request is there for message %s, which is gone', message_id)
from requests where not exists (
    select 1 from messages where messages.message_id = requests.message_id)
