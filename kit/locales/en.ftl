# What every service says.
token-missing = Sign in first.
token-invalid = The token is not valid. Sign in again.
token-expired = The token has expired. Sign in again.
scope-missing = You may not do this.
deadline-exceeded = It took too long. Look later whether it was done, or try again.
overloaded = Too many requests at the moment. Try again later.
method-unknown = There is no such method.
peer-unavailable = A service that is needed cannot be reached. Try again later.
internal = Something is broken on our side. It has been recorded; try again later.
