-- When the right password of a name came from a network: who has signed in from there of late is not
-- kept out by what others guess. A release that does not know of it prunes such a row with the others,
-- and the next sign-in makes it anew.
alter table attempts add column right_at timestamptz;
create index attempts_right_at on attempts (right_at) where right_at is not null;
create index attempts_never_right on attempts (began_at) where right_at is null;
-- All that is counted of one name begins with the same letters.
create index attempts_of_name on attempts (attempts_key collate "C");
