-- What stats keeps: what each source said of a message (facts), what was counted of it, and the
-- sums of what was counted (tallies). Ids, codes, times and numbers only: no text, no author.
--
-- Each source has a table of its own, so that no order between the sources matters: whoever comes
-- first finds nothing to wait for. The writer alone reads all three and keeps the sums.

-- Intake: a message was stored.
create table submissions (
    message_id   uuid primary key,
    office_id    text not null,
    kind         text not null,
    domain       text not null,
    private      boolean not null,
    -- When it was written, for a message that came from another system.
    submitted_at timestamptz not null
);

-- Moderation: what became of its review.
create table decisions (
    message_id      uuid primary key,
    approved        boolean not null,
    accused         boolean not null,
    returned        boolean not null,
    declined_ground text,
    withdrawn       boolean not null
);

-- Routing: the work on an approved message.
create table cases (
    message_id     uuid primary key,
    case_id        uuid not null constraint cases_case_id_once unique,
    office_id      text not null,
    kind           text not null,
    domain         text not null,
    private        boolean not null,
    accused        boolean not null,
    -- The revision of the case's view that these columns tell.
    revision       bigint not null,
    deadline_at    timestamptz not null,
    first_reply_at timestamptz,
    closed_at      timestamptz,
    outcome        text constraint cases_outcome_known check (outcome in
                       ('solved', 'partly_solved', 'explained', 'refused', 'impossible', 'duplicate', 'withdrawn')),
    transfers      integer not null,
    -- The sum of the three marks of the last final rating.
    marks          smallint constraint cases_marks_in_range check (marks between 3 and 15),
    constraint cases_outcome_when_closed check ((closed_at is null) = (outcome is null))
);
-- Cases whose deadline is still to pass.
create index cases_open_deadline on cases (deadline_at)
    where first_reply_at is null and closed_at is null;

-- Routing: offices and where they are, the highest division first; empty for a ministry.
create table offices (
    office_id  text primary key,
    -- The subject of the office's events.
    subject_id uuid not null constraint offices_subject_id_once unique,
    path       text[] not null
);
create index offices_path on offices using gin (path);

-- Messages that are to be counted (again), in the order in which that was learned. Consumers only
-- add rows, so that they never wait for each other or for the writer, which removes them.
create table pending (
    pending_id  bigint generated always as identity primary key,
    message_id  uuid not null,
    -- When the event was said.
    at          timestamptz not null,
    traceparent text
);
create index pending_message on pending (message_id);

-- The one row that the writer locks for as long as it counts: whoever holds it is the only writer.
create table heads (
    singleton     boolean primary key default true constraint heads_is_one_row check (singleton),
    -- The time of the last event that is counted; never goes back.
    counted_until timestamptz,
    -- Deadlines before this time are counted as passed.
    as_of         timestamptz not null default 'epoch',
    -- The version of the rules by which messages were counted.
    rules         integer not null default 0,
    -- How many offices there are.
    offices       bigint not null default 0
);
insert into heads default values;

-- What was counted of each message. The tallies are the sums of these rows, at every moment.
create table counted (
    message_id    uuid primary key,
    -- Where it counts: for its office with all divisions above, for its province, for the whole.
    scope         text not null constraint counted_scope_known check (scope in ('office', 'province', 'nation')),
    -- The month of submission in China, 202607.
    month         integer not null,
    office_id     text not null,
    path          text[] not null,
    domain        text not null,
    kind          text not null,
    -- Why it was declined; empty if it was not.
    ground        text not null,
    -- Calendar days from submission to the first reply.
    days          integer,
    received      smallint not null,
    published     smallint not null,
    declined      smallint not null,
    returned      smallint not null,
    withdrawn     smallint not null,
    opened        smallint not null,
    transfers     integer not null,
    replied       smallint not null,
    on_time       smallint not null,
    overdue       smallint not null,
    closed        smallint not null,
    solved        smallint not null,
    partly_solved smallint not null,
    explained     smallint not null,
    refused       smallint not null,
    impossible    smallint not null,
    duplicate     smallint not null,
    -- Closed with the outcome `withdrawn`.
    retracted     smallint not null,
    rated         smallint not null,
    marks         smallint not null,
    constraint counted_days_when_replied check ((days is not null) = (replied = 1)),
    constraint counted_ground_when_declined check ((ground <> '') = (declined = 1)),
    constraint counted_received_is_one check (received = 1),
    constraint counted_cohort check (replied <= opened and on_time <= replied and rated <= replied)
);
create index counted_office on counted (office_id);
create index counted_month on counted (month);

