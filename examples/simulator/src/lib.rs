//! A model of the Bilibili message server: write a bot, and test it with no account and no network.
//!
//! The model is pure: [`Simulator::handle`] takes a request and the time, and says what comes of it. It keeps accounts,
//! conversations, messages and signing keys; it checks cookies, tokens, signatures and limits; and on demand it fails
//! in each way that a server and a network can ([`Fault`]), or behaves in each way that nobody outside knows
//! ([`Quirks`]). The same requests at the same times give the same answers.
//!
//! ```
//! use bilibili_session_simulator::{Answer, NewMessage, Simulator};
//!
//! let mut simulator = Simulator::default();
//! let now_us = 1_700_000_000_000_000;
//! simulator.receive(now_us, NewMessage::text(20001, "你好"))?;
//!
//! let request = http::Request::get("https://api.vc.bilibili.com/session_svr/v1/session_svr/get_sessions?session_type=4")
//!     .header("cookie", format!("SESSDATA={}", simulator.login().sessdata))
//!     .body(Vec::new())?;
//! let Answer::Respond(response) = simulator.handle(now_us, &request) else { panic!("no fault was asked for") };
//! let body: serde_json::Value = serde_json::from_slice(response.body())?;
//! assert_eq!(body["data"]["session_list"][0]["talker_id"], 20001);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A bot with its handlers as they are is tested in virtual time: see [`VirtualBot`].
//!
//! Hosts are not looked at, only paths. With the feature `server` (on by default) [`server::Server`] puts a simulator on
//! 127.0.0.1, for clients in any language.
//!
//! # Control requests
//!
//! They go the way of all requests, to paths under `/_simulator/`, with a JSON object as the body, and answer JSON: 200,
//! or 400 with `{"error":"…"}`.
//!
//! | request | does |
//! |---|---|
//! | `POST message` `{"from":20001,"msg_type":1,"content":{"content":"hi"}}` | a message arrives; answers `{"msg_seqno":…,"msg_key":"…"}` |
//! | `POST withdraw` `{"msg_key":"…"}` | its sender takes a message back; answers the place of the message that says so |
//! | `POST take_down` `{"msg_key":"…"}` | the system takes a message down: it is counted, and never delivered |
//! | `POST fault` `{"path":"fetch_session_msgs","kind":"http_500","times":1}` | the next answers to paths with this part fail so |
//! | `POST clear_faults` | no fault waits any more |
//! | `POST feed` `{"kind":"reply|at|like|system"}` | something happens that is notified of; answers `{"id":"…","time":…}` |
//! | `POST vanish` `{"kind":"reply","id":"…"}` | the author deletes it: the item is gone |
//! | `POST look` `{"kind":"reply"}` | the owner looks at that feed in a browser, at all without `kind`: its counter is 0 |
//! | `POST rotate_keys` | the signing keys change |
//! | `POST logout`, `POST relogin` | the login cookie dies, and is good again |
//! | `POST scan` `{"confirm":true}` | the phone scans the newest QR code, or that of `qrcode_key`, and confirms it; `account` says whose phone, `"expire":true` ends the code instead |
//! | `POST age_logins` | the service wants all logins there are to be renewed |
//! | `POST account` `{"uid":10002}` | one more account; answers `{"uid":…,"name":…,"sessdata":…,"bili_jct":…}` |
//! | `POST peer` `{"uid":20001,"name":…,"is_follow":…,"is_intercept":…,"system_msg_type":…,"refuses":25003}` | changes another user; `refuses` is the code that answers what is sent to them, 0 none |
//! | `POST group` `{"group":221300,"name":…,"standing":"member|dissolved|left"}` | changes a group |
//! | `POST push` `{"drop":true}` | ends all push connections; see below |
//! | `POST restart` `{"session_type":1,"talker_id":20001,"before":0}` | a conversation begins anew: its messages are no more, the next one's number follows `before` |
//! | `POST quirks` `{"oldest_of_gap":true,"has_more":"always_no",…}` | sets all [`Quirks`], those not named to their default |
//! | `GET login` | how the first account logs in |
//! | `GET state` | `{"uid":…,"conversations":[{"session_type","talker_id","max_seqno","messages",…}],"sent":[{"receiver_type","receiver_id","msg_type","content","msg_key",…}],"requests":{"/path":N},"feeds":{"reply":N,"at":N,"like":N,"system":N}}` |
//!
//! **message.** `content` is an object, written as the JSON string that stands on the wire, or a string, which stands
//! there as it is. `group` puts it in a group, with `session_type` (3 to 9) in a conversation of that type, which nobody knows; `to` says to whom when the account itself sends, from another device
//! (without it, to itself); `timestamp` (s) is that of the message, `session_ts` (µs) that of the conversation, each now
//! unless given. With `count` it arrives so often, and the answer is the last one's place; a text `"hi"` then reads
//! `"hi 1"`, `"hi 2"` … in the order of arrival. `taken_down` counts it and never delivers it, `raw` puts fields on the
//! wire instead of the right ones (`{"msg_type":"x","timestamp":null}`; null removes one), `account` names another account.
//!
//! **feed.** `user` says who, `text` what (of a like: the title of the thing), `item` the number of what was replied to or
//! liked: all likes of one `item` are one item of the feed, which moves up; without it each is something new. `timestamp`
//! (s) is that of the item, `late_s` the delay after which it shows up, `source` (`user`, `unified`, `both`) that of a
//! system notice. `count`, `raw` and `account` are those of a message; the answer is the last one's. The `id` of a system
//! notice is its `cursor`.
//!
//! **fault.** `kind` is `http_500` or any other status (`http_403`, `http_429`, `html_412`, all with an HTML body), `code`
//! (with `code`), `reset`, `hang`, `truncated`, `delay` (with `delay_ms`), `v_voucher`, `data_null`, `garbage`, `body` (with
//! `body`, sent as it is), `empty_page`. `skip` lets so many answers pass before. With `"carried_out":true` the request
//! does its work although its answer fails, as it does in any case under `truncated` and `delay`; `taken_then_reset`,
//! `taken_then_hang` and so on say the same in a word. Control paths never fail.
//!
//! **push.** The front serves the push channel at `/sub`, a WebSocket with the subprotocol `proto`: each message that
//! arrives is told of. `kick` sends the connections of the account away, `notify` (a message type: 113 a reply, 114 a
//! mention, 115 a like) tells of something that there is not, or not yet, `garbage` sends what is no frame, each `count`
//! times. `times` is how often each message is told of (0 never), `silent` leaves everything unanswered, `auth_code`
//! refuses logins on the channel (0 accepts them); they stay. Faults for the path `/sub` are those of the handshake.
//!
//! **state.** The `content` of what was sent is the object it was, or, if it is no object, the string as it was sent.

#![cfg_attr(docsrs, feature(doc_cfg))]
mod answer;
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod control;
mod fault;
mod feed_quirks;
mod model;
mod notifications;
mod push;
mod quirks;
mod rng;
mod script;
#[cfg(feature = "server")]
pub mod server;
mod service;
mod simulator;
#[cfg(feature = "virtual-bot")]
mod virtual_bot;
mod wbi;
mod wire;

pub use answer::Answer;
pub use config::{Config, Login};
pub use fault::{Fault, FaultKind};
pub use feed_quirks::{Counters, FeedQuirks};
pub use model::conversation::ConversationId;
pub use model::feed::Feeds;
pub use model::message::{Message, NewMessage};
pub use model::notification::{FeedKind, NewNotification, NoticeSource, Notified};
pub use model::peer::{Group, Peer, Standing};
pub use model::world::Arrived;
pub use push::{Push, PushHabits, PushNotice};
pub use quirks::{DateHeader, HasMore, ListSignature, LoginCookies, Quirks};
pub use rng::Rng;
pub use script::Script;
pub use simulator::{ControlError, Simulator};
#[cfg(feature = "virtual-bot")]
pub use virtual_bot::{Sent, Setup, VirtualBot, VirtualTransport};
