# What people are told. Values: the public number, the title of the office, the deadline as a date.
office-unnamed = the office
author-message-approved-title = Message { $number } was approved
author-message-approved-body = Your message { $number } has passed review and goes to the office.
author-message-returned-title = Message { $number } needs a change
author-message-returned-body = Your message { $number } was sent back to you. Please read why, mend it and send it again.
author-message-declined-title = Message { $number } will not be published
author-message-declined-body = Your message { $number } will not be published. You can read why on its page.
author-decision-appealed-title = Your appeal on message { $number } was received
author-decision-appealed-body = Your appeal on message { $number } was received. Another moderator is to decide on it by { $deadline }.
author-appeal-decided-title = Your appeal on message { $number } was decided
author-appeal-decided-body = Another moderator has decided on your appeal on message { $number }. You can read what and why on its page.
author-case-opened-title = Work on message { $number } has begun
author-case-opened-body = Your message { $number } is with { $office }. You are to have an answer by { $deadline }.
author-case-accepted-title = Message { $number } is being worked on
author-case-accepted-body = { $office } has accepted your message { $number }.
author-case-transferred-title = Message { $number } is with another office
author-case-transferred-body = Your message { $number } was passed to { $office }. The deadline stays the same.
author-case-replied-title = Message { $number } was answered
author-case-replied-body = { $office } has answered your message { $number }. You can rate the answer on its page.
author-case-closed-title = Message { $number } is closed
author-case-closed-body = The work on your message { $number } has ended. You can see the outcome on its page.
author-withdrawal-refused-title = Message { $number } can't be withdrawn
author-withdrawal-refused-body = Your message { $number } has been answered already and can no longer be withdrawn.
office-case-assigned-title = New message { $number }
office-case-assigned-body = Message { $number } was given to { $office }. Please accept it, or say which office it belongs to.
office-case-transferred-title = Message { $number } was passed to you
office-case-transferred-body = Message { $number } was passed to { $office }. Please accept it, or say which office it belongs to.
office-case-closed-title = Message { $number } was withdrawn
office-case-closed-body = The author has withdrawn message { $number }. There is nothing left for { $office } to do.
author-case-returned-title = Message { $number } is with another office
author-case-returned-body = Your message { $number } was passed to { $office }. The deadline stays the same.
author-case-paused-title = The office asks you about message { $number }
author-case-paused-body = { $office } needs more information on your message { $number }. You can read what it asks on the page of the message; the clock stands until then.
author-case-resumed-title = The clock of message { $number } goes on
author-case-resumed-body = The work on your message { $number } goes on. You are to have an answer by { $deadline }.
author-case-extended-title = More time for message { $number }
author-case-extended-body = { $office } has taken more time for your message { $number }. You are to have an answer by { $deadline }.
author-reply-corrected-title = The answer to message { $number } was corrected
author-reply-corrected-body = { $office } has corrected its answer to your message { $number }.
author-case-reopened-title = Message { $number } is being worked on again
author-case-reopened-body = { $office } works again on your message { $number }.
author-deadline-missed-title = Message { $number } is overdue
author-deadline-missed-body = The deadline of your message { $number } has passed without an answer by { $office }.
office-case-returned-title = Message { $number } was given to you by a return
office-case-returned-body = Message { $number } was returned and is with { $office } now. Please accept it, or decide which office it belongs to.
office-case-resumed-title = The clock of message { $number } goes on
office-case-resumed-body = The wait for the author of message { $number } is over. It is to be answered by { $deadline }.
office-follow-up-asked-title = The author of message { $number } asks on
office-follow-up-asked-body = The author of message { $number } is not content with the answer. Please answer again.
office-case-reopened-title = Message { $number } is open again
office-case-reopened-body = Message { $number } is to be worked on again by { $office }.
office-case-supervised-title = Message { $number } is watched
office-case-supervised-body = Message { $number } with { $office } is watched from now on.
office-helper-invited-title = Please help with message { $number }
office-helper-invited-body = { $office } is asked to help with message { $number }.
office-case-escalated-title = Message { $number } is long overdue
office-case-escalated-body = Message { $number } has had no answer long after its date. { $office } is asked to see to it.
office-deadline-neared-title = Message { $number } is due soon
office-deadline-neared-body = Message { $number } is to be answered by { $deadline }.
office-deadline-missed-title = Message { $number } is overdue
office-deadline-missed-body = Message { $number } was to be answered by { $deadline }.
author-promise-kept-title = What was promised on message { $number } is done
author-promise-kept-body = { $office } says that it has done what it promised on your message { $number }.
author-promise-broken-title = A promise on message { $number } was not kept
author-promise-broken-body = { $office } has not done in time what it promised on your message { $number }. The case is open again.
office-promise-broken-title = A promise on message { $number } was not kept
office-promise-broken-body = The day of what { $office } promised on message { $number } has passed. The case is open again.
author-result-told-title = What came of the consultation to which you wrote with message { $number }
author-result-told-body = { $office } has published the result of its consultation. { $uptake ->
    [taken] What you suggested in message { $number } was taken up.
    [partly] A part of what you suggested in message { $number } was taken up.
    [not] What you suggested in message { $number } was not taken up; the result says why.
   *[other] The result does not speak of message { $number } in particular; you can read what was taken up.
    } You can read it on the page of your message.
