//! Every recorded request, built here, whole. Where ours differs on purpose stands in one table.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use bilibili_session::call::{Call, Output};
use bilibili_session::endpoints::{
    FetchSessionMsgs, GetAt, GetLikes, GetReplies, GetSessionDetail, GetSessionSettings,
    GetSessions, GetSystemMessages, GetUnreadMessages, NewSessions, SendMsg, SessionFilter,
    UploadPicture,
};
use bilibili_session::model::{FeedCursor, Picture, PictureContent};
use bilibili_session::{
    AuthState, ClientConfig, ConversationId, Credential, MsgKey, Now, Seqno, Uid, UnixMicros,
    UnixSeconds,
};
use serde_json::Value;
use support::{DEV_ID, Pairs, Taken, WTS, context, keys, request, request_with, take_apart};

/// Differences from the package that was recorded.
enum Otherwise {
    /// We send this too.
    Adds(&'static str, &'static str),
    /// We send another value.
    Sends(&'static str, &'static str),
    /// We write the name as the service's own page does.
    Renames(&'static str, &'static str),
    /// The same JSON, written without spaces and escapes.
    SameJson(&'static str),
}
use Otherwise::{Adds, Renames, SameJson, Sends};

/// Call, what is otherwise, and why. Everything that is not here is equal.
const DEVIATIONS: &[(&str, Otherwise, &str)] = &[
    (
        "fetch_session_msgs",
        Adds("build", "0"),
        "goes with every call to that host",
    ),
    (
        "fetch_session_msgs",
        Adds("mobi_app", "web"),
        "goes with every call to that host",
    ),
    (
        "fetch_session_msgs",
        Adds("sender_device_id", "1"),
        "the web page sends it",
    ),
    (
        "get_session_detail",
        Adds("build", "0"),
        "goes with every call to that host",
    ),
    (
        "get_session_detail",
        Adds("mobi_app", "web"),
        "goes with every call to that host",
    ),
    (
        "get_session_settings",
        Adds("build", "0"),
        "goes with every call to that host",
    ),
    (
        "get_session_settings",
        Adds("mobi_app", "web"),
        "goes with every call to that host",
    ),
    (
        "get_session_settings",
        Adds("msg_notify", "1"),
        "answered only if asked for",
    ),
    (
        "get_session_settings",
        Adds("show_unfollowed_msg", "1"),
        "answered only if asked for",
    ),
    (
        "get_system_messages",
        Sends("page_size", "20"),
        "the recording leaves it empty",
    ),
    (
        "send_msg",
        Adds("w_dev_id", DEV_ID),
        "signed along by the web page",
    ),
    (
        "send_msg",
        Renames("from_filework", "from_firework"),
        "misspelt in the package",
    ),
    (
        "send_msg",
        SameJson("msg[content]"),
        "what the service reads is the JSON",
    ),
];

fn recorded() -> Vec<Value> {
    let recording: Value = serde_json::from_str(include_str!("wire/requests.json")).unwrap();
    recording["requests"].as_array().unwrap().clone()
}

fn number(args: &Value, name: &str) -> i64 {
    args[name].as_i64().unwrap()
}

/// The name without what was said of the circumstances.
fn call_of(entry: &Value) -> &str {
    let call = entry["call"].as_str().unwrap();
    call.split(" (").next().unwrap()
}

fn conversation(args: &Value) -> ConversationId {
    ConversationId::new(number(args, "session_type"), number(args, "talker_id"))
}

fn our_context(args: &Value) -> ClientConfig {
    match args["sessdata"].as_str() {
        None => context(),
        Some(raw) if raw.contains('%') => {
            ClientConfig::new(Credential::builder().sessdata(raw).build().unwrap())
        }
        Some(raw) => ClientConfig::new(
            Credential::builder()
                .sessdata(raw)
                .bili_jct(support::BILI_JCT)
                .buvid3(support::BUVID3)
                .buvid4(support::BUVID4)
                .uid("10001")
                .build()
                .unwrap(),
        ),
    }
}

fn ours(entry: &Value) -> http::Request<Vec<u8>> {
    let args = &entry["args"];
    let context = our_context(args);
    match call_of(entry) {
        "fetch_session_msgs" => request(
            &FetchSessionMsgs::new(conversation(args))
                .begin_seqno(Seqno(args["begin_seqno"].as_u64().unwrap())),
        ),
        "new_sessions" => request(&NewSessions::new(match args["begin_ts"].as_i64() {
            Some(begin_ts) => UnixMicros(begin_ts),
            None => WTS.to_micros(),
        })),
        "get_sessions" => request(&match args["session_type"].as_i64() {
            Some(number) => {
                GetSessions::new().session_type(SessionFilter::from_number(number).unwrap())
            }
            None => GetSessions::new(),
        }),
        "get_session_detail" => request(&GetSessionDetail::new(conversation(args))),
        "get_replies" => request(&GetReplies::new()),
        "get_at" => request(&GetAt::new()),
        "get_likes" => request(&match args["last_id"].as_i64() {
            Some(id) => {
                GetLikes::after(FeedCursor::new(id, UnixSeconds(number(args, "like_time"))))
            }
            None => GetLikes::new(),
        }),
        "get_unread_messages" => request_with(&context, &GetUnreadMessages).unwrap(),
        "get_system_messages" => request(&GetSystemMessages::new()),
        "get_session_settings" => request(&GetSessionSettings),
        "send_msg" => {
            let receiver = Uid(number(args, "receiver_id"));
            let content = &args["content"];
            // The recorded package sends 0 there; ours sends 1 unless told.
            request(
                &match args["msg_type"].as_str().unwrap() {
                    "TEXT" => SendMsg::text(receiver, content.as_str().unwrap()),
                    "GROUPS_PICTURE" => {
                        let mut picture: PictureContent =
                            serde_json::from_value(content.clone()).unwrap();
                        picture.original = true;
                        SendMsg::groups_picture(receiver, &picture)
                    }
                    "WITHDRAW" => SendMsg::withdraw(
                        receiver,
                        MsgKey(content.as_str().unwrap().parse().unwrap()),
                    ),
                    other => panic!("{other}"),
                }
                .new_face_version(0),
            )
        }
        "dynamic.upload_image" => {
            let png = one_pixel();
            request(&UploadPicture::new(Picture::from_bytes(png).unwrap()))
        }
        other => panic!("the recording has a call that is not built here: {other}"),
    }
}

/// The recorded upload's file: a PNG of one pixel.
fn one_pixel() -> Vec<u8> {
    let entry = recorded()
        .into_iter()
        .find(|entry| call_of(entry) == "dynamic.upload_image")
        .unwrap();
    base64(entry["args"]["png_b64"].as_str().unwrap())
}

fn base64(text: &str) -> Vec<u8> {
    const TABLE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text
        .bytes()
        .filter_map(|byte| TABLE.iter().position(|known| *known == byte))
        .map(|digit| u32::try_from(digit).unwrap())
        .collect();
    digits
        .chunks(4)
        .flat_map(|four| {
            let bits =
                four.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - four.len()));
            bits.to_be_bytes()[1..four.len()].to_vec()
        })
        .collect()
}