-- Sums. A cell without messages has no row. Below the second level, divisions have no cells: they are
-- small, and summed from their offices.
create table tallies (
    -- `detail` by month, domain and kind; `month` by month; for offices alone also for ever: `all`, and `all_detail` by
    -- domain and kind.
    grain         text not null constraint tallies_grain_known check (grain in ('detail', 'month', 'all', 'all_detail')),
    level         text not null constraint tallies_level_known check (level in ('nation', 'division', 'office')),
    -- The division's code or the office's id; empty for the nation.
    node          text not null,
    month         integer not null,
    domain        text not null,
    kind          text not null,
    -- How many were replied to after so many days, from 0 days on; the last place stands for more.
    days          integer[] not null,
    received      integer not null,
    published     integer not null,
    declined      integer not null,
    returned      integer not null,
    withdrawn     integer not null,
    opened        integer not null,
    transfers     integer not null,
    replied       integer not null,
    on_time       integer not null,
    overdue       integer not null,
    closed        integer not null,
    solved        integer not null,
    partly_solved integer not null,
    explained     integer not null,
    refused       integer not null,
    impossible    integer not null,
    duplicate     integer not null,
    retracted     integer not null,
    rated         integer not null,
    marks         integer not null,
    constraint tallies_pkey primary key (grain, level, node, domain, kind, month)
);
-- For rankings of all offices: over some months, of a domain or kind, and both.
create index tallies_office_month on tallies (month) where level = 'office' and grain = 'month';
create index tallies_office_domain on tallies (domain, kind) where grain = 'all_detail';
create index tallies_office_detail on tallies (month, domain, kind) where level = 'office' and grain = 'detail';

-- Sums of what was declined, by ground; in the cells of `detail`.
create table ground_tallies (
    level    text not null,
    node     text not null,
    month    integer not null,
    domain   text not null,
    kind     text not null,
    ground   text not null,
    declined integer not null,
    constraint ground_tallies_pkey primary key (level, node, domain, kind, month, ground)
);

-- Adds histograms of days.
create function add_days(one integer[], other integer[]) returns integer[]
    language sql immutable parallel safe
    return case
        when cardinality(other) = 0 then one
        when cardinality(one) = 0 then other
        else (select array_agg(coalesce(a, 0) + coalesce(b, 0) order by day)
              from unnest(one, other) with ordinality as both_days(a, b, day))
    end;

-- What was published of the indicators' definitions.
create table definitions (
    version      integer primary key constraint definitions_version_counts_from_one check (version > 0),
    sha256       bytea not null,
    published_at timestamptz not null
);

-- The two views below say the same in another way, for the recount: one from what was counted,
-- the other from the tallies.

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
    ('rated', rated), ('marks', marks), ('day ' || days, 1), ('ground ' || ground, declined)
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
    ('rated', rated), ('marks', marks)
) as numbers (measure, amount)
where amount <> 0
union all
select grain, level, node, month, domain, kind, 'day ' || day - 1, amount
from tallies cross join unnest(days) with ordinality as histogram (amount, day)
where amount <> 0
union all
select 'detail', level, node, month, domain, kind, 'ground ' || ground, declined
from ground_tallies;
