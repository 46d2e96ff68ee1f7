-- Messages with their remarks, receipts and sealed contacts.
select message_id, number, state, ground, account_id, office_id, kind, domain, topic, visibility,
       channel, locale, submitted_at, occurred_at, withdrawal_requested_at, withdrawal_refused_at,
       redacted_at, ended_at, contact_erased_at, erased_at, case_id, deadline_at, contact,
       messages.author_id, authors.wrapped_key as "wrapped_key?", remarks.remark as "remark?",
       consultation_id, columned.column_id as "column_id?", columned.changed_at as "column_changed_at?",
       hotline.operator as "operator?", hotline.entered_by as "entered_by?",
       receipts.statement as "statement?", receipts.content_hash as "content_hash?",
       receipts.salt as "salt?", receipts.key_id as "key_id?", receipts.signature as "signature?"
from messages
left join authors using (author_id)
left join remarks using (message_id)
left join receipts using (message_id)
left join column_messages as columned using (message_id)
left join hotline_entries as hotline using (message_id)
where message_id = any($1)
order by message_id
