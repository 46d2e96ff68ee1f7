# 公开接口的文字。
api-invalid = 请求未执行，请按所列各项修改后重试。
api-content-type = 请求正文须为 JSON，并声明 Content-Type: application/json。
api-type-wrong = 此项的类型不对，请查阅接口文档。
api-field-unknown = 没有这个字段，请查阅接口文档。
api-field-required = 此项必填。
api-field-repeated = 此项出现了不止一次。
api-value-unknown = 没有这个取值，请查阅接口文档。
api-number-malformed = 此项应为数字。
api-uuid-malformed = 此项应为 UUID，例如 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80。
api-json-malformed = 请求正文不是完整的 JSON。
