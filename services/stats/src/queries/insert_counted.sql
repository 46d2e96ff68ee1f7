-- Keeps what was counted of messages. The numbers of all of them are one array, $11 for each.
insert into counted (
    message_id, scope, month, office_id, path, domain, kind, ground, days, review_days,
    received, published, declined, returned, withdrawn, opened, transfers, replied, on_time, overdue, closed,
    solved, partly_solved, explained, refused, impossible, duplicate, retracted, rated, marks,
    appealed, upheld, overturned, reviewed
)
select message_id, scope, month, office_id, string_to_array(path, '/'), domain, kind, ground, days, review_days,
       ($10::integer[])[base + 1], ($10::integer[])[base + 2], ($10::integer[])[base + 3],
       ($10::integer[])[base + 4], ($10::integer[])[base + 5], ($10::integer[])[base + 6],
       ($10::integer[])[base + 7], ($10::integer[])[base + 8], ($10::integer[])[base + 9],
       ($10::integer[])[base + 10], ($10::integer[])[base + 11], ($10::integer[])[base + 12],
       ($10::integer[])[base + 13], ($10::integer[])[base + 14], ($10::integer[])[base + 15],
       ($10::integer[])[base + 16], ($10::integer[])[base + 17], ($10::integer[])[base + 18],
       ($10::integer[])[base + 19], ($10::integer[])[base + 20], ($10::integer[])[base + 21],
       ($10::integer[])[base + 22], ($10::integer[])[base + 23], ($10::integer[])[base + 24]
from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::integer[], $12::integer[])
         with ordinality as fresh (message_id, scope, month, office_id, path, domain, kind, ground, days, review_days,
                                   ordinal)
     cross join lateral (select (ordinal::integer - 1) * $11::integer as base) as numbers
