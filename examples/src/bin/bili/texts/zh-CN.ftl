# 命令对人说的话，中文。键和占位符与 en.ftl 相同。

## 失败及其处理办法。
not-arrived = 服务端收下了消息，但会话里没有出现
not-verified = 服务端收下了消息，但无法回读会话来确认
interrupted = 登录确认之前就已中断，什么也没有保存
output-unwritable = 无法写出结果：{ $error }
nobody-reads = 没有人读取输出
with-hint = { $message } - { $hint }
hint-usage = 用法见 `bili help` 或 `bili COMMAND --help`
hint-timeout = 请重试，或用 --timeout 放宽时限
hint-paused = 暂停结束之后再试
hint-login-lost = 请用 `bili login` 登录，或在浏览器里登录后使用其 Cookie（BILI_SESSDATA 或 --cookie-file）
hint-csrf = BILI_JCT 要和 BILI_SESSDATA 取自同一次登录
hint-risk-control = 请等几分钟再试
hint-throttled = 请至少等半分钟再试
hint-server = 请稍后再试
hint-transport = 请检查网络、--proxy 和 --origin
hint-conversation-gone = 现有的会话见 `bili sessions`
hint-one-message = 请等对方回复或关注你：现在再发也没有用
hint-no-bili-jct = 请同时设置 BILI_JCT 和 BILI_SESSDATA，或在 Cookie 文件里写上同一次登录的 bili_jct=…
interval-too-short = { $error }；更短的间隔只能用于 --origin 和内置的模拟服务器
foreign-checkpoint = { $error }：每个账号要用各自的检查点文件

## 文件。
about-file = { $path }：{ $why }
file-unwritable = 无法写入 { $path }：{ $error }
file-unlockable = 无法锁定 { $path }：{ $error }
file-unremovable = 无法删除 { $path }：{ $error }

## 登录凭据和服务器。
demo-asked = 按你的要求，由内置的模拟服务器应答
demo-no-credential = 没有登录凭据，所以由内置的模拟服务器应答；要用自己的账号，请用 `bili login` 登录，或设置 BILI_SESSDATA 和 BILI_JCT，或给出 --cookie-file
demo-failed = 内置的模拟服务器：{ $error }
origin-needs-credential = 使用 --origin 需要登录凭据：请设置 BILI_SESSDATA 和 BILI_JCT，或给出 --cookie-file，或用 `bili login` 登录
origin-unusable = 这个 --origin 无法使用
no-credential = 没有登录凭据
uid-of-another = BILI_UID 是 { $given }，但登录 { $account } 属于 { $uid }
proxy-not-http = 只支持 HTTP 代理：请写成 http://host:port
proxy-unusable = 代理的地址无法使用：请写成 http://host:port
proxy-elsewhere = http:// 的 --origin 在本机，代理却不在：登录信息会在网络上明文传输；请去掉 --proxy，或用 127.0.0.0/8、[::1] 里的地址指定代理
cookie-file = Cookie 文件 { $path }：{ $why }
cookie-file-too-large = 太大，不可能是 Cookie 文件
cookie-file-open = Cookie 文件 { $path } 可被他人读写（权限 { $mode }），而里面有登录信息：请运行 `chmod 600 { $path }`

## 命令行参数。
not-seconds = 不是秒数
not-above-zero = 必须大于 0
not-a-uid = 不是用户或群的号码
not-a-setting = 要写成“名称=数字”
not-an-account-name = 只能用字母、数字和 . _ - @，且不能以点开头

## 登录。
bad-bili-account = BILI_ACCOUNT 不是有效的账号名：只能用字母、数字和 . _ - @，且不能以点开头
several-logins = 保存了多个登录而没有默认的：请用 --account 指定，或用 `bili accounts --default NAME` 选定
login-of-elsewhere = 登录 { $account } 来自 { $origin }，只能用于那里，而这条命令要访问 { $asked }：请照原样给出 --origin，或用 --account 指定别的登录，或重新登录
confirmation-owed = 续期后的登录还没有向服务端确认，下次会再试：{ $error }
login-unknown = 没有名为 { $name } 的登录：`bili accounts` 列出已有的，`bili login --account { $name }` 新建一个
login-unlisted = 没有名为 { $name } 的登录：已有的见 `bili accounts`
no-login = 还没有保存登录：请用 `bili login` 登录
no-random-numbers = 系统无法提供随机数：{ $error }
no-folder-for-logins = 没有可以存放登录的目录：请设置 BILI_HOME 或 HOME
folder-of-logins = 存放登录的目录 { $folder }：{ $error }
stored-login = 保存的登录 { $path }：{ $why }
stored-login-damaged = 保存的登录 { $path } 已损坏：用 `bili login --account { $account }` 重新登录即可替换
stored-login-version = 保存的登录 { $path } 是由本程序的另一个版本写的
stored-login-too-large = 太大，不可能是登录文件
stored-login-open = 可被他人读写（权限 { $mode }），而里面有登录信息：请对它运行 `chmod 600`
account-line = { $mark } { $account }  { $uid }  { $name }  登录于 { $time }，来自 { $origin }
login-of-demo = 内置的模拟服务器随这条命令结束，登录它没有用处：请用 `bili simulate` 启动一个
login-nameless = 登录已保存，但不知道账号的名字：{ $error }
login-scan = 请在 { $seconds } 秒内用手机上的哔哩哔哩客户端扫码
login-scanned = 已扫码：请在手机上确认
login-done = { $bold }已登录{ $plain }：{ $uid }  { $name }，保存为 { $account }
logged-out = { $account } 已退出登录
login-renewed = { $account } 已续期
login-not-due = { $account } 还不需要续期

