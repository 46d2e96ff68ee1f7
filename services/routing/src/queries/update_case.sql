-- Writes what can change of a case. A text is only ever replaced or removed. What is public no
-- more is not found any more.
with hidden as (
    delete from case_words where case_id = $1 and not $8
)
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
    last_replied_at = $13,
    closed_at = $14,
    last_step_at = $15,
    revision = $16,
    changes = $17,
    reply_count = $18,
    custody_count = $19,
    rating_count = $20,
    request_count = $21,
    office_id = $22,
    division_code = $23,
    city_code = $24,
    province_code = $25,
    assigned_by = $26,
    look_count = $27
where case_id = $1
