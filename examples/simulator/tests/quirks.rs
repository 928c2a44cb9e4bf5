//! Each habit that is reported of the service, or conceivable, set by a control request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{ConversationId, Fault, FaultKind, NewMessage};
use serde_json::{Value, json};
use support::{Client, FETCH, LISTS, talkers};

fn set(client: &mut Client, quirks: &Value) {
    assert_eq!(client.control("quirks", quirks).0, 200, "{quirks}");
}

/// Five conversations a second apart: 20001 … 20005, the newest last.
fn filled() -> Client {
    let mut client = Client::default();
    for uid in 20_001..=20_005 {
        client.later(1000);
        client.receive(NewMessage::text(uid, "你好"));
    }
    client
}

/// The code and the talkers of a list: `get_sessions` of this type, or `new_sessions` (0).
fn list(client: &mut Client, kind: i64, end_ts: Option<i64>, signed: bool) -> (i64, Vec<i64>) {
    let (kind_text, end) = (kind.to_string(), end_ts.map(|ts| ts.to_string()));
    let (path, mut query) = match kind {
        0 => ("new_sessions", vec![("begin_ts", "0")]),
        _ => ("get_sessions", vec![("session_type", kind_text.as_str())]),
    };
    query.extend(end.as_deref().map(|end| ("end_ts", end)));
    let path = format!("{LISTS}/{path}");
    let body = if signed {
        client.get_signed(&path, &query)
    } else {
        client.get(&path, &query)
    };
    (body["code"].as_i64().unwrap(), talkers(&body))
}

#[test]
fn which_lists_take_end_ts() {
    // Below the third: two are left.
    let end = support::START_US + 3_000_000;
    for (quirks, expected) in [
        (json!({}), [(4, 2), (1, 2), (9, 2), (0, 5)]),
        (
            json!({"all_types_ignore_end_ts": true}),
            [(4, 5), (1, 2), (9, 2), (0, 5)],
        ),
        (
            json!({"single_types_ignore_end_ts": true}),
            [(4, 2), (1, 5), (9, 5), (0, 5)],
        ),
        (
            json!({"new_sessions_takes_end_ts": true}),
            [(4, 2), (1, 2), (9, 2), (0, 2)],
        ),
    ] {
        let mut client = filled();
        set(&mut client, &quirks);
        for (kind, count) in expected {
            let (code, talkers) = list(&mut client, kind, Some(end), false);
            assert_eq!((code, talkers.len()), (0, count), "{quirks} type {kind}");
        }
    }
}

#[test]
fn lists_and_their_signatures() {
    for (quirks, unsigned, signed, wrong) in [
        (json!({}), 0, 0, -403),
        (json!({"list_signature": "code403"}), -403, 0, -403),
        (json!({"list_signature": "code352"}), -352, 0, -403),
        (json!({"refuses_signatures": true}), 0, -403, -403),
        (
            json!({"refuses_signatures": true, "list_signature": "code403"}),
            -403,
            -403,
            -403,
        ),
    ] {
        let mut client = filled();
        set(&mut client, &quirks);
        for kind in [0, 4] {
            assert_eq!(list(&mut client, kind, None, false).0, unsigned, "{quirks}");
            assert_eq!(list(&mut client, kind, None, true).0, signed, "{quirks}");
        }
        client.simulator.rotate_keys();
        assert_eq!(list(&mut client, 4, None, true).0, wrong, "{quirks}");
    }
}

#[test]
fn signatures_that_are_refused_whatever_the_keys() {
    let mut client = filled();
    set(&mut client, &json!({"refuses_signatures": true}));
    let query = [("talker_id", "20001"), ("session_type", "1"), ("size", "9")];
    for _ in 0..2 {
        assert_eq!(client.get_signed(FETCH, &query)["code"], -403);
        assert_eq!(client.text("20001", "你好")["code"], -403);
        client.simulator.rotate_keys();
        client.learn_keys();
    }
    client.simulator.quirks_mut().refuses_signatures = false;
    assert_eq!(client.get_signed(FETCH, &query)["code"], 0);
}

