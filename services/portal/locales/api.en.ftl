# The texts of the public API.
api-invalid = The request was not done: please mend what is listed and try again.
api-content-type = The body must be JSON, and said to be: Content-Type: application/json.
api-type-wrong = This has another type than it should: please see the document of the API.
api-field-unknown = There is no such field: please see the document of the API.
api-field-required = This is required.
api-field-repeated = This came more than once.
api-value-unknown = There is no such value: please see the document of the API.
api-number-malformed = This must be a number.
api-uuid-malformed = This must be a UUID, e.g. 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80.
api-json-malformed = The body is no whole JSON.
