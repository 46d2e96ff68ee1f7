-- Answers to requests hold texts: they are emptied when the text of their case changes or goes, and after
-- some days. The rows stay, since cases count them.
create index requests_kept on requests (created_at) where response <> '';
update requests q set response = ''
from cases c join openings o using (message_id)
where q.case_id = c.case_id and q.response <> '' and (c.outcome = 'withdrawn' or o.redactions > 0);

-- What officials wrote about a case whose message was erased is gone wherever it stood.
update transfers t set reason = ''
from cases c join erasures e using (message_id)
where t.case_id = c.case_id and e.state = 'done' and t.reason <> '';
update precedents p set retired_why = null
from cases c join erasures e using (message_id)
where p.case_id = c.case_id and e.state = 'done' and p.retired_why is not null;
