-- Writes what can change of a case. A text is only ever replaced or removed.
update cases
set has_text = $2,
    title = $3,
    body = $4,
    demand = $5,
    details = $6,
    place = $7,
    public = $8,
    state = $9,
    outcome = $10,
    accepted_at = $11,
    replied_at = $12,
    closed_at = $13,
    last_step_at = $14,
    revision = $15,
    changes = $16,
    reply_count = $17,
    custody_count = $18,
    rating_count = $19,
    request_count = $20
where case_id = $1
