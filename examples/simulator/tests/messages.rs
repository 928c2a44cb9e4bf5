//! The messages of a conversation: pages in both directions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{
    Config, ConversationId, HasMore, Login, NewMessage, Quirks, Standing,
};
use serde_json::{Value, json};
use support::{Client, FETCH};

fn filled(count: usize, quirks: Quirks) -> (Client, Vec<u64>) {
    let mut client = Client::new(Config {
        quirks,
        ..Config::default()
    });
    let seqnos = (0..count)
        .map(|n| {
            client
                .receive(NewMessage::text(20001, &format!("第 {n} 条")))
                .msg_seqno
        })
        .collect();
    (client, seqnos)
}

#[test]
fn pages_lead_from_the_newest_to_the_beginning() {
    let (mut client, seqnos) = filled(45, Quirks::default());
    let (mut end, mut seen) = (None, Vec::new());
    loop {
        let (page, data) = client.page("20001", 0, end, "20");
        assert_eq!(
            (data["max_seqno"].as_u64(), data["min_seqno"].as_u64()),
            (page.first().copied(), page.last().copied())
        );
        end = page.last().copied();
        seen.extend(page);
        assert_eq!(data["has_more"], i64::from(seen.len() < 45));
        if data["has_more"] == 0 {
            break;
        }
    }
    seen.reverse();
    assert_eq!(seen, seqnos);
}

#[test]
fn what_is_forgotten_is_no_more_but_with_others() {
    let mut client = Client::default();
    let other = Login {
        uid: 10002,
        sessdata: "another".to_owned(),
        ..Login::default()
    };
    client.simulator.add_account(other).unwrap();
    let to_other = |client: &mut Client, text| {
        let own = client.simulator.login().uid;
        let message = NewMessage::text(own, text).to(10002);
        client.receive(message)
    };
    let first = to_other(&mut client, "one");
    let second = to_other(&mut client, "two");
    let alone: Vec<u64> = (0..3)
        .map(|_| client.receive(NewMessage::text(20001, "hi")).msg_seqno)
        .collect();
    let (here, there) = (ConversationId::user(10002), ConversationId::user(20001));
    client.simulator.forget(here, second.msg_seqno);
    client.simulator.forget(there, alone[2]);
    assert_eq!(client.page("10002", 0, None, "20").0, [second.msg_seqno]);
    assert_eq!(client.page("20001", 0, None, "20").0, [alone[2]]);
    assert_eq!(client.state()["conversations"][1]["max_seqno"], alone[2]);
    // With the other account it lies still, and can be taken back.
    client.simulator.withdraw(1, first.msg_key).unwrap();
}

#[test]
fn a_server_that_gives_the_oldest_of_a_gap_is_paged_the_other_way() {
    let (mut client, seqnos) = filled(
        45,
        Quirks {
            oldest_of_gap: true,
            ..Quirks::default()
        },
    );
    let (mut begin, mut seen) = (0, Vec::new());
    loop {
        let (mut page, data) = client.page("20001", begin, None, "20");
        assert!(
            page.is_sorted_by(|a, b| a > b),
            "newest first within a page"
        );
        page.reverse();
        begin = *page.last().unwrap();
        seen.extend(page);
        if data["has_more"] == 0 {
            break;
        }
    }
    assert_eq!(seen, seqnos);
}

#[test]
fn both_bounds_are_exclusive() {
    let (mut client, seqnos) = filled(5, Quirks::default());
    assert_eq!(
        client.page("20001", seqnos[0], Some(seqnos[4]), "20").0,
        [seqnos[3], seqnos[2], seqnos[1]]
    );
    assert_eq!(client.page("20001", seqnos[3], None, "20").0, [seqnos[4]]);
    assert!(client.page("20001", seqnos[4], None, "20").0.is_empty());
    assert!(
        client
            .page("20001", seqnos[0], Some(seqnos[1]), "20")
            .0
            .is_empty()
    );
    assert!(
        client
            .page("20001", seqnos[4], Some(seqnos[0]), "20")
            .0
            .is_empty()
    );
    assert!(
        client
            .page("20001", u64::MAX, Some(u64::MAX), "20")
            .0
            .is_empty()
    );
}

