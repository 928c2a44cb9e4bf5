# 库说的话（英文写在库里），中文。

## 错误码的含义：键是 code- 和错误码。
code-0 = 风控要求验证
code--101 = 未登录：SESSDATA 不对或已过期
code--111 = CSRF 校验失败：bili_jct 与这个 SESSDATA 不配套
code-2202 = CSRF 校验失败：bili_jct 与这个 SESSDATA 不配套
code-86095 = refresh token 与这个登录不配套：登录已在别处续期
code--400 = 请求错误
code--403 = 签名被拒绝
code--352 = 被风控拒绝：请停几分钟再请求
code--412 = 被风控拒绝：请停几分钟再请求
code--509 = 请求过于频繁
code--799 = 请求过于频繁
code--500 = 服务器出错
code--503 = 服务器出错
code--3 = 服务器出错
code-2 = 参数不合法
code-10005 = 没有可以用这个 key 撤回的消息
code-21007 = 文字太长
code-21015 = 账号没有绑定手机号
code-21020 = 发送过于频繁
code-21026 = 不能给自己发消息
code-21028 = 这个账号的发送功能已关闭
code-21035 = 现在不允许发送这种消息
code-21037 = 不是本站的图片
code-21041 = 已超过 120 秒，不能再撤回
code-21042 = 已经撤回
code-21046 = 发送过于频繁：请等 24 小时
code-21047 = 对方回复或关注之前，只能发一条消息
code-25003 = 对方的隐私设置不允许
code-25005 = 你已把对方拉黑
code-700009 = 没有权限；例如自动回复需要 1,000 个粉丝
code-700013 = 群已解散
code-700014 = 已不是群成员
code-1000004 = 从来没有和对方聊过
code-1900004 = 屏蔽词太长：最多 20 个字
code-1900005 = 屏蔽词已有 200 个：请先删除一个
code-1900006 = 这个词已经屏蔽
code-1900007 = 屏蔽词不能含空格：请逐个添加

## 调用出错。
api = 错误码 { $code }：{ $meaning }
api-with-message = 错误码 { $code }：{ $meaning }（{ $message }）
picture-refused = 服务端拒绝了这个文件，错误码 { $code }：{ $message }
unreadable = 应答无法读取：{ $message }
unreadable-at = 应答的 { $path } 处无法读取：{ $message }
paused = 没有发送：会话还要暂停 { $remaining }（{ $reason }）
paused-risk-control = 风控
paused-signature = 签名被拒绝
paused-throttled = 请求或发送过于频繁
unknown-outcome = 不知道消息是否已发出，再发之前请先看看会话：{ $error }
within-handler = 处理函数不能等待自己的会话，会话正在等它：请在另外的线程或任务里读取
transport = { $kind }：{ $message }

## 没有发出的请求。
missing-bili-jct = 这个调用需要 bili_jct：请把这个 Cookie 加到登录凭据里
empty-text = 不能发送空文字
content-too-long = 内容长 { $length } 字节，服务端最多接受 { $limit } 字节
to-oneself = 不能给自己发消息
too-late-to-withdraw = 消息已发出 { $age } 秒，只能在 { $limit } 秒之内撤回
foreign-picture = 只能发送本站的图片，不能用 { $host } 上的：请先上传
not-a-picture = 不是 png、jpeg、gif 或 webp 图片：{ $reason }
unknown-receiver = 不能向类型为 { $kind } 的会话发送：只能是用户（1）或群（2）
parameter = { $name } 必须满足：{ $rule }
uid-mismatch = 登录凭据写的是 uid { $given }，但这是 uid { $actual } 的登录
foreign-checkpoint = 检查点属于 uid { $checkpoint }，但这是 uid { $actual } 的登录
origin = 地址 { $origin } 无法使用：{ $reason }
not-sendable = { $what }不能放进请求里

