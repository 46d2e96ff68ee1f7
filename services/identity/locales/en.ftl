# Rules of fields: what is wrong, and what to do.
uuid-malformed = This must be a UUID, such as 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80.
field-required = This is needed: please fill it in.
value-unknown = This value is not known: please choose one of those listed.
text-too-long = This is too long to be right: please copy it once more.
name-length = The name must have 3 to 64 characters.
name-malformed = The name may have letters, digits and . _ - + @, and no spaces.
display-name-malformed = Please give one line of up to 64 characters, without spaces around it.
email-malformed = This is not an e-mail address: please check it.
password-length = The password must have 10 to 200 characters.
password-is-name = The password must not be the name: please choose another one.
office-malformed = This is not the id of an office: letters, digits, hyphens and points, up to 64.
division-malformed = This is not the code of a division: 2 to 12 digits.
places-missing = Somebody who works on cases needs at least one office or division.
places-without-role = Offices and divisions are only for clerks and supervisors: please leave them out.
too-many-entries = These are too many; at most { $max } are taken at a time.
client-id-malformed = The client id must have 3 to 64 of a-z, 0-9 and hyphens, and must be neither a UUID nor the name of a service.
title-malformed = Please give one line of up to 100 characters, without spaces around it.
scope-not-allowed = This scope is not to be had here: please leave it out.
purpose-malformed = Please give the purpose in one line of up to 200 characters.
page-size-negative = The page size must not be negative.
page-token-invalid = This page token belongs to another list: please start from the first page.

# The outcome of a whole request.
fields-invalid = The request was not carried out: please mend what is listed and send it again.
sign-in-refused = Name and password do not fit together: please check both.
session-refused = The session has ended: please sign in again.
client-refused = Client id and secret do not fit together.
password-wrong = This is not your present password: please check it.
tries-exhausted = There were too many wrong tries: please wait a while, then try again.
hashing-busy = Too many people are signing in at the moment: please try again soon.
not-an-account = Only a person who has signed in can do this.
account-not-found = There is no such account.
agency-not-found = There is no such agency.
client-id-taken = There is an agency with this client id already: please choose another one.
request-id-reused = This request id was used for something else: please make a new one.
raced = Somebody else changed the same thing in the same moment: please try again.
database-unavailable = The service is not available for the moment: please try again with the same request id.