## 列表和会话。
items-unreadable = 有 { $count } 条无法读取，已略过
list-incomplete = 列表可能不全：服务端说还有更多会话，但没有哪一页能读到
not-a-session-type = --type 只能是 1、2、3、4、5、7、8、9 之一
unread = 未读 { $count }
mark-pinned = [置顶]
mark-muted = [免打扰]
mark-intercepted = [已拦截]
likes-and-more = { $first } 和另外 { $others } 人
progress-messages = { $spinner } { $done } 条消息，{ $elapsed }
progress-conversations = { $bar } { $done } / { $all } 个会话，{ $elapsed }
conversation-of-unknown-type = { $conversation } 保持原样：不认识这种类型
conversation-not-marked = { $conversation } 没有标为已读：{ $error }
conversation-read = { $conversation } 已读到第 { $seqno } 条
conversation-pinned = { $conversation } 已置顶
conversation-unpinned = { $conversation } 已取消置顶
conversation-muted = { $conversation } 已设为免打扰
conversation-unmuted = { $conversation } 已取消免打扰
conversation-removed = { $conversation } 已从列表中移除
yes = 是
no = 否
setting-refused = --set { $name }={ $number }：{ $error }

## 发送消息。
nothing-to-send = 没有要发送的内容
sent = 已发送，消息的 key 是 { $key }
taken-back = 已撤回 { $key }
sent-and-arrived = 已发送并确认出现在会话里，消息的 key 是 { $key }
not-of-a-picture = 不是文件，或大小不可能是图片

## 监听。
reply-needs-text = --reply 需要一段文字
replied-to = 已回复 { $conversation }
metrics-at = 指标：{ $address }
metrics-unservable = --metrics：无法使用 127.0.0.1 的端口 { $port }：{ $error }；写 0 会选一个空闲的
checkpoint = 检查点 { $path }：{ $why }
checkpoint-no-file = 不是文件
checkpoint-not-regular = 不是普通文件
checkpoint-too-large = 太大，不可能是检查点
checkpoint-not-plain = { $path } 是链接、管道或设备，不是文件：请删除它
checkpoint-unlockable = 无法锁定：{ $error }
checkpoint-in-use = 另一个进程正在更新它；每个 watch 要用各自的文件
checkpoint-unusable = { $error }；文件保持原样：要重新开始，请删除它
checkpoint-nothing-before = 没有可以追加的内容
checkpoint-changed = 文件被别的程序改过
checkpoint-panicked = 写检查点时程序内部出错
checkpoint-unwritable = 无法写入检查点 { $path }：{ $why }
checkpoint-unwritable-kept = 无法写入检查点 { $path }：{ $why }；之前的仍在

## 监听的统计。
stats = 统计
stats-rounds = 轮数
stats-requests = 轮询请求
stats-calls = 其他调用
stats-messages = 消息
stats-notifications = 通知
stats-warnings = 警告
stats-pauses = 暂停
stats-delay = 延迟
stats-of-pauses = { $count } 次，共 { $seconds } 秒
stats-of-outcomes = { $total }（{ $failures }）
stats-failure = { $outcome } { $count }
outcome-refused = 被拒绝
outcome-throttled = 过于频繁
outcome-risk-control = 风控
outcome-fault = 服务端故障
outcome-unanswered = 无应答
stats-of-delays = 一半{ $half }，99% { $most }
stats-no-delay = 还没有消息
delay-within = 在 { $seconds } 秒之内
delay-later = 更久

## 模拟服务器。
port-unservable = 无法使用 127.0.0.1 的端口 { $port }：{ $error }；--port 0 会选一个空闲的

## doctor。它的结果用于报告，保持英文。
doctor-asks = 将用你的登录询问服务端，最多 { $most } 次{ $pace }：谁登录了；各类型的会话列表；最多三个会话里的消息；有多少未读。不发送、不标记已读，也不会打印任何人的号码、名字或文字
doctor-pace = ，每次至少间隔 { $seconds } 秒，服务端应答及时的话不超过一分半钟
doctor-left = 最多还剩 { $left } 次：{ $question }
doctor-asked = 共发出 { $count } 次请求
doctor-list-of-all = 全部会话的列表{ $bounds }
doctor-list-of-type = 类型 { $number } 的会话列表{ $bounds }
doctor-list-of-changes = 有变化的会话的列表{ $bounds }
doctor-messages = 一个会话的消息{ $bounds }
doctor-unread = 未读消息数
doctor-after = （其中一个之后）
doctor-before = （其中一个之前）
doctor-between = （其中两个之间）
doctor-expected = （预期：{ $expected }）{ $evidence }
habits-disregarded = 忽略 { $path }：{ $error }；`bili doctor` 会重新写它
habits-not-kept = 查到的结果没有留给 watch 用：请设置 BILI_HOME 或 HOME
habits-kept = 这个登录的 `bili watch --checkpoint` 会使用 { $path } 里的结果