endpoint-disabled-title = An address is no longer told
endpoint-disabled-body = Nothing has arrived at one of your addresses for days, so it was switched off. Please check it and register it again.

# E-mails.
mail-greeting = Hello,
mail-look = Open the page
mail-why = You get this because you asked to be told of your messages. You can change that on your page.
verify-title = Please confirm your address
verify-body = Somebody, probably you, asked to be told of messages at this address. To confirm, follow the link or enter the code { $code }. It is good for a day. If it was not you, do nothing.
verify-look = Confirm this address
verify-why = This was sent once, because this address was entered on the message board.

# Rules of fields: what is wrong, and what to do.
uuid-malformed = This must be a UUID, such as 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80.
field-required = This is needed: please fill it in.
value-unknown = This value is not known: please choose one of those listed.
too-many-entries = These are too many; at most { $max } are taken at a time.
page-size-negative = The page size must not be negative.
page-token-invalid = This page token belongs to another list: please start from the first page.
channel-not-for-you = People are told by e-mail, agencies by webhook: please choose that channel.
email-malformed = This is not an e-mail address, such as name@example.org.
url-malformed = This must be a URL, such as https://hooks.example.org/liuyan, without password and fragment.
url-insecure = Only https is called: please use an https URL.
url-internal = This address is inside a network and can't be called: please use one that is reachable from outside.
division-malformed = This is not the code of a division: six digits.
divisions-not-for-you = Only agencies choose divisions: please leave this empty.

# The outcome of a whole request.
fields-invalid = The request was not carried out: please mend what is listed and send it again.
nobody-to-tell = This token names nobody who could be told: please sign in.
not-the-author = This token does not belong to this message: please look the message up again.
account-gone = This account was deleted.
endpoint-not-found = There is no such address, or it is not yours.
endpoint-exists = You have registered this address already.
too-many-endpoints = You have { $most } addresses already: please remove one first.
too-many-registrations = Too many addresses were registered lately: please try again tomorrow.
verification-failed = This code is not right or has expired: please register the address again.
delivery-not-found = There is no such delivery, or it is not yours.
delivery-not-given-up = This delivery was not given up: it has arrived, or is still tried.
endpoint-not-active = The address of this delivery is not used any more.
request-id-reused = This request id was used for something else: please make a new one.
peer-away = A part of the board is not available for the moment: please try again soon.
database-unavailable = The service is not available for the moment: please try again with the same request id.
