-- What a coarse filter lets through, and the last event of the stretch in any case: it tells how far the stretch
-- goes, and that no event is missing at its end.
select position, recorded_at, type as event_type, office_id, division_code, former_office_id, former_division_code,
       kind, domain, state, restricted, accuses, payload_bytes
from log
where position > $1 and position <= $2
  and (position = $2
       or type = $3
       or (($4::text[] is null or office_id = any($4) or former_office_id = any($4))
           and ($5::text[] is null or division_code like any($5) or former_division_code like any($5))))
order by position