#[test]
fn what_a_page_says_of_more() {
    // Of three messages: the page of the newest one above the second, the page of all, an empty page;
    // of lists: a whole one, an empty one.
    for (quirks, expected) in [
        (json!({}), [0, 0, 0, 0, 0]),
        (json!({"has_more": "always_yes"}), [1, 1, 1, 1, 1]),
        (json!({"has_more": "always_no"}), [0, 0, 0, 0, 0]),
        (json!({"has_more_disregards_begin": true}), [1, 0, 0, 0, 0]),
        (
            json!({"has_more_disregards_begin": true, "oldest_of_gap": true}),
            [1, 0, 0, 0, 0],
        ),
        (json!({"empty_page_says_more": true}), [0, 0, 1, 0, 1]),
        (
            json!({"has_more_disregards_begin": true, "has_more": "always_no", "empty_page_says_more": true}),
            [0, 0, 1, 0, 1],
        ),
    ] {
        let mut client = Client::default();
        let [_, second, third] =
            [1, 2, 3].map(|_| client.receive(NewMessage::text(20001, "好")).msg_seqno);
        set(&mut client, &quirks);
        let mut more = [second, 0, third]
            .map(|begin| client.page("20001", begin, None, "20").1["has_more"].clone())
            .to_vec();
        for begin in ["0", "1800000000000000"] {
            let body = client.get(&format!("{LISTS}/new_sessions"), &[("begin_ts", begin)]);
            more.push(body["data"]["has_more"].clone());
        }
        assert_eq!(more, expected, "{quirks}");
        client
            .simulator
            .push_fault(Fault::once(FETCH, FaultKind::EmptyPage));
        let kept_back = client.page("20001", 0, None, "20").1;
        assert_eq!(
            (&kept_back["messages"], &kept_back["has_more"]),
            (&Value::Null, &json!(expected[2])),
            "{quirks}"
        );
    }
}

#[test]
fn what_the_date_says() {
    const START: i64 = support::START_US / 1_000_000;
    for (date, expected) in [
        (json!("truthful"), Some(START)),
        (json!("absent"), None),
        (json!({"skewed": 3600}), Some(START + 3600)),
        (json!({"skewed": -90}), Some(START - 90)),
        (json!({"stale": 1_600_000_000}), Some(1_600_000_000)),
    ] {
        let mut client = Client::default();
        set(&mut client, &json!({"date": date}));
        let faults = [
            None,
            Some(FaultKind::Code(-352)),
            Some(FaultKind::Http(http::StatusCode::PRECONDITION_FAILED)),
        ];
        for fault in faults {
            client.simulator.clear_faults();
            if let Some(kind) = fault {
                client.simulator.push_fault(Fault::once("/", kind));
            }
            let response = client.response("GET", &format!("{LISTS}/get_sessions"), "", b"");
            let told = response.headers().get("date").map(|told| {
                let time = httpdate::parse_http_date(told.to_str().unwrap()).unwrap();
                let since = time.duration_since(std::time::UNIX_EPOCH).unwrap();
                i64::try_from(since.as_secs()).unwrap()
            });
            assert_eq!(told, expected, "{date}");
        }
    }
}

#[test]
fn whose_clock_messages_carry() {
    const NOW: i64 = support::START_US / 1_000_000;
    let mut client = Client::default();
    set(&mut client, &json!({"message_time_offset_s": -7200}));
    let slip = client.receive(NewMessage::text(20001, "别人的钟"));
    client.receive(NewMessage::text(20001, "写明的时间").at(5));
    client
        .simulator
        .withdraw(client.now_us, slip.msg_key)
        .unwrap();
    let own = client.text("20001", "自己发的");
    let key = own["data"]["msg_key"].as_i64().unwrap();
    let withdrawn = client.send("1", "20001", "5", &key.to_string());
    assert_eq!(withdrawn["code"], 0, "within 120 s by the service's clock");
    let (_, page) = client.page("20001", 0, None, "20");
    let times = page["messages"].as_array().unwrap().iter();
    let times: Vec<i64> = times.map(|it| it["timestamp"].as_i64().unwrap()).collect();
    assert_eq!(times, [NOW, NOW, NOW - 7200, 5, NOW - 7200]);
}

/// `session_ts` and `max_seqno` of the first conversation.
fn first(client: &mut Client) -> (i64, u64) {
    let body = client.get(&format!("{LISTS}/get_sessions"), &[]);
    let it = &body["data"]["session_list"][0];
    (
        it["session_ts"].as_i64().unwrap(),
        it["max_seqno"].as_u64().unwrap(),
    )
}

#[test]
fn session_ts_that_stands_still_or_lies_in_the_future() {
    for (quirks, first_off, then_off) in [
        (json!({}), 0, 1_000_000),
        (json!({"session_ts_stands_still": true}), 0, 0),
        (
            json!({"commit_lag_us": -60_000_000}),
            60_000_000,
            61_000_000,
        ),
    ] {
        let mut client = Client::default();
        set(&mut client, &quirks);
        let arrived = client.receive(NewMessage::text(20001, "一"));
        let off = |ts: i64| ts - support::START_US;
        let (ts, max_seqno) = first(&mut client);
        assert_eq!((off(ts), max_seqno), (first_off, arrived.msg_seqno));
        client.later(1000);
        let arrived = client.receive(NewMessage::text(20001, "二"));
        let (ts, max_seqno) = first(&mut client);
        let expected = (then_off, arrived.msg_seqno);
        assert_eq!((off(ts), max_seqno), expected, "{quirks}");
        client.receive(NewMessage {
            session_ts: Some(support::START_US + 9),
            ..NewMessage::text(20001, "三")
        });
        assert_eq!(off(first(&mut client).0), 9, "one that is given counts");
    }
}