#[test]
fn an_empty_page_has_its_own_numbers() {
    let (mut client, seqnos) = filled(1, Quirks::default());
    let (_, data) = client.page("20001", seqnos[0], None, "20");
    assert_eq!(
        data,
        json!({"messages": null, "has_more": 0, "min_seqno": 18_446_744_073_709_551_615_u64, "max_seqno": 0})
    );
}

#[test]
fn without_a_size_only_tips_come() {
    let (mut client, _) = filled(3, Quirks::default());
    let tip = client.receive(NewMessage::new(
        20001,
        18,
        &json!({"content": "[{\"text\":\"提示\"}]"}),
    ));
    client.receive(NewMessage::text(20001, "最后"));
    let query = [("talker_id", "20001"), ("session_type", "1")];
    let body = client.get_signed(FETCH, &query);
    assert_eq!(body["data"]["messages"][0]["msg_seqno"], tip.msg_seqno);
    assert_eq!(body["data"]["messages"].as_array().unwrap().len(), 1);
    assert_eq!(client.page("20001", 0, None, "0").0, [tip.msg_seqno]);
}

#[test]
fn pages_have_an_upper_limit() {
    let (mut client, _) = filled(2100, Quirks::default());
    let (page, data) = client.page("20001", 0, None, "5000");
    assert_eq!((page.len(), &data["has_more"]), (2000, &json!(1)));
    client.simulator.quirks_mut().message_page_cap = Some(200);
    assert_eq!(client.page("20001", 0, None, "5000").0.len(), 200);
}

#[test]
fn numbers_rise_with_holes_for_users_and_count_for_groups() {
    let (mut client, seqnos) = filled(20, Quirks::default());
    assert!(seqnos.is_sorted_by(|a, b| a < b) && seqnos[0] > 1_000_000_000_000_000);
    assert!(seqnos.windows(2).any(|pair| pair[1] - pair[0] > 1));
    let group: Vec<u64> = (0..3)
        .map(|_| {
            client
                .receive(NewMessage::text(20001, "好").in_group(221_300))
                .msg_seqno
        })
        .collect();
    assert_eq!(group, [1, 2, 3]);
    // A user of the same number is another conversation.
    client.receive(NewMessage::text(221_300, "我不是群"));
    assert_eq!(
        client
            .simulator
            .messages(ConversationId::group(221_300))
            .count(),
        3
    );
    assert_eq!(
        client
            .simulator
            .messages(ConversationId::user(221_300))
            .count(),
        1
    );
}

#[test]
fn a_message_has_the_fields_of_the_wire() {
    let mut client = Client::default();
    let arrived = client.receive(NewMessage::text(20001, "你好 [doge]").at(1_699_999_000));
    let (_, data) = client.page("20001", 0, None, "20");
    assert_eq!(
        data["messages"][0],
        json!({
            "sender_uid": 20001, "receiver_type": 1, "receiver_id": 10001, "msg_type": 1, "content": "{\"content\":\"你好 [doge]\"}",
            "msg_seqno": arrived.msg_seqno, "timestamp": 1_699_999_000, "at_uids": [0], "msg_key": arrived.msg_key, "msg_status": 0,
            "notify_code": "", "new_face_version": 0, "msg_source": 7,
        })
    );
    assert!(arrived.msg_key > 7_500_000_000_000_000_000);
    assert_eq!(data["e_infos"][0]["text"], "[doge]");
}

#[test]
fn a_withdrawn_message_stays_and_a_word_about_it_arrives() {
    let mut client = Client::default();
    let slip = client.receive(NewMessage::text(20001, "错了"));
    let word = client
        .simulator
        .withdraw(client.now_us, slip.msg_key)
        .unwrap();
    let (page, data) = client.page("20001", 0, None, "20");
    assert_eq!(page, [word.msg_seqno, slip.msg_seqno]);
    assert_eq!(
        (
            &data["messages"][0]["msg_type"],
            &data["messages"][0]["content"]
        ),
        (&json!(5), &json!(slip.msg_key.to_string()))
    );
    assert_eq!(data["messages"][1]["msg_status"], 1);
    assert!(client.simulator.withdraw(client.now_us, 1).is_err());
}

