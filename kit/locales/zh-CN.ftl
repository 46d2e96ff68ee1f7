# 各服务共有的提示。
token-missing = 请先登录。
token-invalid = 登录凭证无效，请重新登录。
token-expired = 登录已过期，请重新登录。
scope-missing = 您没有进行此操作的权限。
deadline-exceeded = 处理超时，但操作可能已经完成。请重试；有请求编号的，请用同一编号。
overloaded = 当前访问人数较多，请稍后重试。
request-malformed = 请求无法解析：内容不符合接口定义，请按接口定义重新发送。
request-too-large = 请求过大，请减少单次发送的内容。
method-unknown = 没有这个接口。
peer-unavailable = 相关服务暂时无法访问，请稍后重试。
internal = 系统出现故障，我们已记录，请稍后重试。
