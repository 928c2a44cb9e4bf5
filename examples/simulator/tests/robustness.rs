//! Whatever is asked, there is an answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{Answer, NewMessage, Rng};
use serde_json::{Value, json};
use support::{Client, FEEDS, FETCH, LIST_NAMES, LISTS, SEND};

/// Numbers at the edges, and what is none.
const VALUES: [&str; 14] = [
    "",
    "0",
    "1",
    "2",
    "-1",
    "20001",
    "221300",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1.5",
    "x",
    "你好\0",
];

fn roll<T: Clone>(dice: &mut Rng, of: &[T]) -> T {
    dice.choose(of).unwrap().clone()
}

#[test]
fn parameters_at_the_edges_are_answered() {
    let mut client = Client::default();
    let mut dice = Rng::new(1);
    client.receive(NewMessage::text(20001, "你好"));
    client.receive(NewMessage::text(20001, "你好").in_group(221_300));
    let gets = LIST_NAMES.map(|name| format!("{LISTS}/{name}"));
    let posts = ["update_ack", "remove_session", "set_top"].map(|name| format!("{LISTS}/{name}"));
    let names = [
        "talker_id",
        "session_type",
        "size",
        "begin_seqno",
        "end_seqno",
        "begin_ts",
        "end_ts",
        "ack_seqno",
        "op_type",
        "id",
        "reply_time",
        "at_time",
        "like_time",
        "page_size",
        "cursor",
        "data_type",
        "msg_notify",
        "uid",
        "setting",
        "dnd_uid",
    ];
    for _ in 0..4000 {
        let pairs: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (*name, roll(&mut dice, &VALUES)))
            .collect();
        let some: Vec<(&str, &str)> = pairs
            .into_iter()
            .filter(|_| roll(&mut dice, &[true, true, false]))
            .collect();
        let get = roll(&mut dice, &gets);
        assert!(client.get(&get, &some)["code"].is_i64());
        assert!(client.get(roll(&mut dice, &FEEDS), &some)["code"].is_i64());
        assert!(client.get_signed(FETCH, &some)["code"].is_i64());
        let post = roll(&mut dice, &posts);
        assert!(client.post(&post, &some)["code"].is_i64());
        assert!(client.post("/link_setting/v1/link_setting/set_msg_dnd", &some)["code"].is_i64());
    }
}

#[test]
fn sending_anything_is_answered() {
    let mut client = Client::default();
    let mut dice = Rng::new(2);
    let contents = [
        "",
        "{}",
        "[]",
        "null",
        "1",
        "-1",
        "1e400",
        "{\"content\":{\"content\":1}}",
        "{\"content\":\"7500000000000000001\"}",
        "7500000000000000001",
        "\"x\"",
        "{\"url\":\"\"}",
        "{\"url\":\"http://\"}",
        "{\"url\":\"https://i0.hdslb.com\"}",
        "{\"content\":\"\\ud83d\"}",
        "{\"content\":\"\\ud83d\\ude00\"}",
    ];
    for _ in 0..2000 {
        let (kind, receiver, msg_type) = (
            roll(&mut dice, &VALUES),
            roll(&mut dice, &VALUES),
            roll(&mut dice, &["1", "2", "5", "6", "7", "x"]),
        );
        let other = [
            ("msg[timestamp]", roll(&mut dice, &VALUES)),
            (
                "msg[dev_id]",
                roll(&mut dice, &["----", "你", support::DEVICE]),
            ),
        ];
        let content = roll(&mut dice, &contents);
        assert!(client.send_with(kind, receiver, msg_type, content, &other)["code"].is_i64());
        assert!(client.send("1", "20001", msg_type, content)["code"].is_i64());
    }
    assert!(client.post(SEND, &[])["code"] == -403);
}

