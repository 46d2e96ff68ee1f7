-- When a message was erased at its author's wish. Of its review stay the state, the counts of its
-- decisions and when they were made; what was said in them, and where in the text, is gone.
alter table reviews add column erased_at timestamptz;
alter table reviews drop constraint reviews_refused_ones_say_why;
alter table reviews add constraint reviews_refused_ones_say_why
    check (state not in ('returned', 'declined') or (ground <> '' and (explanation <> '' or erased_at is not null)));
alter table reviews add constraint reviews_erased_ones_are_bare check (
    erased_at is null
    or (explanation = '' and hit_count = 0 and redaction_count = 0 and claimed_by is null
        and state not in ('screening', 'held', 'returned'))
);
alter table decisions drop constraint decisions_refusals_say_why;
alter table decisions add constraint decisions_refusals_say_why check (decision = 'publish' or ground <> '');
