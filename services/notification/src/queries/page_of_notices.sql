-- Each holder's newest are found by the index, and only then merged.
select notice_id, notices.holder, events.kind, events.message_id, events.case_id,
       number as "number?", office_id, deadline_at, uptake, notices.occurred_at, read as "read!"
from unnest($2::text[]) as asked (holder)
cross join lateral (
    select notices.*,
           (ordinal <= coalesce(read_through, 0)
            or exists (select from notice_reads as reads
                       where reads.reader = $1 and reads.holder = notices.holder
                         and reads.ordinal = notices.ordinal)) as read
    from notices
    left join readers on readers.holder = notices.holder and readers.reader = $1
    where notices.holder = asked.holder
      and ($4::timestamptz is null or (notices.occurred_at, notice_id) < ($4, $5::uuid))
      and (not $3::bool
           or not (ordinal <= coalesce(read_through, 0)
                   or exists (select from notice_reads as reads
                              where reads.reader = $1 and reads.holder = notices.holder
                                and reads.ordinal = notices.ordinal)))
    order by notices.occurred_at desc, notice_id desc
    limit $6
) as notices
join events using (event_id)
left join messages on messages.message_id = events.message_id
order by notices.occurred_at desc, notice_id desc
limit $6
