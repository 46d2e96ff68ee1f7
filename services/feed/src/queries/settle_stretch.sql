update stretches
set object = $3, bytes = $4, digest = $5, events = $6, hash = $7, first_recorded_at = $8,
    last_recorded_at = $9, part_positions = $10, part_offsets = $11, exported_at = $12,
    rewritten = 0, writing = null, writing_until = null,
    leaving = case when object is null then leaving else leaving || object end
where first_position = $1 and changes = $2 and writing = $3
