//! Names of users.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::NewMessage;
use serde_json::{Value, json};
use support::Client;

fn ask(client: &mut Client, uids: &str) -> Value {
    client.get("/x/im/user_infos", &[("uids", uids)])
}

#[test]
fn those_who_are_known_are_named() {
    let mut client = Client::default();
    client.receive(NewMessage::text(20_001, "你好"));
    client.receive(NewMessage::text(20_002, "大家好").in_group(221_300));
    client.simulator.peer_mut(20_001).name = "小电视".to_owned();
    let body = ask(&mut client, "20001,20002,29999,10001");
    let users = body["data"].as_array().unwrap();
    let names: Vec<(&Value, &Value)> = users.iter().map(|it| (&it["mid"], &it["name"])).collect();
    assert_eq!(
        names,
        [
            (&json!(20_001), &json!("小电视")),
            (&json!(20_002), &json!("用户20002")),
            (&json!(10_001), &json!("模拟用户")),
        ]
    );
    assert_eq!(ask(&mut client, "29999")["data"], json!([]));
}

#[test]
fn at_most_fifty_are_asked_for() {
    let mut client = Client::default();
    let uids = |count: i64| {
        let uids: Vec<String> = (1..=count).map(|uid| uid.to_string()).collect();
        uids.join(",")
    };
    assert_eq!(ask(&mut client, &uids(50))["code"], 0);
    for refused in [&*uids(51), "", "x", "1,,2"] {
        assert_eq!(ask(&mut client, refused)["code"], -400, "{refused}");
    }
}
