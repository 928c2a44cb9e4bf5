//! The other side, played by control requests; faults; the script.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use bilibili_session_simulator::{Answer, Config, Fault, FaultKind, Script};
use serde_json::json;
use support::{Client, FETCH, LISTS, talkers};

const NAV: &str = "/x/web-interface/nav";

#[test]
fn messages_arrive_with_content_as_given() {
    let mut client = Client::default();
    let (status, first) = client.control(
        "message",
        &json!({"from": 20001, "msg_type": 1, "content": {"content": "hi"}}),
    );
    assert_eq!(status, 200);
    let (page, data) = client.page("20001", 0, None, "20");
    assert_eq!(
        (
            json!(page[0]),
            data["messages"][0]["msg_key"].to_string().into()
        ),
        (first["msg_seqno"].clone(), first["msg_key"].clone())
    );
    for (content, wire) in [
        (json!("not json{"), "not json{"),
        (json!(""), ""),
        (json!(75), "75"),
        (json!([1]), "[1]"),
    ] {
        client.control(
            "message",
            &json!({"from": 20001, "msg_type": 999, "content": content}),
        );
        assert_eq!(
            client.page("20001", 0, None, "1").1["messages"][0]["content"],
            wire
        );
    }
}

#[test]
fn many_messages_can_be_told_apart_and_the_last_is_the_answer() {
    let mut client = Client::default();
    let (_, last) = client.control(
        "message",
        &json!({"from": 20001, "content": {"content": "号"}, "count": 3}),
    );
    let (page, data) = client.page("20001", 0, None, "20");
    assert_eq!(json!(page[0]), last["msg_seqno"]);
    let texts: Vec<&str> = data["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["content"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "{\"content\":\"号 3\"}",
            "{\"content\":\"号 2\"}",
            "{\"content\":\"号 1\"}"
        ]
    );
}

