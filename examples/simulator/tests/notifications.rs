//! Replies, mentions, likes, system notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{Config, Feeds};
use serde_json::{Value, json};
use support::Client;

/// All pages of a feed: how many items each has, and all ids in order.
fn pages(client: &mut Client, path: &str, time: &str, within: &str) -> (Vec<usize>, Vec<i64>) {
    let (mut sizes, mut ids) = (Vec::new(), Vec::new());
    let mut cursor: Option<(String, String)> = None;
    loop {
        let query: Vec<(&str, &str)> = cursor
            .iter()
            .flat_map(|(id, at)| [("id", id.as_str()), (time, at.as_str())])
            .collect();
        let body = client.get(path, &query);
        let data = body.pointer(within).unwrap();
        let items = data["items"].as_array().unwrap();
        sizes.push(items.len());
        ids.extend(items.iter().map(|item| item["id"].as_i64().unwrap()));
        if data["cursor"]["is_end"] == true {
            return (sizes, ids);
        }
        cursor = Some((
            data["cursor"]["id"].to_string(),
            data["cursor"]["time"].to_string(),
        ));
    }
}

#[test]
fn feeds_are_paged_by_their_cursors() {
    let mut client = Client::default();
    for (path, time, within, sizes) in [
        ("/x/msgfeed/reply", "reply_time", "/data", vec![20, 20, 5]),
        ("/x/msgfeed/at", "at_time", "/data", vec![20, 15]),
        (
            "/x/msgfeed/like",
            "like_time",
            "/data/total",
            vec![20, 20, 20],
        ),
    ] {
        let (found, ids) = pages(&mut client, path, time, within);
        assert_eq!(found, sizes, "{path}");
        assert!(
            ids.is_sorted_by(|a, b| a > b),
            "newest first, none twice: {path}"
        );
        assert_eq!(client.get(path, &[("id", "x")])["code"], -400);
    }
}

#[test]
fn the_latest_likes_stand_in_both_lists_of_the_first_page() {
    let mut client = Client::default();
    let body = client.get("/x/msgfeed/like", &[]);
    let (latest, total) = (
        &body["data"]["latest"]["items"],
        &body["data"]["total"]["items"],
    );
    assert_eq!(latest.as_array().unwrap().len(), 3);
    assert_eq!((&latest[0], &latest[2]), (&total[0], &total[2]));
    assert!(
        total[5]["counts"].as_i64() > Some(2),
        "the true number, beyond the users shown"
    );
}

#[test]
fn empty_feeds_end_at_once() {
    let mut client = Client::new(Config {
        feeds: false,
        ..Config::default()
    });
    let body = client.get("/x/msgfeed/reply", &[]);
    assert_eq!(
        body["data"]["cursor"],
        json!({"is_end": true, "id": 0, "time": 0})
    );
    assert_eq!(body["data"]["items"], json!([]));
    client.simulator.quirks_mut().arrays_null = true;
    assert_eq!(
        client.get("/x/msgfeed/reply", &[])["data"]["items"],
        Value::Null
    );
    assert_eq!(
        client.get("/x/sys-msg/query_user_notify", &[])["data"]["system_notify_list"],
        Value::Null
    );
    assert_eq!(client.get("/x/msgfeed/unread", &[])["data"]["reply"], 0);
    *client.simulator.feeds_mut(10001).unwrap() = Feeds::made_up();
    assert_eq!(client.get("/x/msgfeed/unread", &[])["data"]["reply"], 45);
}

#[test]
fn notices_come_from_two_sources_that_overlap_and_go_on_as_an_array() {
    let mut client = Client::default();
    let cursors = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|it| it["cursor"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    // Some clients send the size empty.
    let user = client.get("/x/sys-msg/query_user_notify", &[("page_size", "")]);
    let user = cursors(&user["data"]["system_notify_list"]);
    let unified = client.get("/x/sys-msg/query_unified_notify", &[("page_size", "10")]);
    let unified = cursors(&unified["data"]["system_notify_list"]);
    assert_eq!((user.len(), unified.len()), (20, 10));
    assert_eq!(
        user.iter()
            .filter(|cursor| unified.contains(cursor))
            .count(),
        5
    );

    let mut all = [unified, user].concat();
    all.sort_by(|a, b| b.cmp(a));
    all.dedup();
    loop {
        let cursor = all.last().unwrap().to_string();
        let body = client.get(
            "/x/sys-msg/query_notify_list",
            &[("cursor", &cursor), ("data_type", "1")],
        );
        let page = cursors(&body["data"]);
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert_eq!(all.len(), 60);
    assert!(all.is_sorted_by(|a, b| a > b) && all[0] > 1_000_000_000_000_000_000);
    assert_eq!(
        client.get("/x/sys-msg/query_notify_list", &[("data_type", "1")])["code"],
        -400
    );
    assert_eq!(
        client.get("/x/sys-msg/query_notify_list", &[("cursor", "1")])["code"],
        -400
    );
}
