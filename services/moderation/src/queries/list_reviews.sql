-- A page of the reviews that a moderator may see, those first that are to be decided first.
select message_id from reviews
where state = any($1)
  and (account_id = '' or account_id <> $2)
  and (cardinality($3::text[]) = 0 or office_id = any($3))
  and ($4::text is null or kind = $4)
  and ($5::text is null or domain = $5)
  and ($6::text is null or exists (select from hits
                                   where hits.message_id = reviews.message_id
                                     and hits.revision = reviews.revision and hits.rule = $6))
  and ($7::text is null or ground = $7)
  and ($8::timestamptz is null or decide_by > $8)
  and ($9::timestamptz is null or decide_by <= $9)
  and ($10::text is null
       or case $10
              when 'nobody' then claimed_by is null or claim_expires_at <= $11
              when 'caller' then claimed_by = $12 and claim_expires_at > $11
              else claimed_by <> $12 and claim_expires_at > $11
          end)
  and ($13::timestamptz is null or submitted_at < $13)
  and (decide_by, message_id) > (coalesce($14::timestamptz, '-infinity'), $15)
order by decide_by, message_id
limit $16
