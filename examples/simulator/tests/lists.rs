//! Lists of conversations, and what a user does to one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{Config, NewMessage, Quirks};
use serde_json::{Value, json};
use support::{Client, LISTS, talkers};

/// One conversation a second, with talkers 20001, 20002 …
fn filled(count: i64, quirks: Quirks) -> Client {
    let mut client = Client::new(Config {
        quirks,
        ..Config::default()
    });
    for n in 1..=count {
        client.later(1000);
        client.receive(NewMessage::text(20_000 + n, "你好"));
    }
    client
}

fn list(client: &mut Client, query: &[(&str, &str)]) -> Value {
    let body = client.get(&format!("{LISTS}/get_sessions"), query);
    assert_eq!(body["code"], 0, "{body}");
    body
}

fn last_ts(body: &Value) -> i64 {
    body["data"]["session_list"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()["session_ts"]
        .as_i64()
        .unwrap()
}

#[test]
fn pages_lead_back_to_the_oldest() {
    for (end_ts_inclusive, cap) in [(false, None), (true, None), (false, Some(7))] {
        let mut client = filled(
            45,
            Quirks {
                end_ts_inclusive,
                conversation_page_cap: cap,
                ..Quirks::default()
            },
        );
        let mut body = list(&mut client, &[("session_type", "4")]);
        assert_eq!(talkers(&body).len(), cap.unwrap_or(20));
        let mut seen = talkers(&body);
        while body["data"]["has_more"] == 1 {
            let end_ts = (last_ts(&body) + 1).to_string();
            body = list(&mut client, &[("session_type", "4"), ("end_ts", &end_ts)]);
            seen.extend(talkers(&body));
        }
        seen.dedup();
        assert_eq!(seen, (20_001..=20_045).rev().collect::<Vec<_>>());
    }
}

#[test]
fn the_size_is_a_hundred_at_most() {
    let mut client = filled(120, Quirks::default());
    assert_eq!(talkers(&list(&mut client, &[("size", "1000")])).len(), 100);
    assert_eq!(talkers(&list(&mut client, &[("size", "3")])).len(), 3);
}

#[test]
fn bounds_are_exclusive_unless_a_quirk_says_otherwise() {
    let mut client = filled(3, Quirks::default());
    let ts = |n: i64| (support::START_US + n * 1_000_000).to_string();
    let new = |client: &mut Client, begin: &str| {
        talkers(&client.get(&format!("{LISTS}/new_sessions"), &[("begin_ts", begin)]))
    };
    assert_eq!(new(&mut client, &ts(1)), [20_003, 20_002]);
    assert_eq!(
        talkers(&list(
            &mut client,
            &[("begin_ts", &ts(1)), ("end_ts", &ts(3))]
        )),
        [20_002]
    );
    client.simulator.quirks_mut().begin_ts_inclusive = true;
    assert_eq!(new(&mut client, &ts(1)), [20_003, 20_002, 20_001]);
    client.simulator.quirks_mut().end_ts_inclusive = true;
    assert_eq!(
        talkers(&list(
            &mut client,
            &[("begin_ts", &ts(1)), ("end_ts", &ts(3))]
        )),
        [20_003, 20_002, 20_001]
    );
}

#[test]
fn new_sessions_says_when_there_is_more() {
    let mut client = filled(25, Quirks::default());
    let body = client.get(&format!("{LISTS}/new_sessions"), &[("begin_ts", "0")]);
    assert_eq!(
        (talkers(&body).len(), &body["data"]["has_more"]),
        (20, &json!(1))
    );
    assert_eq!(
        client.get(&format!("{LISTS}/new_sessions"), &[])["code"],
        -400
    );
    let now = client.now_us.to_string();
    assert_eq!(
        client.get(&format!("{LISTS}/new_sessions"), &[("begin_ts", &now)])["data"]["session_list"],
        Value::Null
    );
}

#[test]
fn kinds_of_conversations() {
    let mut client = Client::default();
    for uid in [20_001, 20_002, 20_003, 20_004] {
        client.receive(NewMessage::text(uid, "你好"));
    }
    client.receive(NewMessage::text(20_001, "大家好").in_group(221_300));
    client.simulator.peer_mut(20_002).is_follow = false;
    client.simulator.peer_mut(20_003).is_intercept = true;
    client.simulator.peer_mut(20_004).system_msg_type = 5;
    for (kind, expected) in [
        ("1", vec![20_004, 20_001]),
        ("2", vec![20_002]),
        ("8", vec![20_002]),
        ("3", vec![221_300]),
        ("4", vec![221_300, 20_004, 20_003, 20_002, 20_001]),
        ("5", vec![20_003]),
        ("7", vec![20_004]),
        ("9", vec![20_004, 20_003, 20_001]),
    ] {
        assert_eq!(
            talkers(&list(&mut client, &[("session_type", kind)])),
            expected,
            "{kind}"
        );
    }
    let singles = ["1", "2", "3", "5", "7"];
    let mut union: Vec<i64> = singles
        .iter()
        .flat_map(|kind| talkers(&list(&mut client, &[("session_type", kind)])))
        .collect();
    union.sort_unstable();
    union.dedup();
    assert_eq!(union, [20_001, 20_002, 20_003, 20_004, 221_300]);
    // Followed meanwhile: it moves at once.
    client.simulator.peer_mut(20_002).is_follow = true;
    for (kind, expected) in [("1", vec![20_004, 20_002, 20_001]), ("2", vec![])] {
        let body = list(&mut client, &[("session_type", kind)]);
        assert_eq!(talkers(&body), expected, "{kind}");
    }
    assert_eq!(
        list(&mut client, &[])["data"]["system_msg"],
        json!({"5": 20_004})
    );
    assert_eq!(
        client.get(&format!("{LISTS}/get_sessions"), &[("session_type", "6")])["code"],
        2
    );
    assert_eq!(
        client.get(&format!("{LISTS}/get_sessions"), &[("session_type", "x")])["code"],
        -400
    );
    assert_eq!(
        client.get(&format!("{LISTS}/get_sessions"), &[("end_ts", "x")])["code"],
        -400
    );
}

#[test]
fn a_conversation_has_the_fields_of_the_wire() {
    let mut client = filled(1, Quirks::default());
    let detail = client.get(
        &format!("{LISTS}/session_detail"),
        &[("talker_id", "20001"), ("session_type", "1")],
    );
    let data = &detail["data"];
    assert_eq!(
        (
            &data["talker_id"],
            &data["session_type"],
            &data["unread_count"]
        ),
        (&json!(20001), &json!(1), &json!(1))
    );
    assert_eq!(data["max_seqno"], data["last_msg"]["msg_seqno"]);
    assert_eq!(
        (&data["is_follow"], &data["account_info"]["name"]),
        (&json!(1), &json!("用户20001"))
    );
    assert_eq!(data, &list(&mut client, &[])["data"]["session_list"][0]);
    assert_eq!(
        client.get(
            &format!("{LISTS}/session_detail"),
            &[("talker_id", "1"), ("session_type", "1")]
        )["code"],
        1_000_004
    );
    assert_eq!(
        client.get(&format!("{LISTS}/session_detail"), &[("talker_id", "1")])["code"],
        -400
    );
}

#[test]
fn two_conversations_in_one_instant_differ_by_a_microsecond_unless_told_otherwise() {
    let mut client = Client::default();
    client.receive(NewMessage::text(20_001, "一"));
    client.receive(NewMessage::text(20_002, "二"));
    let ts = |body: &Value, n: usize| {
        body["data"]["session_list"][n]["session_ts"]
            .as_i64()
            .unwrap()
    };
    let body = list(&mut client, &[]);
    assert_eq!(ts(&body, 0), ts(&body, 1) + 1);
    for uid in [20_001, 20_002] {
        client.receive(NewMessage {
            session_ts: Some(7),
            ..NewMessage::text(uid, "三")
        });
    }
    let body = list(&mut client, &[]);
    assert_eq!((ts(&body, 0), ts(&body, 1)), (7, 7));
}

#[test]
fn reading_lowers_the_count_and_sending_clears_it() {
    let mut client = Client::default();
    let seqnos: Vec<String> = (0..3)
        .map(|_| {
            client
                .receive(NewMessage::text(20_001, "好"))
                .msg_seqno
                .to_string()
        })
        .collect();
    let ack = |client: &mut Client, seqno: &str| {
        client.post(
            &format!("{LISTS}/update_ack"),
            &[
                ("talker_id", "20001"),
                ("session_type", "1"),
                ("ack_seqno", seqno),
            ],
        )
    };
    let unread = |client: &mut Client| {
        client.get(&format!("{LISTS}/single_unread"), &[])["data"]["follow_unread"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(unread(&mut client), 3);
    assert_eq!(ack(&mut client, &seqnos[1])["data"], json!({}));
    assert_eq!(unread(&mut client), 1);
    ack(&mut client, &seqnos[0]);
    assert_eq!(unread(&mut client), 1, "what was read stays read");
    client.text("20001", "好");
    assert_eq!(unread(&mut client), 0);
    assert_eq!(ack(&mut client, "x")["code"], -400);
    assert_eq!(
        client.post(
            &format!("{LISTS}/update_ack"),
            &[
                ("talker_id", "1"),
                ("session_type", "1"),
                ("ack_seqno", "1")
            ]
        )["code"],
        1_000_004
    );
}

#[test]
fn counts_of_groups_strangers_and_the_muted() {
    let mut client = Client::default();
    client.receive(NewMessage::text(20_001, "好").in_group(221_300));
    client.receive(NewMessage::text(20_002, "好"));
    client.simulator.peer_mut(20_002).is_follow = false;
    let unread = client.get(&format!("{LISTS}/single_unread"), &[]);
    assert_eq!(
        (
            &unread["data"]["follow_unread"],
            &unread["data"]["unfollow_unread"]
        ),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        client.get(&format!("{LISTS}/my_group_unread"), &[])["data"]["unread_count"],
        1
    );
    client.simulator.quirks_mut().zeros_absent = true;
    assert_eq!(
        client.get(&format!("{LISTS}/single_unread"), &[])["data"],
        json!({"unfollow_unread": 1})
    );

    let dnd = "/link_setting/v1/link_setting/set_msg_dnd";
    assert_eq!(
        client.post(
            dnd,
            &[
                ("uid", "10001"),
                ("setting", "1"),
                ("dnd_group_id", "221300")
            ]
        )["code"],
        0
    );
    assert_eq!(
        client.post(
            dnd,
            &[("uid", "10001"), ("setting", "1"), ("dnd_uid", "20002")]
        )["code"],
        0
    );
    assert_eq!(
        client.get(&format!("{LISTS}/my_group_unread"), &[])["data"]["unread_count"],
        0
    );
    assert_eq!(
        list(&mut client, &[])["data"]["session_list"][0]["is_dnd"],
        1
    );
    for (form, code) in [
        ([("uid", "1"), ("setting", "1"), ("dnd_uid", "20002")], 2),
        (
            [("uid", "10001"), ("setting", "2"), ("dnd_uid", "20002")],
            2,
        ),
        (
            [("uid", "10001"), ("setting", "1"), ("dnd_uid", "1")],
            1_000_004,
        ),
        ([("uid", "10001"), ("setting", "1"), ("other", "1")], -400),
    ] {
        assert_eq!(client.post(dnd, &form)["code"], code, "{form:?}");
    }
}

#[test]
fn a_removed_conversation_comes_back_with_its_next_message() {
    let mut client = filled(2, Quirks::default());
    let form = [("talker_id", "20002"), ("session_type", "1")];
    assert_eq!(
        client.post(&format!("{LISTS}/remove_session"), &form)["code"],
        0
    );
    assert_eq!(talkers(&list(&mut client, &[])), [20_001]);
    client.receive(NewMessage::text(20_002, "还在"));
    assert_eq!(talkers(&list(&mut client, &[])), [20_002, 20_001]);
    assert_eq!(
        client.post(
            &format!("{LISTS}/remove_session"),
            &[("talker_id", "1"), ("session_type", "1")]
        )["code"],
        1_000_004
    );
}

#[test]
fn pinned_conversations_lead_the_first_page_if_the_server_is_so() {
    let mut client = filled(
        3,
        Quirks {
            pinned_first: true,
            ..Quirks::default()
        },
    );
    let pin = |client: &mut Client, op: &str| {
        client.post(
            &format!("{LISTS}/set_top"),
            &[
                ("talker_id", "20001"),
                ("session_type", "1"),
                ("op_type", op),
            ],
        )["code"]
            .clone()
    };
    assert_eq!(pin(&mut client, "0"), 0);
    let body = list(&mut client, &[("size", "2")]);
    assert_eq!(talkers(&body), [20_001, 20_003]);
    let end_ts = (last_ts(&body) + 1).to_string();
    assert_eq!(
        talkers(&list(&mut client, &[("end_ts", &end_ts)])),
        [20_003, 20_002]
    );
    assert_eq!(pin(&mut client, "1"), 0);
    assert_eq!(talkers(&list(&mut client, &[])), [20_003, 20_002, 20_001]);
    assert_eq!(pin(&mut client, "2"), 2);
}

#[test]
fn a_page_may_hold_a_conversation_twice() {
    let mut client = filled(
        2,
        Quirks {
            lists_twice: true,
            ..Quirks::default()
        },
    );
    assert_eq!(talkers(&list(&mut client, &[])), [20_002, 20_001, 20_002]);
}

#[test]
fn a_late_commit_carries_an_earlier_time() {
    let mut client = filled(
        1,
        Quirks {
            commit_lag_us: 400_000,
            ..Quirks::default()
        },
    );
    assert_eq!(last_ts(&list(&mut client, &[])), client.now_us - 400_000);
}

#[test]
fn settings_tell_two_of_them_only_when_asked() {
    let mut client = Client::default();
    let path = "/link_setting/v1/link_setting/get";
    let bare = client.get(path, &[]);
    assert!(bare["data"].get("msg_notify").is_none() && bare["data"]["set_at"] == 0);
    let asked = client.get(path, &[("msg_notify", "1"), ("show_unfollowed_msg", "1")]);
    assert_eq!(
        (
            &asked["data"]["msg_notify"],
            &asked["data"]["show_unfollowed_msg"]
        ),
        (&json!(1), &json!(1))
    );
}

#[test]
fn many_conversations_in_one_instant_are_paged_all_the_same() {
    let mut client = Client::default();
    for uid in 1..=3000 {
        client.receive(NewMessage::text(20_000 + uid, "你好"));
    }
    let (mut seen, mut end_ts) = (Vec::new(), i64::MAX.to_string());
    loop {
        let query = [("size", "100"), ("end_ts", end_ts.as_str())];
        let body = list(&mut client, &query);
        seen.extend(talkers(&body));
        if body["data"]["has_more"] == 0 {
            break;
        }
        end_ts = last_ts(&body).to_string();
    }
    assert_eq!(seen, (20_001..=23_000).rev().collect::<Vec<_>>());
}
