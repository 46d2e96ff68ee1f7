-- Inserts cases, $1 an array of rows.
insert into cases
select opened.*
from jsonb_populate_recordset(null::cases, $1::jsonb) as opened
order by opened.case_id
