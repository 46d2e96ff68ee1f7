-- Adds numbers to tallies. The numbers of all cells are one array, $10 for each; so are the histograms, cut by the
-- places in $7 and $8, and in $12 and $13.
insert into tallies as held (
    grain, level, node, month, domain, kind, days, review_days,
    received, published, declined, returned, withdrawn, opened, transfers, replied, on_time, overdue, closed,
    solved, partly_solved, explained, refused, impossible, duplicate, retracted, rated, marks,
    appealed, upheld, overturned, reviewed
)
select grain, level, node, month, domain, kind, ($11::integer[])[first_day:last_day],
       ($14::integer[])[first_review:last_review],
       ($9::integer[])[base + 1], ($9::integer[])[base + 2], ($9::integer[])[base + 3],
       ($9::integer[])[base + 4], ($9::integer[])[base + 5], ($9::integer[])[base + 6],
       ($9::integer[])[base + 7], ($9::integer[])[base + 8], ($9::integer[])[base + 9],
       ($9::integer[])[base + 10], ($9::integer[])[base + 11], ($9::integer[])[base + 12],
       ($9::integer[])[base + 13], ($9::integer[])[base + 14], ($9::integer[])[base + 15],
       ($9::integer[])[base + 16], ($9::integer[])[base + 17], ($9::integer[])[base + 18],
       ($9::integer[])[base + 19], ($9::integer[])[base + 20], ($9::integer[])[base + 21],
       ($9::integer[])[base + 22], ($9::integer[])[base + 23], ($9::integer[])[base + 24]
from unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::integer[], $8::integer[],
            $12::integer[], $13::integer[])
         with ordinality as delta (grain, level, node, month, domain, kind, first_day, last_day, first_review, last_review,
                                   ordinal)
     cross join lateral (select (ordinal::integer - 1) * $10::integer as base) as numbers
order by grain, level, node, domain, kind, month
on conflict on constraint tallies_pkey do update
set days = add_days(held.days, excluded.days),
    review_days = add_days(held.review_days, excluded.review_days),
    received = held.received + excluded.received,
    published = held.published + excluded.published,
    declined = held.declined + excluded.declined,
    returned = held.returned + excluded.returned,
    withdrawn = held.withdrawn + excluded.withdrawn,
    opened = held.opened + excluded.opened,
    transfers = held.transfers + excluded.transfers,
    replied = held.replied + excluded.replied,
    on_time = held.on_time + excluded.on_time,
    overdue = held.overdue + excluded.overdue,
    closed = held.closed + excluded.closed,
    solved = held.solved + excluded.solved,
    partly_solved = held.partly_solved + excluded.partly_solved,
    explained = held.explained + excluded.explained,
    refused = held.refused + excluded.refused,
    impossible = held.impossible + excluded.impossible,
    duplicate = held.duplicate + excluded.duplicate,
    retracted = held.retracted + excluded.retracted,
    rated = held.rated + excluded.rated,
    marks = held.marks + excluded.marks,
    appealed = held.appealed + excluded.appealed,
    upheld = held.upheld + excluded.upheld,
    overturned = held.overturned + excluded.overturned,
    reviewed = held.reviewed + excluded.reviewed