## 登录、登录凭据、检查点、设置。
login-expired = 二维码没有及时扫码并确认：请重新开始
login-missing-cookies = 服务端没有随这次登录给出 { $names }：Set-Cookie 和应答的地址里都没有
login-unusable-cookies = 这次登录的 Cookie 无法使用：{ $error }
login-no-refresh-token = 这个登录没有 refresh token，无法续期：请重新登录
login-other-account = 续期后的登录属于 uid { $actual }，而不是 uid { $expected }
login-not-stored = 续期后的登录没有保存：{ $reason }
login-over = 结果已经取走
credential-missing-sessdata = 缺少 SESSDATA：请用浏览器登录，从那里取这个 Cookie
credential-bad-character = { $name } 里有 Cookie 不能含有的字符（换行、NUL、空格、';'，或非 ASCII 字符）
credential-bad-uid = DedeUserID 不是大于 0 的数字
credential-unknown-form = 既不是 Cookie 请求头，也不是 cookies.txt 或浏览器导出的 JSON：{ $reason }
checkpoint-damaged = 已损坏：{ $reason }
checkpoint-foreign = 不是本库的检查点
checkpoint-newer = 是本库的更新版本写的（格式 { $found }）
interval-too-short = 间隔小于 3 秒曾导致账号被冻结：对真正的服务不会快于每 3 秒一次
out-of-range = { $name } 必须满足：{ $rule }
checkpoint-of-another = 检查点属于 uid { $checkpoint }，登录凭据属于 uid { $credential }
not-a-feed = 没有 { $name } 这种通知；可用的有 replies、at、likes、system
setting-name = 没有这个设置；可用的有 { $names }
setting-number = { $name } 只能是 0（关）或 1（开）
environment-not-text = 环境变量 { $name } 不是 UTF-8 文本：请重新设置，或取消设置
environment-not-the-value = 环境变量 { $variable } 只写值，去掉前面的 { $cookie }=
environment-credential = 环境变量里的登录凭据：{ $error }

## 文件和网络：键是 io- 和错误的种类。
io-not-found = 不存在
io-permission-denied = 没有权限
io-already-exists = 已经存在
io-is-a-directory = 是目录
io-not-a-directory = 不是目录
io-storage-full = 磁盘已满
io-read-only-filesystem = 文件系统只读
io-addr-in-use = 地址已被占用
io-invalid-data = 内容不是 UTF-8 文本
io-broken-pipe = 没有人读取

## 状态：键是 status- 和状态。
status-init = 启动中
status-connected = 已连接
status-closing = 正在关闭
status-closed = 已关闭
status-error = 出错
of-reason = ：{ $reason }

## 警告。
seconds = { $seconds } 秒
retry = 失败，{ $delay }后重试：{ $error }
retry-of-conversation = { $conversation } 失败，{ $delay }后重试：{ $error }
throttled = 请求过于频繁，暂停 { $delay }：{ $error }
risk-control = 遇到风控，暂停 { $delay }：{ $error }
list-incomplete = 会话列表没有读全，其余部分 { $delay }后重试：{ $error }
sends-paused = { $delay }之内什么也不发送：{ $error }
gap = { $conversation }：服务端没有给出第 { $from } 到 { $to } 条之间的消息
conversation-failed = { $conversation } 已结束：{ $error }
conversation-failed-held = { $conversation } 已结束：{ $error }；其中 { $held } 条消息已在这里，再问两次仍是如此就交出来
undecodable = { $conversation }：有一条无法读取：{ $reason }
undecodable-entry = 列表里有一条无法读取：{ $reason }
reply-failed = 没有回复 { $conversation }：{ $error }
reply-unknown = 不知道给 { $conversation } 的回复是否已发出：{ $error }
push-connected = 推送通道已连接
push-lost = 推送通道断开，这段时间消息随平时的轮询到达：{ $reason }
login-failed = 登录没有续期：{ $reason }
handler-failed = 处理 { $conversation } 的一条消息时，处理函数出错：{ $reason }
feed-handler-failed = 处理{ $feed }的一条通知时，处理函数出错：{ $reason }
feed-retry = { $feed }失败，{ $delay }后重试：{ $error }
feeds-paused = { $feed }被拒绝，{ $delay }之内不读取通知：{ $error }
undecodable-notification = { $feed }：有一条通知无法读取：{ $reason }

## 通知的种类：键是 feed- 和种类。
feed-replies = 回复
feed-at = 提到
feed-likes = 点赞
feed-system = 系统通知
feed-counters = 未读通知数的请求

## 会话和它们的名字。
user = 用户 { $number }
group = 群 { $number }
conversation = 会话 { $number }（类型 { $kind }）
named = { $name } ({ $number })

## 消息的一行。
line = { $who }：{ $saying }
to = 发给 { $conversation }
of-system = { $conversation }，系统
in-group = { $conversation }，{ $sender }
took-back = 撤回了：{ $saying }
took-back-key = 撤回了消息 { $key }
unknown-type = [未知类型 { $number }] { $raw }
cannot-be-read = [{ $kind }，无法读取：{ $reason }] { $raw }

