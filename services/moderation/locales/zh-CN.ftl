# 字段规则：哪里不对，怎样修改。
uuid-malformed = 此处应为 UUID，例如 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80。
field-required = 此项必填，请填写。
value-unknown = 没有这个取值，请从列出的取值中选择。
office-malformed = 这不是留言对象的编号：只能用字母、数字、连字符和点，最多 64 个字符。
too-many-entries = 数量过多，一次最多 { $max } 个。
page-size-negative = 每页条数不能为负数。
page-token-invalid = 此翻页标记属于另一个列表，请从第一页开始。
span-malformed = 所选范围须指明文字部分，且起点在终点之前。
span-outside-text = 所选范围超出原文，请重新选择文字。
spans-empty = 请选择要隐去的文字。
spans-too-many = 所选范围过多，最多 { $most } 处。
ground-unknown = 没有这条理由，请从列表中选择。
ground-not-mendable = 这条理由留言人无法修改，请改为不予公开，或另选理由。
explanation-empty = 请向留言人说明原因。
explanation-too-long = 说明最多 { $most } 个字符，请缩短。

# 整个请求的结果。
fields-invalid = 请求未执行，请按所列各项修改后重新提交。
other-message = 该凭证不属于这条留言，请使用这条留言的编号和查询码重新查询。
review-not-found = 没有这条留言的审核记录。
review-not-held = 这条留言目前不需要人工审核。
review-claimed-by-another = 其他审核员正在处理这条留言，请另取一条。
review-not-claimed = 您没有领取这条留言，或领取已到期，请先领取。
etag-mismatch = 您读取之后审核记录已有变化，请重新读取。
senior-moderator-needed = 这条理由只能由高级审核员使用，请退回队列。
message-not-approved = 只有已公开的留言才能隐去文字。
request-id-reused = 此请求编号已用于其他请求，请换一个新的编号。
text-missing = 这条留言的文字尚未就绪，请稍后再试。
texts-unavailable = 暂时无法读取留言文字，请稍后再试。
database-unavailable = 服务暂时不可用，请用同一请求编号稍后再试。
