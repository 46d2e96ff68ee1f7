# Rules of fields: what is wrong, and what to do.
uuid-malformed = This must be a UUID, such as 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80.
field-required = This is needed: please fill it in.
value-unknown = This value is not known: please choose one of those listed.
office-malformed = This is not the id of an office: letters, digits, hyphens and points, up to 64.
too-many-entries = These are too many; at most { $max } are taken at a time.
page-size-negative = The page size must not be negative.
page-token-invalid = This page token belongs to another list: please start from the first page.
span-malformed = A span must begin before its end and name a part of the text.
span-outside-text = This span is not inside the text: please select the words again.
spans-empty = Please select the words to remove.
spans-too-many = These are too many spans; at most { $most } are taken.
ground-unknown = There is no such ground: please choose one from the list.
ground-not-mendable = The author can't mend this: please decline the message, or choose another ground.
explanation-empty = Please tell the author why.
explanation-too-long = The explanation may have at most { $most } characters: please shorten it.

# The outcome of a whole request.
fields-invalid = The request was not carried out: please mend what is listed and send it again.
other-message = This token is for another message: please look the message up by its number and access code.
review-not-found = There is no review of this message.
review-not-held = This review does not wait for a person.
review-claimed-by-another = Somebody else is working on this review: please take another.
review-not-claimed = You do not hold this review, or no longer: please claim it first.
etag-mismatch = The review has changed since you read it: please read it again.
senior-moderator-needed = Only a senior moderator may decide on this ground: please give the review back.
message-not-approved = Words can be removed only from a message that is published.
request-id-reused = This request id was used for something else: please make a new one.
text-missing = The text of this message is not there yet: please try again later.
texts-unavailable = The texts are not available for the moment: please try again soon.
database-unavailable = The service is not available for the moment: please try again with the same request id.
