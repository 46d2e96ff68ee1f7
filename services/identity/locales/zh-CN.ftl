# 字段规则：哪里不对，怎样修改。
uuid-malformed = 此处应为 UUID，例如 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80。
field-required = 此项必填，请填写。
value-unknown = 没有这个取值，请从列出的取值中选择。
text-too-long = 内容过长，不可能正确，请重新复制。
name-length = 登录名须为 3 至 64 个字符。
name-malformed = 登录名只能用文字、数字和 . _ - + @，不能有空格。
display-name-malformed = 称呼须为一行，最多 64 个字符，前后不留空格。
email-malformed = 这不是电子邮件地址，请检查。
password-length = 密码须为 10 至 200 个字符。
password-is-name = 密码不能与登录名相同，请另选一个。
office-malformed = 这不是留言对象的编号：只能用字母、数字、连字符和点，最多 64 个字符。
division-malformed = 这不是行政区划代码：应为 2 至 12 位数字。
places-missing = 办理留言的人员至少需要一个单位或行政区划。
places-without-role = 只有承办人员和督办人员才有单位和行政区划，请去掉。
too-many-entries = 数量过多，一次最多 { $max } 个。
client-id-malformed = 客户端编号须为 3 至 64 个小写字母、数字或连字符，且不能是 UUID 或服务的名称。
title-malformed = 名称须为一行，最多 100 个字符，前后不留空格。
scope-not-allowed = 这里不提供此权限，请去掉。
purpose-malformed = 请用一行说明用途，最多 200 个字符。
page-size-negative = 每页条数不能为负数。
page-token-invalid = 此翻页标记属于另一个列表，请从第一页开始。

# 整个请求的结果。
fields-invalid = 请求未执行，请按所列各项修改后重新提交。
sign-in-refused = 登录名与密码不符，请检查。
session-refused = 登录已失效，请重新登录。
client-refused = 客户端编号与密钥不符。
password-wrong = 当前密码不正确，请检查。
tries-exhausted = 错误次数过多，请过一段时间再试。
hashing-busy = 当前登录的人较多，请稍后再试。
not-an-account = 只有已登录的个人才能进行此操作。
account-not-found = 没有这个账户。
agency-not-found = 没有这个机构。
client-id-taken = 已有机构使用此客户端编号，请另选一个。
request-id-reused = 此请求编号已用于其他请求，请换一个新的编号。
raced = 同一时刻有人修改了同一内容，请重试。
database-unavailable = 服务暂时不可用，请用同一请求编号稍后再试。
