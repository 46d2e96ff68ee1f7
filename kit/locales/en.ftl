# What every service says.
token-missing = Sign in first.
token-invalid = The token is not valid. Sign in again.
token-expired = The token has expired. Sign in again.
scope-missing = You may not do this.
deadline-exceeded = It took too long, and may have been done all the same. Try again, with the same request id if there was one.
overloaded = Too many requests at the moment. Try again later.
request-malformed = The request cannot be read: it is no message of the contract. Please send it as the contract says.
request-too-large = The request is too large. Please send less at once.
method-unknown = There is no such method.
peer-unavailable = A service that is needed cannot be reached. Try again later.
internal = Something is broken on our side. It has been recorded; try again later.
