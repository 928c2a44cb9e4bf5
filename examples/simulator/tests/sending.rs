//! Sending, and every code that refuses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{ConversationId, NewMessage, Standing};
use serde_json::json;
use support::{Client, DEVICE, SEND};

#[test]
fn a_text_lies_in_the_conversation_and_in_the_state() {
    let mut client = Client::default();
    let body = client.text("20001", "你好");
    assert_eq!(body["code"], 0, "{body}");
    let key = body["data"]["msg_key"].as_i64().unwrap();
    let (_, data) = client.page("20001", 0, None, "20");
    assert_eq!(
        (
            &data["messages"][0]["msg_key"],
            &data["messages"][0]["sender_uid"]
        ),
        (&json!(key), &json!(10001))
    );
    let state = client.state();
    assert_eq!(
        state["sent"],
        json!([{"receiver_type": 1, "receiver_id": 20001, "msg_type": 1, "content": {"content": "你好"}, "msg_key": key.to_string(), "msg_status": 0}])
    );
    assert_eq!(state["requests"][SEND], 1);
    assert_eq!(state["conversations"][0]["messages"], 1);
}

#[test]
fn pictures_lie_with_the_service() {
    let mut client = Client::default();
    for (msg_type, url, code) in [
        ("2", "https://i0.hdslb.com/bfs/im_new/0.png", 0),
        ("6", "https://message.biliimg.com/bfs/im/0.png", 0),
        ("2", "http://i1.hdslb.com/bfs/im_new/0.png", 0),
        ("2", "https://example.com/bfs/im_new/0.png", 21_037),
        ("2", "https://i0.hdslb.com.example.com/0.png", 21_037),
        ("2", "https://nothdslb.com/0.png", 21_037),
        ("2", "https://i0.hdslb.com@example.com/0.png", 21_037),
        ("6", "file:///bfs/0.png", 21_037),
        ("2", "", 21_037),
    ] {
        let content = json!({"url": url, "width": 1, "height": 1, "imageType": "png", "original": 1, "size": 1.5}).to_string();
        assert_eq!(
            client.send("1", "20001", msg_type, &content)["code"],
            code,
            "{url}"
        );
    }
}

#[test]
fn withdrawing_has_its_rules() {
    let mut client = Client::default();
    let key = client.text("20001", "错了")["data"]["msg_key"].to_string();
    let late = client.text("20001", "也错了")["data"]["msg_key"].to_string();
    let theirs = client
        .receive(NewMessage::text(20001, "好"))
        .msg_key
        .to_string();
    assert_eq!(
        client.send("1", "20001", "5", "7500000000000009999")["code"],
        10_005
    );
    assert_eq!(
        client.send("1", "20002", "5", &key)["code"],
        10_005,
        "in another conversation"
    );
    assert_eq!(client.send("1", "20001", "5", &theirs)["code"], 700_009);
    client.later(120_000);
    let word = client.send("1", "20001", "5", &key);
    assert_eq!(word["code"], 0);
    assert_eq!(
        client.send("1", "20001", "5", &format!("\"{key}\""))["code"],
        21_042
    );
    assert_eq!(
        client.send("1", "20001", "5", &format!("{{\"content\":\"{key}\"}}"))["code"],
        21_042
    );
    assert_eq!(
        client.send("1", "20001", "5", &word["data"]["msg_key"].to_string())["code"],
        10_005
    );
    assert_eq!(client.send("1", "20001", "5", "{}")["code"], 2);
    client.later(1000);
    assert_eq!(client.send("1", "20001", "5", &late)["code"], 21_041);
    let statuses: Vec<i64> = client
        .simulator
        .messages(ConversationId::user(20001))
        .map(|(_, message)| message.msg_status)
        .collect();
    assert_eq!(statuses, [1, 0, 0, 0]);
    assert_eq!(
        client.state()["sent"][2]["content"],
        key,
        "a key stays a string"
    );
}

#[test]
fn what_is_too_long_to_oneself_or_nothing_is_refused() {
    let mut client = Client::default();
    let longest = "a".repeat(2000 - "{\"content\":\"\"}".len());
    assert_eq!(client.text("20001", &longest)["code"], 0);
    assert_eq!(client.text("20001", &(longest + "a"))["code"], 21_007);
    assert_eq!(client.text("10001", "你好")["code"], 21_026);
    assert_eq!(client.text("20001", "")["code"], 2);
    for content in ["", "no JSON", "{}", "[]", "{\"content\":1}"] {
        assert_eq!(
            client.send("1", "20001", "1", content)["code"],
            2,
            "{content}"
        );
    }
    assert_eq!(client.send("1", "20001", "7", "{}")["code"], 21_035);
    assert_eq!(client.state()["sent"].as_array().unwrap().len(), 1);
}

#[test]
fn fields_that_are_missing_or_do_not_agree_are_refused() {
    let mut client = Client::default();
    for (name, value, code) in [
        ("msg[sender_uid]", "", -400),
        ("msg[receiver_id]", "", -400),
        ("msg[receiver_type]", "", -400),
        ("msg[msg_type]", "x", -400),
        ("msg[timestamp]", "", -400),
        ("msg[dev_id]", "", -400),
        ("msg[sender_uid]", "10002", 2),
        ("msg[receiver_id]", "20002", 2),
        ("msg[receiver_type]", "3", 2),
        ("msg[timestamp]", "0", 2),
        ("msg[msg_status]", "1", 2),
        ("msg[new_face_version]", "2", 2),
        ("msg[dev_id]", "a6716e9a-7ce3-47af-994b-f0b34178d28d", 2),
        ("msg[dev_id]", "A6716E9A-7CE3-47AF-994B-F0B34178D28E", 2),
        ("msg[dev_id]", DEVICE, 0),
    ] {
        assert_eq!(
            client.send_with("1", "20001", "1", "{\"content\":\"a\"}", &[(name, value)])["code"],
            code,
            "{name} {value}"
        );
    }
    assert_eq!(
        client.send("1", "-1", "1", "{\"content\":\"a\"}")["code"],
        2
    );
}

#[test]
fn groups_are_written_to_by_those_who_are_in_them() {
    let mut client = Client::default();
    let text = "{\"content\":\"大家好\"}";
    assert_eq!(client.send("2", "221300", "1", text)["code"], 700_014);
    client.receive(NewMessage::text(20001, "欢迎").in_group(221_300));
    assert_eq!(client.send("2", "221300", "1", text)["code"], 0);
    client.simulator.group_mut(221_300).standing = Standing::Dissolved;
    assert_eq!(client.send("2", "221300", "1", text)["code"], 700_013);
}

#[test]
fn others_may_refuse_with_any_code() {
    let mut client = Client::default();
    for code in [21_015, 21_020, 21_028, 21_046, 21_047, 25_003, 25_005] {
        client.simulator.peer_mut(20_001).refuses = Some(code);
        let body = client.text("20001", "你好");
        assert_eq!(body["code"], code);
        assert_ne!(body["message"], "请求失败", "{code} has its words");
    }
    client.simulator.peer_mut(20_001).refuses = None;
    assert_eq!(client.text("20001", "你好")["code"], 0);
}

#[test]
fn emotes_and_the_content_come_back() {
    let mut client = Client::default();
    let body = client.text("20001", "[doge]");
    assert_eq!(body["data"]["e_infos"][0]["text"], "[doge]");
    assert_eq!(body["data"]["msg_content"], "{\"content\":\"[doge]\"}");
}
