-- What became of appeals, and how long moderators took.

alter table decisions add column appealed integer not null default 0;
alter table decisions add column upheld integer not null default 0;
alter table decisions add column overturned integer not null default 0;
-- When a person first decided on it; of what came from another system it is not told.
alter table decisions add column reviewed_at timestamptz;

alter table counted add column appealed integer not null default 0;
alter table counted add column upheld integer not null default 0;
alter table counted add column overturned integer not null default 0;
alter table counted add column reviewed smallint not null default 0;
-- Calendar days from submission to the first decision of a person.
alter table counted add column review_days integer;
alter table counted add constraint counted_review_days_when_reviewed check ((review_days is not null) = (reviewed = 1));

alter table tallies add column appealed integer not null default 0;
alter table tallies add column upheld integer not null default 0;
alter table tallies add column overturned integer not null default 0;
alter table tallies add column reviewed integer not null default 0;
-- How many were decided on after so many days, like `days`.
alter table tallies add column review_days integer[] not null default '{}';

drop view counted_cells;
drop view tally_cells;

-- Each number that a message adds to a cell of `detail`.
create view counted_cells as
with placed as (
    select 'nation' as level, '' as node, counted.* from counted
    union all
    select 'division', counted.path[place], counted.*
    from counted cross join generate_subscripts(counted.path, 1) as place
    where scope = 'office' and place <= 2 or scope = 'province' and place = 1
    union all
    select 'office', counted.office_id, counted.* from counted where scope = 'office'
)
select level, node, month, domain, kind, measure, amount
from placed cross join lateral (values
    ('received', received), ('published', published), ('declined', declined), ('returned', returned),
    ('withdrawn', withdrawn), ('opened', opened), ('transfers', transfers), ('replied', replied),
    ('on_time', on_time), ('overdue', overdue), ('closed', closed), ('solved', solved),
    ('partly_solved', partly_solved), ('explained', explained), ('refused', refused),
    ('impossible', impossible), ('duplicate', duplicate), ('retracted', retracted),
    ('rated', rated), ('marks', marks), ('appealed', appealed), ('upheld', upheld), ('overturned', overturned),
    ('reviewed', reviewed), ('day ' || days, 1), ('review day ' || review_days, 1), ('ground ' || ground, declined)
) as numbers (measure, amount)
where amount <> 0 and measure is not null;

-- Each number of a tally that is not zero.
create view tally_cells as
select grain, level, node, month, domain, kind, measure, amount
from tallies cross join lateral (values
    ('received', received), ('published', published), ('declined', declined), ('returned', returned),
    ('withdrawn', withdrawn), ('opened', opened), ('transfers', transfers), ('replied', replied),
    ('on_time', on_time), ('overdue', overdue), ('closed', closed), ('solved', solved),
    ('partly_solved', partly_solved), ('explained', explained), ('refused', refused),
    ('impossible', impossible), ('duplicate', duplicate), ('retracted', retracted),
    ('rated', rated), ('marks', marks), ('appealed', appealed), ('upheld', upheld), ('overturned', overturned),
    ('reviewed', reviewed)
) as numbers (measure, amount)
where amount <> 0
union all
select grain, level, node, month, domain, kind, 'day ' || day - 1, amount
from tallies cross join unnest(days) with ordinality as histogram (amount, day)
where amount <> 0
union all
select grain, level, node, month, domain, kind, 'review day ' || day - 1, amount
from tallies cross join unnest(review_days) with ordinality as histogram (amount, day)
where amount <> 0
union all
select 'detail', level, node, month, domain, kind, 'ground ' || ground, declined
from ground_tallies;
