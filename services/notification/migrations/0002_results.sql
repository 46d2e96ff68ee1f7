-- What the result of a consultation makes of a message: `taken`, `partly`, `not`, or empty if it does not
-- speak of it. Empty of all other events.
alter table events add uptake text not null default '';
