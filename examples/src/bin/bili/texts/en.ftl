# What the command says to people, in English. The same keys and placeholders as zh-CN.ftl.

## What is said of a failure, and what to do about it.
not-arrived = the service took the message, but the conversation does not show it
not-verified = the service took the message, but the conversation could not be read back
interrupted = ended before the login was confirmed, nothing is stored
output-unwritable = the output cannot be written: { $error }
nobody-reads = nobody reads the output
with-hint = { $message } - { $hint }
hint-usage = see `bili help`, or `bili COMMAND --help`
hint-timeout = try again, or allow more time with --timeout
hint-paused = ask again when that is over
hint-login-lost = log in with `bili login`, or with a browser and take the cookies of that login (BILI_SESSDATA or --cookie-file)
hint-csrf = take BILI_JCT from the same login as BILI_SESSDATA
hint-risk-control = wait some minutes before you ask again
hint-throttled = wait half a minute or more before you ask again
hint-server = try again later
hint-transport = check the network, --proxy and --origin
hint-conversation-gone = `bili sessions` lists the conversations there are
hint-one-message = wait until they write to you or follow you: sending again does not help
hint-no-bili-jct = set BILI_JCT beside BILI_SESSDATA, or put bili_jct=… of the same login into the cookie file
interval-too-short = { $error }; shorter ones are for --origin and the embedded simulator
foreign-checkpoint = { $error }: give each account a checkpoint file of its own

## Files.
about-file = { $path }: { $why }
file-unwritable = { $path } cannot be written: { $error }
file-unlockable = { $path } cannot be locked: { $error }
file-unremovable = { $path } cannot be removed: { $error }

## The credential and the server.
demo-asked = as you asked, the embedded simulator answers
demo-no-credential = no credential, so the embedded simulator answers; for your own account log in with `bili login`, set BILI_SESSDATA and BILI_JCT, or give --cookie-file
demo-failed = the embedded simulator: { $error }
origin-needs-credential = an origin needs a credential: set BILI_SESSDATA and BILI_JCT, give --cookie-file, or log in with `bili login`
origin-unusable = the origin cannot be used
no-credential = there is no credential
uid-of-another = BILI_UID is { $given }, but the login { $account } is one of { $uid }
proxy-not-http = the proxy is not one of HTTP: give http://host:port
proxy-unusable = the proxy's address cannot be used: give http://host:port
proxy-elsewhere = an http:// origin is on this machine, but the proxy is not: the login would cross the network in the clear; leave out --proxy, or name the proxy by its address in 127.0.0.0/8 or [::1]
cookie-file = the cookie file { $path }: { $why }
cookie-file-too-large = it is too large to hold cookies
cookie-file-open = the cookie file { $path } can be read or changed by others (mode { $mode }), and it holds a login: run `chmod 600 { $path }`

## The command line, where it is read here.
not-seconds = not a number of seconds
not-above-zero = must be more than 0
not-a-uid = not the number of a user or a group
not-a-setting = not a name, =, and a number
not-an-account-name = letters, digits and . _ - @, no dot first

## Logins.
bad-bili-account = BILI_ACCOUNT is no name of an account: letters, digits and . _ - @, no dot first
several-logins = several logins are stored and none is the default: name one with --account, or choose with `bili accounts --default NAME`
login-of-elsewhere = the login { $account } came from { $origin }, and is used with nothing else, but this command asks { $asked }: give --origin as it was, name another login with --account, or log in anew
confirmation-owed = the confirmation of the renewed login is still owed, it is repeated the next time: { $error }
login-unknown = no login is stored under the name { $name }: `bili accounts` lists them, `bili login --account { $name }` makes one
login-unlisted = no login is stored under the name { $name }: `bili accounts` lists them
no-login = no login is stored: `bili login` makes one
no-random-numbers = the system gives no random numbers: { $error }
no-folder-for-logins = there is no folder for logins: set BILI_HOME or HOME
folder-of-logins = the folder of logins { $folder }: { $error }
stored-login = the stored login { $path }: { $why }
stored-login-damaged = the stored login { $path } is damaged: `bili login --account { $account }` replaces it
stored-login-version = the stored login { $path } was written by another version of this program
stored-login-too-large = it is too large to be one
stored-login-open = it can be read or changed by others (mode { $mode }), and it holds a login: run `chmod 600` on it
account-line = { $mark } { $account }  { $uid }  { $name }  since { $time }, of { $origin }
login-of-demo = the embedded simulator ends with this command, so a login of it is of no use: `bili simulate` serves one
login-nameless = the login is stored, but the name of the account is not known: { $error }
login-scan = scan it with the Bilibili app on your phone, within { $seconds } s
login-scanned = scanned: confirm it on the phone
login-done = { $bold }logged in{ $plain }: { $uid }  { $name }, stored as { $account }
logged-out = { $account } is logged out
login-renewed = { $account } is renewed
login-not-due = { $account } need not be renewed yet