#[test]
fn the_list_may_be_ahead_of_the_newest_message() {
    let mut client = Client::default();
    let arrived = client.receive(NewMessage::text(20001, "一"));
    set(&mut client, &json!({"list_max_seqno_ahead": 7}));
    assert_eq!(first(&mut client).1, arrived.msg_seqno + 7);
    let detail = client.get(
        &format!("{LISTS}/session_detail"),
        &[("talker_id", "20001"), ("session_type", "1")],
    );
    assert_eq!(detail["data"]["max_seqno"], arrived.msg_seqno);
}

#[test]
fn sends_that_are_refused_with_a_code() {
    for code in [-352, -509, 21020, 21046] {
        let mut client = Client::default();
        let sent = client.text("20001", "好");
        let key = sent["data"]["msg_key"].to_string();
        set(&mut client, &json!({"sends_refused": code}));
        assert_eq!(client.text("20001", "好")["code"], code);
        assert_eq!(client.send("1", "20001", "5", &key)["code"], code);
        // What is wrong in itself is told first.
        assert_eq!(client.text("10001", "好")["code"], 21_026);
        assert_eq!(client.send("1", "20001", "1", "{}")["code"], 2);
        assert_eq!(client.state()["sent"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn conversations_of_a_type_that_nobody_knows() {
    let mut client = filled();
    let id = ConversationId {
        session_type: 6,
        talker_id: 20_001,
    };
    client.later(1000);
    let arrived = client.receive(NewMessage::text(30_001, "你好").in_conversation(id));
    assert_eq!(arrived.msg_seqno, 1);
    let all = [20_001, 20_005, 20_004, 20_003, 20_002, 20_001];
    assert_eq!(list(&mut client, 4, None, false), (0, all.to_vec()));
    assert_eq!(list(&mut client, 0, None, false), (0, all.to_vec()));
    for kind in [2, 3, 5, 7, 8] {
        assert_eq!(list(&mut client, kind, None, false), (0, vec![]), "{kind}");
    }
    for kind in [1, 9] {
        assert_eq!(list(&mut client, kind, None, false).1.len(), 5, "{kind}");
    }
    let query = [("talker_id", "20001"), ("session_type", "6"), ("size", "9")];
    assert_eq!(client.get_signed(FETCH, &query)["code"], 2);
    // The user of that number is another conversation.
    assert_eq!(client.page("20001", 0, None, "20").0.len(), 1);
    for wrong in [
        json!({"from": 20001, "content": {}, "session_type": 6}),
        json!({"from": 20001, "content": {}, "session_type": 1, "group": 5}),
        json!({"from": 20001, "content": {}, "session_type": 10, "group": 5}),
    ] {
        assert_eq!(client.control("message", &wrong).0, 400, "{wrong}");
    }
    let another = json!({"from": 30_001, "content": {}, "session_type": 6, "group": 20_001});
    assert_eq!(client.control("message", &another).1["msg_seqno"], 2);
}

#[test]
fn a_conversation_that_begins_anew() {
    let mut client = filled();
    let old = first(&mut client);
    let (status, _) = client.control(
        "restart",
        &json!({"session_type": 1, "talker_id": 20005, "before": 40}),
    );
    assert_eq!(status, 200);
    assert_eq!(first(&mut client), (old.0, 40));
    assert!(client.page("20005", 0, None, "20").0.is_empty());
    client.later(1000);
    let arrived = client.receive(NewMessage::text(20_005, "又来了"));
    assert!((41..60).contains(&arrived.msg_seqno), "{arrived:?}");
    assert_eq!(first(&mut client), (client.now_us, arrived.msg_seqno));
    assert_eq!(client.page("20005", 0, None, "20").0, [arrived.msg_seqno]);
    // At the very end of all numbers.
    let id = ConversationId::user(20_005);
    client.simulator.restart(id, u64::MAX - 1).unwrap();
    let last = client.receive(NewMessage::text(20_005, "尽头"));
    assert_eq!(last.msg_seqno, u64::MAX);
    assert!(
        client
            .simulator
            .restart(ConversationId::user(1), 0)
            .is_err()
    );
}

#[test]
fn numbers_follow_the_one_that_is_set() {
    let mut client = Client::default();
    client
        .simulator
        .number_from(ConversationId::group(9), 50_000);
    assert_eq!(list(&mut client, 4, None, false), (0, Vec::new()));
    let arrived = client.receive(NewMessage::text(31, "你好").in_group(9));
    assert_eq!(arrived.msg_seqno, 50_001);
    assert_eq!(list(&mut client, 4, None, false), (0, vec![9]));
}