## 通知的一行。
reply = { $who } 回复：{ $saying }
mention = { $who } 提到你：{ $saying }
likes = { $counts } 个赞：{ $what }
likes-new = { $counts } 个赞（新增 { $new } 个）：{ $what }
likes-from = { $likes }，来自 { $who }
system-notice = 系统通知：{ $title }：{ $text }
of-what = { $saying } [{ $title }]

## 消息的类型：键是 type- 和类型的名字。
type-text = 文字
type-picture = 图片
type-audio = 语音
type-old-share = 分享
type-withdraw = 撤回
type-groups-picture = 表情或群图片
type-share-video = 视频分享
type-system-cancel = 系统撤回
type-mini-program = 小程序
type-notice = 通知
type-pushed-video = 推送视频
type-pushed-article = 推送专栏
type-picture-card = 图片卡片
type-share-other = 分享
type-text-share = 文字分享
type-works-card = 作品卡片
type-tip = 提示
type-ai = AI
type-mini-program-card = 小程序卡片
type-article-card = 专栏卡片
type-live-card = 直播卡片
type-business = 业务消息
type-system = 系统消息
type-ai-message = AI 消息
type-group-joined = 入群
type-group-left = 退群
type-group-frozen = 群被冻结
type-group-dissolved = 群已解散
type-group-opened = 建群
type-welcome = 欢迎
type-unknown = 未知

## 命令行写错的地方，平时由 clap 来说：键是 clap- 和错误的种类。
clap-unknown-argument = 不认识参数 { $argument }
clap-invalid-subcommand = 没有 { $argument } 这个命令
clap-similar = { $message }，是不是 { $similar }？
clap-invalid-value = { $argument } 的值“{ $value }”不对
clap-invalid-value-because = { $argument } 的值“{ $value }”不对：{ $reason }
clap-possible = { $message }，可用的有 { $values }
clap-value-missing = { $argument } 需要一个值
clap-missing = 缺少 { $argument }
clap-missing-subcommand = 缺少命令
clap-conflict = { $argument } 不能和 { $other } 一起用
clap-too-many = { $argument } 不能给出多次

## 库里不变的短语：键是 says- 和英文，字母数字以外的都写成一个连字符。
says-it-is-not-a-url = 不是 URL
says-a-user-or-a-password-does-not-belong-there = 不应含用户名或密码
says-a-query-or-a-fragment-does-not-belong-there = 不应含查询参数或片段
says-http-is-taken-for-loopback-only-use-https = http 只能用于本机，请用 https
says-it-begins-neither-with-https-nor-http = 要以 https:// 或 http:// 开头
says-not-shown-a-secret-may-stand-in-it = （不显示，其中可能有秘密）
says-no-name-value-in-it = 里面没有“名称=值”
says-not-json = 不是 JSON
says-json-but-no-list-of-cookies = 是 JSON，但不是 Cookie 列表
says-the-file-is-empty = 文件是空的
says-its-first-bytes-are-of-none-of-these = 文件开头不属于这些格式
says-its-head-is-cut-off-or-damaged = 文件头不完整或已损坏
says-its-head-gives-it-no-size = 文件头没有给出尺寸
says-the-address = 地址
says-the-user-agent = User-Agent
says-a-cookie = Cookie
says-the-key-of-the-site = 网站的密钥
says-at-most-20-characters-long = 最多 20 个字
says-1-to-100 = 1 到 100
says-1-to-2000 = 1 到 2000
says-one-or-more = 至少一个
says-no-connection = 无法连接
says-the-server-s-certificate-was-not-accepted = 服务器的证书不被接受
says-timed-out = 超时
says-the-answer-is-too-large = 应答太大
says-the-exchange-was-cut-off = 连接中断
says-the-exchange-failed = 通信失败
says-no-whole-answer-in-time = 没有及时得到完整的应答
says-the-server-says-that-there-is-more-but-its-page-brought-nothing-new = 服务端说还有更多，但这一页没有新内容
says-a-page-came-but-none-was-asked-for = 收到了没有请求过的一页
says-the-server-ended-the-connection = 服务器关闭了连接
says-the-server-sent-this-connection-away = 服务器断开了这个连接
says-the-server-does-not-answer = 服务器没有应答
says-the-server-has-fallen-silent = 服务器不再有动静
says-what-the-server-sends-cannot-be-read = 服务器发来的内容无法读取
says-no-reason-is-known = 原因不明
says-still-under-way-when-the-watch-ended = 监听结束时还在发送
says-sending-panicked = 发送时程序内部出错
