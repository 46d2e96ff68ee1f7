-- Writes a consultation, new or changed. Its id and when it was planned stay.
insert into consultations
    (consultation_id, office_id, division_code, division_path, domain, question, description, from_on,
     until_on, stage, summary, created_at, put_by, published_at, corrected_at, statement_count, changes)
values ($1, $2, $3, $4, $5, $6, $7, $8::text::date, $9::text::date, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict (consultation_id) do update
set office_id = excluded.office_id,
    division_code = excluded.division_code,
    division_path = excluded.division_path,
    domain = excluded.domain,
    question = excluded.question,
    description = excluded.description,
    from_on = excluded.from_on,
    until_on = excluded.until_on,
    stage = excluded.stage,
    summary = excluded.summary,
    put_by = excluded.put_by,
    published_at = excluded.published_at,
    corrected_at = excluded.corrected_at,
    statement_count = excluded.statement_count,
    changes = excluded.changes
