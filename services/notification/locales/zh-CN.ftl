# 告知内容。可用的值：公开编号、办理单位名称、期限日期。
office-unnamed = 办理单位
author-message-approved-title = 留言 { $number } 已通过审核
author-message-approved-body = 您的留言 { $number } 已通过审核，将转交办理单位。
author-message-returned-title = 留言 { $number } 需要修改
author-message-returned-body = 您的留言 { $number } 已退回，请查看原因，修改后重新提交。
author-message-declined-title = 留言 { $number } 不予公开
author-message-declined-body = 您的留言 { $number } 不予公开，原因可在留言页面查看。
author-decision-appealed-title = 留言 { $number } 的申诉已收到
author-decision-appealed-body = 您对留言 { $number } 的申诉已收到，将由另一名审核员在 { $deadline } 前作出决定。
author-appeal-decided-title = 留言 { $number } 的申诉已有结果
author-appeal-decided-body = 另一名审核员已对您关于留言 { $number } 的申诉作出决定，结果和理由可在留言页面查看。
author-case-opened-title = 留言 { $number } 已开始办理
author-case-opened-body = 您的留言 { $number } 已交由{ $office }办理，将于 { $deadline } 前答复。
author-case-accepted-title = 留言 { $number } 正在办理
author-case-accepted-body = { $office }已受理您的留言 { $number }。
author-case-transferred-title = 留言 { $number } 已转交其他单位
author-case-transferred-body = 您的留言 { $number } 已转交{ $office }办理，答复期限不变。
author-case-replied-title = 留言 { $number } 已有答复
author-case-replied-body = { $office }已答复您的留言 { $number }，欢迎在留言页面评价。
author-case-closed-title = 留言 { $number } 已办结
author-case-closed-body = 您的留言 { $number } 已办结，办理结果可在留言页面查看。
author-withdrawal-refused-title = 留言 { $number } 无法撤回
author-withdrawal-refused-body = 您的留言 { $number } 已有答复，不能再撤回。
office-case-assigned-title = 新留言 { $number }
office-case-assigned-body = 留言 { $number } 已交由{ $office }办理，请受理；如不属于本单位职责，请说明应由哪个单位办理。
office-case-transferred-title = 转来留言 { $number }
office-case-transferred-body = 留言 { $number } 已转交{ $office }办理，请受理；如不属于本单位职责，请说明应由哪个单位办理。
office-case-closed-title = 留言 { $number } 已撤回
office-case-closed-body = 留言人已撤回留言 { $number }，{ $office }无需再办理。
author-case-returned-title = 留言 { $number } 已退回并改交其他单位
author-case-returned-body = 您的留言 { $number } 已改交{ $office }办理，答复期限不变。
author-case-paused-title = 请补充留言 { $number } 的信息
author-case-paused-body = { $office }需要您补充留言 { $number } 的信息，询问内容见该留言页面，其间暂停计时。
author-case-resumed-title = 留言 { $number } 恢复计时
author-case-resumed-body = 您的留言 { $number } 已恢复办理，答复期限为{ $deadline }。
author-case-extended-title = 留言 { $number } 答复期限已延长
author-case-extended-body = { $office }延长了留言 { $number } 的办理期限，答复期限为{ $deadline }。
author-reply-corrected-title = 留言 { $number } 的答复已更正
author-reply-corrected-body = { $office }更正了对您留言 { $number } 的答复。
author-case-reopened-title = 留言 { $number } 已重新办理
author-case-reopened-body = { $office }已重新办理您的留言 { $number }。
author-deadline-missed-title = 留言 { $number } 已逾期
author-deadline-missed-body = 您的留言 { $number } 已过答复期限，{ $office }尚未答复。
office-case-returned-title = 退回改交留言 { $number }
office-case-returned-body = 留言 { $number } 经退回后交{ $office }，请受理或裁定办理单位。
office-case-resumed-title = 留言 { $number } 恢复计时
office-case-resumed-body = 留言 { $number } 等待补充信息已结束，请于{ $deadline }前答复。
office-follow-up-asked-title = 留言 { $number } 有追问
office-follow-up-asked-body = 留言 { $number } 的留言人提出追问，请再次答复。
office-case-reopened-title = 留言 { $number } 已重新办理
office-case-reopened-body = 留言 { $number } 由{ $office }重新办理。
office-case-supervised-title = 留言 { $number } 已列入督办
office-case-supervised-body = { $office }办理的留言 { $number } 已列入督办。
office-helper-invited-title = 请协助办理留言 { $number }
office-helper-invited-body = 留言 { $number } 请{ $office }协助办理。
office-case-escalated-title = 留言 { $number } 逾期未答复
office-case-escalated-body = 留言 { $number } 已逾期多日仍未答复，请{ $office }督促办理。
office-deadline-neared-title = 留言 { $number } 即将到期
office-deadline-neared-body = 留言 { $number } 须于{ $deadline }前答复。
office-deadline-missed-title = 留言 { $number } 已逾期
office-deadline-missed-body = 留言 { $number } 应于{ $deadline }前答复，现已逾期。
author-promise-kept-title = 留言 { $number } 的承诺已兑现
author-promise-kept-body = { $office }表示已兑现对留言 { $number } 的承诺。
author-promise-broken-title = 留言 { $number } 的承诺未按期兑现
author-promise-broken-body = { $office }未按期兑现对留言 { $number } 的承诺，该办件已重新办理。
office-promise-broken-title = 留言 { $number } 的承诺未按期兑现
office-promise-broken-body = { $office }对留言 { $number } 的承诺已到期未兑现，该办件已重新办理。
author-result-told-title = 您的留言 { $number } 所参与的征集已公布结果
author-result-told-body = { $office }已公布征集结果。{ $uptake ->
    [taken] 您在留言 { $number } 中提出的建议已被采纳。
    [partly] 您在留言 { $number } 中提出的建议已被部分采纳。
    [not] 您在留言 { $number } 中提出的建议未被采纳，理由见征集结果。
   *[other] 结果中没有专门提到留言 { $number }，您可以查看采纳了哪些建议。
    }详情可在您的留言页面查看。
