-- Leaves from $1 on, at most $2, each with the receipt and the message that it is about, or the later text.
select leaf.index, leaf.leaf_hash, leaf.kind, leaf.subject_id, leaf.salt, leaf.preimage,
       leaf.target, leaf.created_at,
       receipts.salt as "receipt_salt?", receipts.statement as "statement?",
       receipts.key_id as "key_id?", receipts.signature as "signature?",
       receipts.content_hash as "content_hash?",
       messages.number as "number?", messages.office_id as "office_id?",
       messages.submitted_at as "submitted_at?", messages.occurred_at as "occurred_at?",
       messages.kind as "message_kind?", messages.domain as "domain?", messages.topic as "topic?",
       messages.visibility as "visibility?",
       texts.title as "title?", texts.body as "body?", texts.demand as "demand?",
       texts.details as "details?", texts.place as "place?", texts.latitude as "latitude?",
       texts.longitude as "longitude?", remarks.remark as "remark?",
       (select array_agg(sha256 order by position) from attachments
        where attachments.message_id = receipts.message_id) as "file_hashes?",
       mended.revision as "mended_revision?", mended.salt as "mended_salt?",
       mended.title as "mended_title?", mended.body as "mended_body?",
       mended.demand as "mended_demand?", mended.details as "mended_details?",
       (select array_agg(public order by position) from attachments
        where attachments.message_id = receipts.message_id) as "file_public?: Vec<bool>"
from log_leaves as leaf
left join receipts on leaf.kind = 'receipt' and receipts.message_id = leaf.subject_id
left join messages on messages.message_id = receipts.message_id
left join texts on texts.message_id = receipts.message_id and texts.revision = 1
left join texts as mended on leaf.kind = 'text' and mended.message_id = leaf.subject_id
    and mended.leaf_hash = leaf.leaf_hash
left join remarks on remarks.message_id = receipts.message_id
where leaf.index >= $1
order by leaf.index
limit $2