#[test]
fn what_was_taken_down_counts_and_is_not_delivered() {
    let (mut client, seqnos) = filled(2, Quirks::default());
    let (_, data) = client.page("20001", 0, None, "20");
    client
        .simulator
        .take_down(data["messages"][0]["msg_key"].as_i64().unwrap())
        .unwrap();
    assert!(client.page("20001", seqnos[0], None, "20").0.is_empty());
    let detail = client.get(
        &format!("{}/session_detail", support::LISTS),
        &[("talker_id", "20001"), ("session_type", "1")],
    );
    assert_eq!(detail["data"]["max_seqno"], seqnos[1]);
}

#[test]
fn conversations_that_are_not_or_are_over_are_refused() {
    let mut client = Client::default();
    let group = [
        ("talker_id", "221300"),
        ("session_type", "2"),
        ("size", "20"),
    ];
    assert_eq!(client.get_signed(FETCH, &group)["code"], 1_000_004);
    client.receive(NewMessage::text(20001, "好").in_group(221_300));
    assert_eq!(client.get_signed(FETCH, &group)["code"], 0);
    for (standing, code) in [
        (Standing::Dissolved, 700_013),
        (Standing::Left, 700_014),
        (Standing::Member, 0),
    ] {
        client.simulator.group_mut(221_300).standing = standing;
        assert_eq!(client.get_signed(FETCH, &group)["code"], code);
    }
}

#[test]
fn wrong_parameters_are_refused() {
    let (mut client, _) = filled(1, Quirks::default());
    for (query, code) in [
        (vec![("session_type", "1")], -400),
        (vec![("talker_id", "20001")], -400),
        (vec![("talker_id", "x"), ("session_type", "1")], -400),
        (vec![("talker_id", "20001"), ("session_type", "3")], 2),
        (vec![("talker_id", "0"), ("session_type", "1")], 2),
        (
            vec![
                ("talker_id", "20001"),
                ("session_type", "1"),
                ("size", "-1"),
            ],
            -400,
        ),
        (
            vec![
                ("talker_id", "20001"),
                ("session_type", "1"),
                ("begin_seqno", "x"),
            ],
            -400,
        ),
        (
            vec![
                ("talker_id", "20001"),
                ("session_type", "1"),
                ("end_seqno", "1.5"),
            ],
            -400,
        ),
    ] {
        assert_eq!(client.get_signed(FETCH, &query)["code"], code, "{query:?}");
    }
}

#[test]
fn odd_shapes_on_demand() {
    let (mut client, seqnos) = filled(
        1,
        Quirks {
            numbers_as_strings: true,
            flags_as_bool: true,
            ..Quirks::default()
        },
    );
    let query = [
        ("talker_id", "20001"),
        ("session_type", "1"),
        ("size", "20"),
    ];
    let body = client.get_signed(FETCH, &query);
    assert_eq!(body["code"], 0);
    assert_eq!(
        body["data"]["messages"][0]["msg_seqno"],
        seqnos[0].to_string()
    );
    assert_eq!(body["data"]["has_more"], false);
    *client.simulator.quirks_mut() = Quirks {
        has_more: HasMore::AlwaysYes,
        ..Quirks::default()
    };
    assert_eq!(client.get_signed(FETCH, &query)["data"]["has_more"], 1);
    *client.simulator.quirks_mut() = Quirks {
        has_more: HasMore::AlwaysNo,
        ..Quirks::default()
    };
    client.receive(NewMessage::text(20001, "更多"));
    assert_eq!(client.page("20001", 0, None, "1").1["has_more"], 0);
}

#[test]
fn a_hundred_thousand_messages_are_paged_without_looking_at_all_of_them_each_time() {
    let mut client = Client::default();
    let (status, _) = client.control(
        "message",
        &json!({"from": 20001, "content": {"content": "号"}, "count": 100_000}),
    );
    assert_eq!(status, 200);
    let (mut end, mut pages, mut expected) = (None, 0, 100_000_u64);
    loop {
        let (page, data) = client.page("20001", 0, end, "2000");
        for message in data["messages"].as_array().unwrap() {
            let content: Value =
                serde_json::from_str(message["content"].as_str().unwrap()).unwrap();
            assert_eq!(content["content"], format!("号 {expected}"));
            expected -= 1;
        }
        end = page.last().copied();
        pages += 1;
        if data["has_more"] == 0 {
            break;
        }
    }
    assert_eq!((pages, expected), (50, 0));
}