#[test]
fn groups_own_messages_times_and_raw_fields() {
    let mut client = Client::default();
    client.control(
        "message",
        &json!({"from": 0, "group": 221_300, "msg_type": 306, "content": {"group_id": 221_300}}),
    );
    client.control(
        "message",
        &json!({"from": 10001, "to": 20002, "content": {"content": "手机发的"}, "timestamp": 5}),
    );
    client.control("message", &json!({"from": 20003, "content": {}, "raw": {"msg_type": "x", "timestamp": null}, "session_ts": 9}));
    let list = client.get(&format!("{LISTS}/get_sessions"), &[]);
    assert_eq!(talkers(&list), [20002, 221_300, 20003]);
    let list = &list["data"]["session_list"];
    assert_eq!(
        (&list[0]["unread_count"], &list[0]["last_msg"]["timestamp"]),
        (&json!(0), &json!(5))
    );
    assert_eq!(
        (&list[1]["session_type"], &list[1]["last_msg"]["sender_uid"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(
        (&list[2]["session_ts"], &list[2]["last_msg"]["msg_type"]),
        (&json!(9), &json!("x"))
    );
    assert!(list[2]["last_msg"].get("timestamp").is_none());
}

#[test]
fn every_control_request_does_its_work() {
    let mut client = Client::default();
    let (_, arrived) = client.control(
        "message",
        &json!({"from": 20001, "content": {"content": "a"}}),
    );
    assert_eq!(
        client
            .control("withdraw", &json!({"msg_key": arrived["msg_key"]}))
            .0,
        200
    );
    assert_eq!(
        client
            .control("take_down", &json!({"msg_key": arrived["msg_key"]}))
            .0,
        200
    );
    assert_eq!(client.page("20001", 0, None, "20").0.len(), 1);
    assert_eq!(client.control("rotate_keys", &json!({})).0, 200);
    assert_eq!(client.get_signed(FETCH, &[])["code"], -403);
    assert_eq!(client.control("logout", &json!({})).0, 200);
    assert_eq!(client.get("/x/space/myinfo", &[])["code"], -101);
    assert_eq!(client.control("relogin", &json!({})).0, 200);
    let (_, login) = client.control("account", &json!({"uid": 10002}));
    assert_eq!(login["uid"], 10002);
    assert_eq!(
        client
            .control(
                "message",
                &json!({"from": 20001, "content": {}, "account": 10002})
            )
            .0,
        200
    );
    assert_eq!(
        client
            .control(
                "peer",
                &json!({"uid": 20001, "refuses": 25003, "name": "某人"})
            )
            .0,
        200
    );
    assert_eq!(
        client
            .control(
                "group",
                &json!({"group": 221_300, "standing": "left", "name": "某群"})
            )
            .0,
        200
    );
    assert_eq!(
        client
            .control(
                "quirks",
                &json!({"lists_twice": true, "has_more": "always_no"})
            )
            .0,
        200
    );
    assert_eq!(
        talkers(&client.get(&format!("{LISTS}/get_sessions"), &[])),
        [20001, 20001]
    );
    assert_eq!(
        client.get("/_simulator/login", &[])["bili_jct"],
        client.csrf
    );
    assert_eq!(client.state()["uid"], 10001);
}

#[test]
fn what_cannot_be_is_answered_with_400_and_a_reason() {
    let mut client = Client::default();
    for (action, body) in [
        ("message", json!({})),
        ("message", json!({"from": 20001})),
        ("message", json!({"from": "x", "content": {}})),
        ("message", json!({"from": 0, "content": {}})),
        ("message", json!({"from": 10001, "to": 0, "content": {}})),
        ("account", json!({"uid": 0})),
        (
            "message",
            json!({"from": 20001, "to": 20002, "content": {}}),
        ),
        (
            "message",
            json!({"from": 20001, "group": -1, "content": {}}),
        ),
        ("message", json!({"from": 20001, "content": {}, "count": 0})),
        (
            "message",
            json!({"from": 20001, "content": {}, "count": 10_000_000}),
        ),
        (
            "message",
            json!({"from": 20001, "content": {}, "timestamp": "soon"}),
        ),
        (
            "message",
            json!({"from": 20001, "content": {}, "account": 1}),
        ),
        ("message", json!([])),
        ("withdraw", json!({})),
        ("withdraw", json!({"msg_key": "1"})),
        ("take_down", json!({"msg_key": 1})),
        ("fault", json!({"kind": "reset"})),
        ("fault", json!({"path": "nav"})),
        ("fault", json!({"path": "nav", "kind": "http_200"})),
        ("fault", json!({"path": "nav", "kind": "http_x"})),
        ("fault", json!({"path": "nav", "kind": "code"})),
        ("fault", json!({"path": "nav", "kind": "delay"})),
        (
            "fault",
            json!({"path": "nav", "kind": "reset", "times": -1}),
        ),
        ("logout", json!({"account": 1})),
        ("account", json!({"uid": 10001})),
        ("peer", json!({})),
        ("group", json!({"group": 1, "standing": "x"})),
        ("quirks", json!({"unheard_of": true})),
    ] {
        let (status, answer) = client.control(action, &body);
        assert_eq!(status, 400, "{action} {body}");
        assert!(
            answer["error"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{action} {body}"
        );
    }
    assert_eq!(
        client
            .response("POST", "/_simulator/message", "", b"{\"from\"")
            .status(),
        400
    );
    assert_eq!(
        client
            .response("POST", "/_simulator/message", "", b"\xff")
            .status(),
        400
    );
    assert_eq!(client.control("nothing", &json!({})).0, 404);
    assert_eq!(client.control("state", &json!({})).0, 405);
    assert_eq!(
        client
            .response("GET", "/_simulator/message", "", b"")
            .status(),
        405
    );
    assert_eq!(client.state()["conversations"], json!([]));
}

#[test]
fn each_fault_fails_in_its_way_and_no_longer_than_asked() {
    let mut client = Client::default();
    let body = |answer: Answer| {
        String::from_utf8_lossy(answer.into_response().unwrap().body()).into_owned()
    };
    let right = body(client.answer("GET", NAV, "", b""));
    for kind in ["http_500", "http_403", "http_429", "html_412"] {
        client.control("fault", &json!({"path": "nav", "kind": kind}));
        let response = client.response("GET", NAV, "", b"");
        assert!(kind.ends_with(response.status().as_str()));
        assert!(
            response.headers().contains_key("date")
                && response.body().starts_with(b"<!DOCTYPE html>")
        );
    }
    for (fault, expected) in [
        (json!({"kind": "code", "code": -352}), "\"code\":-352"),
        (json!({"kind": "v_voucher"}), "\"data\":{\"v_voucher\":"),
        (json!({"kind": "data_null"}), "\"data\":null"),
        (json!({"kind": "garbage"}), "\"data\":{\"\u{fffd}]"),
        (
            json!({"kind": "body", "body": "[\"\\ud83d\"]"}),
            "[\"\\ud83d\"]",
        ),
        (json!({"kind": "empty_page"}), "\"messages\":null"),
    ] {
        let mut fault = fault.clone();
        fault["path"] = json!("interface/nav");
        fault["times"] = json!(2);
        assert_eq!(client.control("fault", &fault).0, 200);
        for _ in 0..2 {
            let answer = body(client.answer("GET", NAV, "", b""));
            assert!(answer.contains(expected), "{fault}: {answer}");
        }
        assert_eq!(body(client.answer("GET", NAV, "", b"")), right);
    }
    for (kind, expected) in [
        ("reset", "Reset"),
        ("hang", "Hang"),
        ("truncated", "Truncated"),
        ("delay", "Delayed(40ms"),
    ] {
        client.control("fault", &json!({"path": "", "kind": kind, "delay_ms": 40}));
        let answer = client.answer("GET", NAV, "", b"");
        assert!(format!("{answer:?}").starts_with(expected), "{kind}");
        assert_eq!(body(client.answer("GET", NAV, "", b"")), right);
    }
}

#[test]
fn faults_hit_their_path_after_so_many_answers() {
    let mut client = Client::default();
    client.simulator.push_fault(
        Fault::once("msgfeed", FaultKind::Code(-509))
            .after(2)
            .times(2),
    );
    let mut code = |path: &str| client.get(path, &[])["code"].as_i64().unwrap();
    assert_eq!(code("/x/space/myinfo"), 0);
    let codes: Vec<i64> = (0..5).map(|_| code("/x/msgfeed/unread")).collect();
    assert_eq!(codes, [0, 0, -509, -509, 0]);
    client
        .simulator
        .push_fault(Fault::once("", FaultKind::Reset));
    client.simulator.clear_faults();
    assert!(matches!(
        client.answer("GET", NAV, "", b""),
        Answer::Respond(_)
    ));
}

#[test]
fn a_fault_stops_the_work_unless_told_otherwise() {
    let mut client = Client::default();
    for (carried_out, sent) in [(false, 0), (true, 1)] {
        client.control(
            "fault",
            &json!({"path": "send_msg", "kind": "code", "code": -500, "carried_out": carried_out}),
        );
        assert_eq!(client.text("20001", "你好")["code"], -500);
        assert_eq!(client.simulator.sent().count(), sent);
    }
    client.simulator.push_fault(Fault::once(
        "send_msg",
        FaultKind::Delay(Duration::from_secs(9)),
    ));
    assert_eq!(client.text("20001", "你好")["code"], 0);
    assert_eq!(client.simulator.sent().count(), 2);
}

#[test]
fn the_demo_begins_with_the_first_list_and_is_lively() {
    let mut client = Client::new(Config {
        script: Some(Script::demo()),
        ..Config::default()
    });
    let count = |client: &mut Client| -> u64 {
        let state = client.state();
        let conversations = state["conversations"].as_array().unwrap().iter();
        conversations
            .map(|it| it["messages"].as_u64().unwrap())
            .sum()
    };
    let old = count(&mut client);
    client.later(60_000);
    assert_eq!(count(&mut client), old, "nobody listed yet");
    let list = client.get(&format!("{LISTS}/get_sessions"), &[]);
    let newest = list["data"]["session_list"][0]["session_ts"]
        .as_i64()
        .unwrap();
    assert!(
        newest < client.now_us - 3_600_000_000,
        "all of it is long ago"
    );
    client.later(1499);
    assert_eq!(count(&mut client), old);
    client.later(1);
    assert_eq!(count(&mut client), old + 1);
    client.later(10_500);
    let state = client.state();
    let mut types = Vec::new();
    for conversation in state["conversations"].as_array().unwrap() {
        let (session_type, talker) = (
            conversation["session_type"].to_string(),
            conversation["talker_id"].to_string(),
        );
        let query = [
            ("session_type", session_type.as_str()),
            ("talker_id", &talker),
            ("size", "100"),
        ];
        let body = client.get_signed(FETCH, &query);
        types.extend(
            body["data"]["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|message| message["msg_type"].as_i64().unwrap()),
        );
    }
    assert!(types.len() >= old as usize + 8, "{types:?}");
    assert!(
        [1, 2, 5, 7, 10].iter().all(|kind| types.contains(kind)),
        "{types:?}"
    );
}

#[test]
fn the_demo_answers_each_text_once() {
    let mut client = Client::new(Config {
        script: Some(Script::demo()),
        ..Config::default()
    });
    let old = client.page("20001", 0, None, "100").0.len();
    client.text("20001", "在");
    client.later(800);
    let texts = |client: &mut Client| client.page("20001", 0, None, "100").0.len();
    assert_eq!(texts(&mut client), old + 2);
    client.later(10_000);
    assert_eq!(texts(&mut client), old + 2);
    client.text("29999", "在");
    client.later(10_000);
    assert_eq!(client.page("29999", 0, None, "100").0.len(), 1);
}

#[test]
fn a_script_is_lines_or_an_array_and_says_what_is_wrong() {
    let lines = "{\"after_ms\":10,\"withdraw\":\"a\"}\n\n{\"after_ms\":5,\"from\":20001,\"content\":\"{}\",\"name\":\"a\"}\n{\"after_ms\":20,\"rotate_keys\":true}\n{\"after_ms\":30,\"fault\":{\"path\":\"nav\",\"kind\":\"reset\"}}";
    let array = format!("[{}]", lines.replace("\n\n", "\n").replace('\n', ","));
    for text in [lines, &array] {
        let mut client = Client::new(Config {
            script: Some(Script::parse(text).unwrap()),
            ..Config::default()
        });
        client.get(&format!("{LISTS}/new_sessions"), &[("begin_ts", "0")]);
        client.later(25);
        assert_eq!(client.get_signed(FETCH, &[])["code"], -403);
        client.learn_keys();
        let (_, data) = client.page("20001", 0, None, "20");
        assert_eq!(
            (
                &data["messages"][0]["msg_type"],
                &data["messages"][1]["msg_status"]
            ),
            (&json!(5), &json!(1))
        );
        client.later(5);
        assert!(matches!(client.answer("GET", NAV, "", b""), Answer::Reset));
    }
    for (text, reason) in [
        ("{\"after_ms\":1}", "entry 1"),
        ("{\"from\":1,\"content\":{}}", "after_ms"),
        ("{}\n{", "line 2"),
        ("[{]", "no JSON"),
        ("{\"after_ms\":1,\"withdraw\":\"x\"}", "`x`"),
        ("{\"answers\":{\"from\":1,\"lines\":[]}}", "lines"),
        ("{\"after_ms\":1,\"fault\":{\"kind\":\"x\"}}", "path"),
    ] {
        assert!(Script::parse(text).unwrap_err().contains(reason), "{text}");
    }
}

#[test]
fn the_same_requests_give_the_same_answers() {
    let run = || {
        let mut client = Client::new(Config {
            script: Some(Script::demo()),
            ..Config::default()
        });
        client.get(&format!("{LISTS}/get_sessions"), &[]);
        client.text("20001", "你好");
        client.later(30_000);
        client
            .get(&format!("{LISTS}/get_sessions"), &[])
            .to_string()
            + &client.state().to_string()
    };
    assert_eq!(run(), run());
}