#[test]
fn control_requests_at_the_edges_are_answered() {
    let mut client = Client::default();
    // With this seed some of the messages are such that they arrive.
    let mut dice = Rng::new(5);
    let values = [
        json!(null),
        json!(0),
        json!(1),
        json!(-1),
        json!(20001),
        json!(10001),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.5),
        json!("x"),
        json!("7500000000000000001"),
        json!([]),
        json!({}),
        json!({"content": "a"}),
        json!(true),
    ];
    let actions = [
        "message",
        "withdraw",
        "take_down",
        "peer",
        "group",
        "account",
        "rotate_keys",
        "relogin",
    ];
    let names = [
        "from",
        "to",
        "group",
        "msg_type",
        "content",
        "timestamp",
        "session_ts",
        "at_uids",
        "raw",
        "msg_key",
        "uid",
        "account",
        "refuses",
        "standing",
        "system_msg_type",
        "name",
        "taken_down",
        "msg_source",
    ];
    for _ in 0..4000 {
        let mut body = json!({});
        for name in names {
            if roll(&mut dice, &[true, false]) {
                body[name] = roll(&mut dice, &values);
            }
        }
        let (status, _) = client.control(roll(&mut dice, &actions), &body);
        assert!(matches!(status, 200 | 400), "{body}");
        client.now_us = roll(&mut dice, &[support::START_US, 0, -1, i64::MAX, i64::MIN]);
        assert!(client.get(&format!("{LISTS}/get_sessions"), &[("size", "100")])["code"].is_i64());
    }
    assert!(
        client.state()["conversations"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
}

#[test]
fn notifications_at_the_edges_are_answered() {
    let mut client = Client::default();
    let mut dice = Rng::new(6);
    let edges = [
        json!(null),
        json!(1),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!([]),
    ];
    let names = [
        "user",
        "item",
        "timestamp",
        "late_s",
        "id",
        "text",
        "source",
        "raw",
        "account",
    ];
    for _ in 0..600 {
        let mut body = json!({"kind": roll(&mut dice, &["reply", "at", "like", "system"])});
        for name in names {
            if roll(&mut dice, &[true, false, false]) {
                body[name] = roll(&mut dice, &edges);
            }
        }
        let action = roll(&mut dice, &["feed", "feed", "vanish", "look"]);
        let (status, _) = client.control(action, &body);
        assert!(matches!(status, 200 | 400), "{body}");
        client.now_us = roll(&mut dice, &[support::START_US, 0, -1, i64::MAX, i64::MIN]);
        let quirks = json!({"feeds": {
            "late_s": roll(&mut dice, &edges[1..5]),
            "ahead_s": roll(&mut dice, &edges[1..5]),
            "counters": {"late": roll(&mut dice, &edges[1..5])},
            "seconds_in_any_order": true,
            "cursor_is_place": true,
        }});
        assert_eq!(client.control("quirks", &quirks).0, 200);
        assert_eq!(client.get("/x/msgfeed/unread", &[])["code"], 0);
        assert!(client.get(roll(&mut dice, &FEEDS), &[])["code"].is_i64());
    }
    let feeds = client.state()["feeds"].take();
    for (kind, before) in [("reply", 45), ("at", 35), ("like", 60), ("system", 60)] {
        assert!(feeds[kind].as_i64() > Some(before), "{feeds}");
    }
}

#[test]
fn bytes_that_mean_nothing_are_answered() {
    let mut client = Client::default();
    let mut dice = Rng::new(4);
    let bytes: Vec<u8> = (0..=255).collect();
    for _ in 0..2000 {
        let body: Vec<u8> = (0..40).map(|_| roll(&mut dice, &bytes)).collect();
        let path = roll(
            &mut dice,
            &[
                "/",
                "/bfs/",
                "/bfs/../x",
                "/_simulator/",
                "/_simulator/fault",
                "/x/dynamic/feed/draw/upload_bfs",
                SEND,
            ],
        );
        let kind = roll(
            &mut dice,
            &[
                "multipart/form-data; boundary=a",
                "multipart/form-data; boundary=\"",
                "application/x-www-form-urlencoded",
                "",
            ],
        );
        let answer = client.answer("POST", path, kind, &body);
        let Answer::Respond(response) = answer else {
            panic!("no fault was asked for")
        };
        assert!(response.headers().contains_key("date"));
        assert!(
            serde_json::from_slice::<Value>(response.body()).is_ok() || path.starts_with("/bfs/")
        );
    }
}
