//! Each way in which the feeds may be odd.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{Config, FeedKind, NewNotification, Quirks};
use serde_json::{Value, json};
use support::{Client, START_US};

const NOW: i64 = START_US / 1_000_000;
const REPLY: &str = "/x/msgfeed/reply";

fn with(feeds: Value) -> Client {
    let quirks = Quirks::from_json(&json!({"feeds": feeds})).unwrap();
    Client::new(Config {
        feeds: false,
        quirks,
        ..Config::default()
    })
}

fn post(client: &mut Client, kind: FeedKind, count: u64) {
    let body = json!({"kind": kind.as_str(), "count": count});
    assert_eq!(client.control("feed", &body).0, 200);
}

/// Returns the items that are shown, as numbers after the one that a feed begins with.
fn shown(client: &Client, kind: FeedKind) -> Vec<i64> {
    let shown = client.simulator.feed(client.now_us, kind);
    let least = match kind {
        FeedKind::Reply => 9_100_000_000_045,
        FeedKind::At => 9_200_000_000_035,
        FeedKind::Like => 9_300_000_000_060,
        FeedKind::System => START_US * 1000 - 1,
    };
    shown.iter().map(|it| it.id - least).collect()
}

/// The page of replies after this cursor, in the numbers of [`shown`], and its cursor.
fn page(client: &mut Client, after: &Value) -> (Vec<i64>, Value) {
    let (id, time) = (after["id"].to_string(), after["time"].to_string());
    let query = [("id", id.as_str()), ("reply_time", time.as_str())];
    let query = if after.is_null() { &[][..] } else { &query };
    let data = client.get(REPLY, query)["data"].take();
    let items = data["items"].as_array().unwrap().iter();
    let ids = items.map(|it| it["id"].as_i64().unwrap() - 9_100_000_000_045);
    (ids.collect(), data["cursor"].clone())
}

fn unread(client: &mut Client) -> Value {
    client.get("/x/msgfeed/unread", &[])["data"]["reply"].take()
}