fn pairs(list: &Value) -> Pairs {
    let mut pairs: Pairs = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|pair| {
            let text = |place: usize| pair[place].as_str().unwrap().to_owned();
            (text(0), text(1))
        })
        .collect();
    pairs.sort();
    pairs
}

fn theirs(entry: &Value) -> Taken {
    let request = &entry["request"];
    Taken {
        method: request["method"].as_str().unwrap().to_owned(),
        url: request["url"].as_str().unwrap().to_owned(),
        query: pairs(&request["query"]),
        form: pairs(&request["form"]),
        cookies: pairs(&request["cookies"]),
    }
}

/// Signs these parameters, whatever signature they have.
fn sign(query: &Pairs) -> Pairs {
    let unsigned = query
        .iter()
        .filter(|(name, _)| name != "w_rid")
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let mut signed: Pairs = keys()
        .sign(unsigned, WTS)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    signed.sort();
    signed
}

/// The recorded request with our deviations put in.
fn with_deviations(mut taken: Taken, call: &str) -> Taken {
    let query_changes = |taken: &mut Taken, deviation: &Otherwise| match deviation {
        Adds(name, value) => taken.query.push((name.to_string(), value.to_string())),
        Sends(name, value) => {
            let place = taken.query.iter_mut().find(|(key, _)| key == name).unwrap();
            assert_ne!(place.1, *value, "no deviation");
            place.1 = value.to_string();
        }
        Renames(from, to) => {
            let place = taken.form.iter_mut().find(|(key, _)| key == from).unwrap();
            place.0 = to.to_string();
        }
        SameJson(name) => {
            let place = taken.form.iter_mut().find(|(key, _)| key == name).unwrap();
            place.1 = canonical(&place.1);
        }
    };
    for (_, deviation, _) in DEVIATIONS.iter().filter(|(name, ..)| *name == call) {
        query_changes(&mut taken, deviation);
    }
    taken.query.sort();
    taken.form.sort();
    taken
}

fn canonical(content: &str) -> String {
    serde_json::from_str::<Value>(content).unwrap().to_string()
}