## Lists and conversations.
items-unreadable = { $count } items could not be read and are left out
list-incomplete = the list may lack some conversations: the service said that there are more, and no page led to them
not-a-session-type = --type is one of 1, 2, 3, 4, 5, 7, 8 and 9
unread = { $count } new
mark-pinned = [pinned]
mark-muted = [muted]
mark-intercepted = [intercepted]
likes-and-more = { $first } and { $others } more
progress-messages = { $spinner } { $done } messages, { $elapsed }
progress-conversations = { $bar } { $done } of { $all } conversations, { $elapsed }
conversation-of-unknown-type = { $conversation } is left as it is: nobody knows that type
conversation-not-marked = { $conversation } is not marked: { $error }
conversation-read = { $conversation } is read up to { $seqno }
conversation-pinned = { $conversation } is pinned
conversation-unpinned = { $conversation } is no longer pinned
conversation-muted = { $conversation } is muted
conversation-unmuted = { $conversation } is no longer muted
conversation-removed = { $conversation } is removed from the list
yes = yes
no = no
setting-refused = --set { $name }={ $number }: { $error }

## Messages that are sent.
nothing-to-send = there is nothing to send
sent = sent, with the key { $key }
taken-back = { $key } is taken back
sent-and-arrived = sent and arrived, with the key { $key }
not-of-a-picture = not a file of a size that can be a picture

## A watch.
reply-needs-text = --reply needs a text
replied-to = replied to { $conversation }
metrics-at = metrics: { $address }
metrics-unservable = --metrics: port { $port } of 127.0.0.1 cannot be served: { $error }; 0 takes a free one
checkpoint = the checkpoint { $path }: { $why }
checkpoint-no-file = not a file
checkpoint-not-regular = not a regular file
checkpoint-too-large = too large for a checkpoint
checkpoint-not-plain = { $path } is a link, a pipe or a device, not a file: remove it
checkpoint-unlockable = it cannot be locked: { $error }
checkpoint-in-use = another process keeps it up to date; give each watch a file of its own
checkpoint-unusable = { $error }; it stays as it is: to begin anew, remove it
checkpoint-nothing-before = there is nothing to append to
checkpoint-changed = somebody else has changed it
checkpoint-panicked = the writing of the checkpoint panicked
checkpoint-unwritable = the checkpoint { $path } cannot be written: { $why }
checkpoint-unwritable-kept = the checkpoint { $path } cannot be written: { $why }; the one before it is still there

## What a watch has counted.
stats = counted
stats-rounds = rounds
stats-requests = requests
stats-calls = calls
stats-messages = messages
stats-notifications = notified
stats-warnings = warnings
stats-pauses = pauses
stats-delay = delay
stats-of-pauses = { $count }, { $seconds } s together
stats-of-outcomes = { $total } ({ $failures })
stats-failure = { $count } { $outcome }
outcome-refused = refused
outcome-throttled = throttled
outcome-risk-control = risk_control
outcome-fault = fault
outcome-unanswered = unanswered
stats-of-delays = half { $half }, 99 % { $most }
stats-no-delay = no message yet
delay-within = within { $seconds } s
delay-later = later

## The simulator.
port-unservable = port { $port } of 127.0.0.1 cannot be served: { $error }; --port 0 takes a free one

## The doctor. Its findings are for a report, and English.
doctor-asks = this asks the service with your login, at most { $most } times{ $pace }: who is logged in; lists of your conversations, of each type; messages of up to three conversations; how much is unread. It sends nothing, marks nothing as read, and prints no number, name or text of anybody
doctor-pace = , at least { $seconds } s apart, so in a minute and a half or less where the service answers at once
doctor-left = at most { $left } left: { $question }
doctor-asked = { $count } requests were made
doctor-list-of-all = the list of all conversations{ $bounds }
doctor-list-of-type = the list of type { $number }{ $bounds }
doctor-list-of-changes = the list of changed conversations{ $bounds }
doctor-messages = messages of a conversation{ $bounds }
doctor-unread = counts of unread messages
doctor-after = {" "}after one of them
doctor-before = {" "}before one of them
doctor-between = {" "}between two of them
doctor-expected = (expected: { $expected }) { $evidence }
habits-disregarded = { $path } is disregarded: { $error }; `bili doctor` writes it anew
habits-not-kept = what was found out is not kept for the watch: set BILI_HOME or HOME
habits-kept = `bili watch --checkpoint` of this login uses what is in { $path }