endpoint-disabled-title = 一个通知地址已停用
endpoint-disabled-body = 您的一个通知地址连续多日无法送达，已停用。请检查后重新登记。

# 邮件。
mail-greeting = 您好：
mail-look = 打开页面
mail-why = 您收到此邮件，是因为您选择了接收留言进展通知。您可以在个人页面更改。
verify-title = 请确认您的通知地址
verify-body = 有人（可能是您）希望在此地址接收留言进展通知。请点击链接或输入验证码 { $code } 确认，一天内有效。如非本人操作，无需理会。
verify-look = 确认此地址
verify-why = 因有人在留言板填写了此地址，特发送本邮件，仅此一次。

# 字段规则：哪里不对，怎样修改。
uuid-malformed = 此处应为 UUID，例如 0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80。
field-required = 此项必填，请填写。
value-unknown = 没有这个取值，请从列出的取值中选择。
too-many-entries = 数量过多，一次最多 { $max } 个。
page-size-negative = 每页条数不能为负数。
page-token-invalid = 此翻页标记属于另一个列表，请从第一页开始。
channel-not-for-you = 个人通过邮件接收通知，机构通过 webhook 接收，请选择相应方式。
email-malformed = 这不是邮箱地址，正确的例子：name@example.org。
url-malformed = 此处应为网址，例如 https://hooks.example.org/liuyan，不能带密码和片段。
url-insecure = 只调用 https 地址，请使用 https 网址。
url-internal = 这是内部网络地址，无法调用，请使用外部可以访问的地址。
division-malformed = 这不是行政区划代码，应为六位数字。
divisions-not-for-you = 只有机构可以选择行政区划，此项请留空。

# 整个请求的结果。
fields-invalid = 请求未执行，请按所列各项修改后重新提交。
nobody-to-tell = 此凭证没有可以通知的对象，请先登录。
not-the-author = 此凭证不属于这条留言，请重新查询留言。
account-gone = 此账号已注销。
endpoint-not-found = 没有这个通知地址，或不属于您。
endpoint-exists = 您已登记过这个地址。
too-many-endpoints = 您已有 { $most } 个通知地址，请先删除一个。
too-many-registrations = 近期登记的地址过多，请明天再试。
verification-failed = 验证码不正确或已过期，请重新登记地址。
delivery-not-found = 没有这次投递，或不属于您。
delivery-not-given-up = 这次投递没有被放弃：已经送达，或仍在尝试。
endpoint-not-active = 这次投递的地址已不再使用。
request-id-reused = 此请求编号已用于其他请求，请换一个新的编号。
peer-away = 留言板的一部分暂时不可用，请稍后再试。
database-unavailable = 服务暂时不可用，请用同一请求编号稍后再试。
