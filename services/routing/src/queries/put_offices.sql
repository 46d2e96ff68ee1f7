-- Adds and changes offices, but none that an editor has put; gives the ids of those that are not as they were.
insert into offices as offices
    (office_id, division_code, level, role, title, parent_office_id, open)
select *
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[])
on conflict (office_id) do update
set division_code = excluded.division_code,
    level = excluded.level,
    role = excluded.role,
    title = excluded.title,
    parent_office_id = excluded.parent_office_id,
    open = excluded.open
where offices.source = 'list'
  and (offices.division_code, offices.level, offices.role, offices.title,
       offices.parent_office_id, offices.open)
      is distinct from
      (excluded.division_code, excluded.level, excluded.role, excluded.title,
       excluded.parent_office_id, excluded.open)
returning office_id