#[test]
fn every_recorded_request() {
    let entries = recorded();
    assert_eq!(entries.len(), 24);
    for entry in &entries {
        let (call, name) = (call_of(entry), &entry["call"]);
        let theirs = theirs(entry);
        let mut ours = take_apart(&ours(entry));
        for (field, value) in &mut ours.form {
            if field == "msg[content]" {
                *value = canonical(value);
            }
        }

        let is_signed = theirs.query.iter().any(|(name, _)| name == "w_rid");
        let mut expected = with_deviations(theirs.clone(), call);
        if is_signed {
            assert_eq!(
                sign(&theirs.query),
                theirs.query,
                "{name}: the recorded signature"
            );
            expected.query = sign(&expected.query);
        }
        expected.cookies.clone_from(&ours.cookies);
        assert_eq!(ours, expected, "{name} {}", entry["args"]);
    }
}

#[test]
fn cookies_are_those_of_the_login() {
    for entry in &recorded() {
        let name = &entry["call"];
        let theirs = theirs(entry).cookies;
        let ours = take_apart(&ours(entry)).cookies;
        let plain = |value: &str| value.trim_matches('"').replace("%2F", "/");
        for (cookie, value) in &ours {
            let recorded = theirs.iter().find(|(other, _)| other == cookie);
            let recorded = &recorded.unwrap_or_else(|| panic!("{name}: {cookie}")).1;
            // A raw value is recorded in quotes and with its slash; ours needs no quotes.
            assert_eq!(plain(value), plain(recorded), "{name}: {cookie}");
            assert!(!value.contains('"'), "{name}: {cookie}");
        }
        for needed in ["SESSDATA", "bili_jct", "buvid3", "buvid4", "DedeUserID"] {
            let given = theirs
                .iter()
                .any(|(cookie, value)| cookie == needed && value != "\"\"");
            let sent = ours.iter().any(|(cookie, _)| cookie == needed);
            assert_eq!(sent, given, "{name}: {needed}");
        }
    }
}

#[test]
fn a_raw_sessdata_is_percent_encoded() {
    let raw = Credential::builder()
        .sessdata("0123abcd,1715552000,89e/0*b1")
        .build();
    let cookies =
        take_apart(&request_with(&ClientConfig::new(raw.unwrap()), &GetUnreadMessages).unwrap())
            .cookies;
    assert_eq!(
        cookies,
        [(
            "SESSDATA".to_owned(),
            "0123abcd%2C1715552000%2C89e%2F0%2Ab1".to_owned()
        )]
    );
}

#[test]
fn keys_are_fetched_first_where_there_are_none() {
    let now = Now {
        monotonic: std::time::Duration::ZERO,
        wall: WTS.to_micros(),
    };
    let recording: Value = serde_json::from_str(include_str!("wire/wbi.json")).unwrap();
    let url = |half: &str| {
        format!(
            "https://i0.hdslb.com/bfs/wbi/{}.png",
            recording[half].as_str().unwrap()
        )
    };
    let mut account = AuthState::new(context());
    let mut call = Call::new(FetchSessionMsgs::new(Uid(20001)).begin_seqno(Seqno(0)));
    let Output::Send(nav) = call.poll_output(&mut account, now) else {
        panic!("nothing is asked");
    };
    assert_eq!(nav.uri(), "https://api.bilibili.com/x/web-interface/nav");
    let answer = support::answer(&serde_json::json!({
        "isLogin": true, "mid": 10001, "uname": "made up", "face": "",
        "wbi_img": {"img_url": url("img_key"), "sub_url": url("sub_key")},
    }));
    call.handle_response(&mut account, now, Ok(answer));
    let Output::Send(fetch) = call.poll_output(&mut account, now) else {
        panic!("nothing is asked");
    };
    let entry = &recorded()[0];
    assert!(entry["call"].as_str().unwrap().contains("nav first"));
    assert_eq!(take_apart(&fetch), take_apart(&ours(entry)));
}

#[test]
fn emoticons_are_the_new_ones_unless_told() {
    let default = take_apart(&request(&SendMsg::text(Uid(20001), "hi")));
    let version = ("msg[new_face_version]".to_owned(), "1".to_owned());
    assert!(default.form.contains(&version));
}

#[test]
fn urls_are_canonical() {
    // No library on the way has a reason to write these otherwise.
    for entry in &recorded() {
        let request = ours(entry);
        let query = request.uri().query().unwrap_or_default();
        assert!(
            query
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%=&".contains(&byte)),
            "{query}"
        );
        assert_eq!(
            url::Url::parse(&request.uri().to_string())
                .unwrap()
                .query()
                .unwrap_or_default(),
            query
        );
    }
}
