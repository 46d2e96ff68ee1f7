-- By which event a case left an office: whoever follows that office is told that it is gone. Null
-- where the case stayed, and of the first event of a case.
alter table log
    add column former_office_id text,
    add column former_division_code text,
    add constraint log_former_office_is_whole
        check ((former_office_id is null) = (former_division_code is null));