#[test]
fn pages_are_as_long_as_they_should_be() {
    let mut client = with(json!({"page_size": 2}));
    post(&mut client, FeedKind::Reply, 5);
    let (first, cursor) = page(&mut client, &Value::Null);
    let (second, cursor) = page(&mut client, &cursor);
    let (third, cursor) = page(&mut client, &cursor);
    assert_eq!((first, second, third), (vec![5, 4], vec![3, 2], vec![1]));
    assert_eq!(cursor["is_end"], true);
    post(&mut client, FeedKind::System, 9);
    let notices = client.get("/x/sys-msg/query_user_notify", &[("page_size", "20")]);
    assert_eq!(
        notices["data"]["system_notify_list"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let query = [("cursor", "9223372036854775807"), ("data_type", "1")];
    let notices = client.get("/x/sys-msg/query_notify_list", &query);
    assert_eq!(notices["data"].as_array().unwrap().len(), 2);
}

#[test]
fn every_other_one_shows_up_late_where_it_belongs() {
    for kind in FeedKind::ALL {
        let mut client = with(json!({"late_s": 40}));
        post(&mut client, kind, 4);
        assert_eq!(shown(&client, kind), [4, 2], "{kind:?}");
        client.later(39_999);
        assert_eq!(shown(&client, kind), [4, 2], "{kind:?}");
        client.later(1);
        assert_eq!(shown(&client, kind), [4, 3, 2, 1], "{kind:?}");
        let old = client.simulator.feed(client.now_us, kind);
        assert!(old.iter().all(|it| it.time == NOW), "{old:?}");
    }
}

#[test]
fn one_may_be_late_without_any_quirk() {
    let mut client = with(json!({}));
    let late = NewNotification::like(20_001, 7).late_by(10);
    let late = client.simulator.notify(client.now_us, late).unwrap();
    client.later(1000);
    let again = NewNotification::like(20_002, 7);
    client.simulator.notify(client.now_us, again).unwrap();
    let counts = |client: &Client| {
        let shown = client.simulator.feed(client.now_us, FeedKind::Like);
        (shown[0].id, shown[0].time, shown[0].counts)
    };
    assert_eq!(counts(&client), (late.id, NOW + 1, 1));
    client.later(9000);
    assert_eq!(counts(&client), (late.id, NOW + 1, 2));
}

#[test]
fn times_may_lie_in_the_future() {
    let mut client = with(json!({"ahead_s": 600}));
    post(&mut client, FeedKind::At, 4);
    let times = |client: &Client| -> Vec<i64> {
        let shown = client.simulator.feed(client.now_us, FeedKind::At);
        shown.iter().map(|it| it.time - NOW).collect()
    };
    assert_eq!(times(&client), [600, 600, 0, 0]);
    assert_eq!(shown(&client, FeedKind::At), [4, 1, 3, 2]);
    client.simulator.quirks_mut().feeds.by_id = true;
    assert_eq!(shown(&client, FeedKind::At), [4, 3, 2, 1]);
    assert_eq!(times(&client), [600, 0, 0, 600]);
}

#[test]
fn pages_go_by_number_where_the_feed_does() {
    let mut client = with(json!({"ahead_s": 600, "by_id": true, "page_size": 3}));
    post(&mut client, FeedKind::Reply, 7);
    let (first, cursor) = page(&mut client, &Value::Null);
    let (second, cursor) = page(&mut client, &cursor);
    let (third, _) = page(&mut client, &cursor);
    assert_eq!([first, second, third].concat(), [7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn one_second_may_stand_in_any_order() {
    for kind in [FeedKind::Reply, FeedKind::At, FeedKind::Like] {
        let mut client = with(json!({"seconds_in_any_order": true}));
        post(&mut client, kind, 9);
        client.later(1000);
        post(&mut client, kind, 1);
        let mut found = shown(&client, kind);
        assert_eq!(found[0], 10);
        assert!(!found.is_sorted_by(|a, b| a > b), "{found:?}");
        assert_eq!(found, shown(&client, kind), "the same order each time");
        found.sort_unstable();
        assert_eq!(found, (1..=10).collect::<Vec<_>>());
    }
    let mut client = with(json!({"seconds_in_any_order": true, "page_size": 2}));
    post(&mut client, FeedKind::Reply, 7);
    let expected = shown(&client, FeedKind::Reply);
    let (mut found, mut cursor) = page(&mut client, &Value::Null);
    while cursor["is_end"] == false {
        let (items, next) = page(&mut client, &cursor);
        found.extend(items);
        cursor = next;
    }
    assert_eq!(found, expected);
}

#[test]
fn some_cannot_be_read() {
    let mut client = with(json!({"unreadable_every": 3}));
    for kind in FeedKind::ALL {
        post(&mut client, kind, 6);
    }
    let mut data = |path: &str| client.get(path, &[])["data"].take();
    let lists = [
        data(REPLY)["items"].take(),
        data("/x/msgfeed/at")["items"].take(),
        data("/x/msgfeed/like")["total"]["items"].take(),
    ];
    for list in lists {
        let items = list.as_array().unwrap().iter();
        let readable: Vec<bool> = items.map(|it| it["id"].is_i64()).collect();
        assert_eq!(readable, [false, true, true, false, true, true]);
    }
    let notices = data("/x/sys-msg/query_user_notify")["system_notify_list"].take();
    // Every other one is of this source.
    let items = notices.as_array().unwrap().iter();
    let readable: Vec<bool> = items.map(|it| it["id"].is_i64()).collect();
    assert_eq!(readable, [false, true, true]);

    let mut client = with(json!({}));
    let odd = NewNotification::reply(20_001, "读不了").unreadable();
    let odd = client.simulator.notify(client.now_us, odd).unwrap();
    let data = client.get(REPLY, &[])["data"].take();
    assert_eq!(data["items"][0]["id"], "一");
    assert_eq!(data["cursor"]["id"], odd.id, "the cursor knows its number");
}

#[test]
fn something_may_happen_between_two_pages() {
    for (is_place, expected) in [
        (false, [vec![5, 4], vec![3, 2], vec![1]]),
        (true, [vec![5, 4], vec![4, 3], vec![3, 2]]),
    ] {
        let mut client = with(json!({"page_size": 2, "cursor_is_place": is_place}));
        post(&mut client, FeedKind::Reply, 5);
        client.simulator.quirks_mut().feeds.posts_between_pages = true;
        let (first, cursor) = page(&mut client, &Value::Null);
        assert_eq!(shown(&client, FeedKind::Reply)[0], 6);
        let (second, cursor) = page(&mut client, &cursor);
        assert_eq!(shown(&client, FeedKind::Reply)[0], 7);
        let (third, _) = page(&mut client, &cursor);
        assert_eq!([first, second, third], expected);
    }
}

#[test]
fn a_cursor_that_is_a_place_hides_nothing() {
    let mut client = with(json!({"page_size": 2, "cursor_is_place": true}));
    post(&mut client, FeedKind::Reply, 5);
    let (first, cursor) = page(&mut client, &Value::Null);
    let gone = client.simulator.feed(client.now_us, FeedKind::Reply)[0];
    client
        .simulator
        .vanish(10_001, FeedKind::Reply, gone.id)
        .unwrap();
    let (second, cursor) = page(&mut client, &cursor);
    assert_eq!((first, second), (vec![5, 4], vec![3, 2]));
    // The item that the cursor names may be gone as well.
    let gone = cursor["id"].as_i64().unwrap();
    client
        .simulator
        .vanish(10_001, FeedKind::Reply, gone)
        .unwrap();
    assert_eq!(page(&mut client, &cursor).0, [1]);
}

#[test]
fn ends_of_feeds() {
    let mut client = with(json!({"empty_cursor_null": true}));
    assert_eq!(page(&mut client, &Value::Null), (vec![], Value::Null));
    let likes = client.get("/x/msgfeed/like", &[])["data"].take();
    assert_eq!(likes["total"]["cursor"], Value::Null);

    let mut client = with(json!({"ends_on_empty_page": true}));
    post(&mut client, FeedKind::Reply, 1);
    let (items, cursor) = page(&mut client, &Value::Null);
    assert_eq!((items, &cursor["is_end"]), (vec![1], &json!(false)));
    let end = json!({"is_end": true, "id": 0, "time": 0});
    assert_eq!(page(&mut client, &cursor), (vec![], end));
}

#[test]
fn latest_likes_may_stand_there_alone() {
    let mut client = with(json!({"latest_alone": true}));
    post(&mut client, FeedKind::Like, 5);
    let likes = client.get("/x/msgfeed/like", &[])["data"].take();
    let ids = |list: &Value| -> Vec<i64> {
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|it| it["id"].as_i64().unwrap() - 9_300_000_000_060)
            .collect()
    };
    assert_eq!(
        (ids(&likes["latest"]), ids(&likes["total"])),
        (vec![5, 4, 3], vec![2, 1])
    );
}

#[test]
fn counters_may_be_late_or_stuck() {
    let mut client = with(json!({"counters": {"late": 30}}));
    post(&mut client, FeedKind::Reply, 2);
    assert_eq!(unread(&mut client), 0);
    client.later(30_000);
    assert_eq!(unread(&mut client), 2);

    client.simulator.quirks_mut().feeds =
        Quirks::from_json(&json!({"feeds": {"counters": "stuck"}}))
            .unwrap()
            .feeds;
    post(&mut client, FeedKind::Reply, 3);
    client.later(3_600_000);
    assert_eq!(unread(&mut client), 2);
    client.control("look", &json!({}));
    post(&mut client, FeedKind::Reply, 1);
    assert_eq!(unread(&mut client), 0);
    // What was never counted is there all the same.
    assert_eq!(page(&mut client, &Value::Null).0.len(), 6);
}

#[test]
fn what_is_late_is_counted_when_it_shows() {
    let mut client = with(json!({"late_s": 40}));
    post(&mut client, FeedKind::Reply, 2);
    assert_eq!(unread(&mut client), 1);
    client.control("look", &json!({}));
    assert_eq!(unread(&mut client), 0);
    client.later(40_000);
    assert_eq!(unread(&mut client), 1);
}

#[test]
fn reading_may_be_looking() {
    for reading in [false, true] {
        let mut client = with(json!({"reading_is_looking": reading}));
        for kind in FeedKind::ALL {
            post(&mut client, kind, 1);
        }
        for (path, name) in [
            (REPLY, "reply"),
            ("/x/msgfeed/at", "at"),
            ("/x/msgfeed/like", "like"),
            ("/x/sys-msg/query_unified_notify", "sys_msg"),
        ] {
            let mut count = || client.get("/x/msgfeed/unread", &[])["data"][name].take();
            assert_eq!(count(), 1, "{name}");
            client.get(path, &[]);
            let mut count = || client.get("/x/msgfeed/unread", &[])["data"][name].take();
            assert_eq!(count(), i64::from(!reading), "{name}");
        }
    }
}

#[test]
fn quirks_that_nobody_knows_are_refused() {
    let mut client = Client::default();
    for wrong in [
        json!({"feeds": {"late": 1}}),
        json!({"feeds": {"counters": "never"}}),
        json!({"feeds": {"page_size": -1}}),
    ] {
        assert_eq!(client.control("quirks", &wrong).0, 400, "{wrong}");
    }
}
