-- Who is accused stays so under a new name: the cases that accuse an office are found when another comes
-- in its place, and those that are open are looked through for what the accused still have.
create index cases_accusing on cases using gin (accused_office_ids)
    where cardinality(accused_office_ids) > 0;
create index cases_accusing_open on cases (case_id)
    where cardinality(accused_office_ids) > 0 and state <> 'closed';
