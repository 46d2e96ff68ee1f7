-- Since when a message waits to be counted. A program of before leaves it to the default.
alter table pending add column added_at timestamptz not null default now();
