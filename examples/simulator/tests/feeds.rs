//! Notifications of an account: where they come to stand, and what the counters say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{
    Config, FaultKind, FeedKind, Login, NewNotification, NoticeSource, Notified,
};
use bilibili_session_simulator::{Fault, Simulator};
use http::StatusCode;
use serde_json::{Value, json};
use support::{Client, START_US};

const NOW: i64 = START_US / 1_000_000;
const OWN: i64 = 10_001;

fn empty() -> Client {
    Client::new(Config {
        feeds: false,
        ..Config::default()
    })
}

fn notify(client: &mut Client, new: NewNotification) -> Notified {
    client.simulator.notify(client.now_us, new).unwrap()
}

fn data(client: &mut Client, path: &str) -> Value {
    client.get(path, &[])["data"].take()
}

fn ids(simulator: &Simulator, now_us: i64, kind: FeedKind) -> Vec<i64> {
    let shown = simulator.feed(now_us, kind);
    shown.iter().map(|it| it.id).collect()
}

/// The counters of replies, mentions, likes and notices.
fn counters(client: &mut Client) -> [i64; 4] {
    let data = data(client, "/x/msgfeed/unread");
    assert_eq!(data["reply"], data["recv_reply"]);
    assert_eq!(data["like"], data["recv_like"]);
    ["reply", "at", "like", "sys_msg"].map(|name| data[name].as_i64().unwrap())
}

#[test]
fn replies_and_mentions_stand_newest_first() {
    for (kind, path, time) in [
        (FeedKind::Reply, "/x/msgfeed/reply", "reply_time"),
        (FeedKind::At, "/x/msgfeed/at", "at_time"),
    ] {
        let mut client = empty();
        let new = |user: i64, text: &str| NewNotification {
            kind,
            ..NewNotification::reply(user, text)
        };
        // Two within one second.
        let first = notify(&mut client, new(20_001, "一"));
        client.later(999);
        let second = notify(&mut client, new(20_002, "二"));
        client.later(1);
        let third = notify(&mut client, new(20_003, "三"));
        assert!(first.id < second.id && second.id < third.id);
        let times = [first, second, third].map(|it| it.time);
        assert_eq!(times, [NOW, NOW, NOW + 1]);
        let data = data(&mut client, path);
        let shown: Vec<Value> = data["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                json!([
                    it["id"],
                    it[time],
                    it["user"]["mid"],
                    it["item"]["source_content"]
                ])
            })
            .collect();
        assert_eq!(
            json!(shown),
            json!([
                [third.id, NOW + 1, 20_003, "三"],
                [second.id, NOW, 20_002, "二"],
                [first.id, NOW, 20_001, "一"]
            ])
        );
        let cursor = json!({"is_end": true, "id": first.id, "time": NOW});
        assert_eq!(data["cursor"], cursor);
        assert_eq!(
            client.simulator.feed(client.now_us, kind),
            [third, second, first]
        );
    }
}

#[test]
fn another_like_moves_the_item_up() {
    for new_ids in [false, true] {
        let mut client = empty();
        client.simulator.quirks_mut().feeds.likes_get_new_ids = new_ids;
        let first = notify(&mut client, NewNotification::like(20_001, 7));
        let other = notify(&mut client, NewNotification::like(20_001, 8));
        client.later(5000);
        notify(&mut client, NewNotification::like(20_002, 7));
        let again = notify(&mut client, NewNotification::like(20_003, 7));
        assert_eq!((again.time, again.counts), (NOW + 5, 3));
        assert_eq!(again.id == first.id, !new_ids);
        assert_eq!(again.id > other.id, new_ids);

        let data = data(&mut client, "/x/msgfeed/like");
        assert_eq!(data["latest"]["items"], data["total"]["items"]);
        let items = data["total"]["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        let brief = |it: &Value| {
            let users = it["users"].as_array().unwrap().iter();
            let users: Vec<&Value> = users.map(|user| &user["mid"]).collect();
            json!([
                it["id"],
                it["item"]["item_id"],
                it["like_time"],
                it["counts"],
                users
            ])
        };
        // The newest users come first, and not all are named.
        let expected = json!([again.id, 7, NOW + 5, 3, [20_003, 20_002]]);
        assert_eq!(brief(&items[0]), expected);
        assert_eq!(brief(&items[1]), json!([other.id, 8, NOW, 1, [20_001]]));
        assert_eq!(counters(&mut client), [0, 0, 4, 0]);
    }
}

#[test]
fn notices_take_turns_between_the_sources() {
    let mut client = empty();
    let [unified, user] =
        ["一", "二"].map(|text| notify(&mut client, NewNotification::system(text)));
    client.later(3_600_000);
    let both = NewNotification::system("三").from_source(NoticeSource::Both);
    let both = notify(&mut client, both);
    let cursors = |list: &Value| -> Vec<i64> {
        let list = list.as_array().unwrap().iter();
        list.map(|it| it["cursor"].as_i64().unwrap()).collect()
    };
    let lists = ["query_user_notify", "query_unified_notify"].map(|name| {
        let mut data = data(&mut client, &format!("/x/sys-msg/{name}"));
        data["system_notify_list"].take()
    });
    assert_eq!(cursors(&lists[0]), [both.id, user.id]);
    assert_eq!(cursors(&lists[1]), [both.id, unified.id]);
    assert!(unified.id < user.id && user.id < both.id);
    assert_eq!(both.id.to_string().len(), 19);
    // In Beijing, eight hours ahead.
    assert_eq!(lists[0][0]["time_at"], "2023-11-15 07:13:20");
    assert_eq!(lists[0][1]["time_at"], "2023-11-15 06:13:20");
    assert_eq!(lists[0][0]["content"], "三");
    let query = [
        ("cursor", both.id.to_string()),
        ("data_type", "1".to_owned()),
    ];
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, it)| (*name, it.as_str()))
        .collect();
    let older = client.get("/x/sys-msg/query_notify_list", &query);
    assert_eq!(cursors(&older["data"]), [user.id, unified.id]);
}

#[test]
fn what_its_author_deletes_is_gone() {
    let mut client = Client::default();
    for kind in FeedKind::ALL {
        let before = ids(&client.simulator, client.now_us, kind);
        let counted = counters(&mut client);
        client.simulator.vanish(OWN, kind, before[1]).unwrap();
        let (_, gone) = client.control(
            "vanish",
            &json!({"kind": kind.as_str(), "id": before[3].to_string()}),
        );
        assert_eq!(gone, json!({}));
        let mut expected = before.clone();
        expected.remove(3);
        expected.remove(1);
        assert_eq!(ids(&client.simulator, client.now_us, kind), expected);
        assert!(client.simulator.vanish(OWN, kind, before[1]).is_err());
        assert_ne!(counters(&mut client), counted);
        // What comes then has no number of those.
        let new = notify(&mut client, NewNotification::new(kind));
        assert!(new.id > before[0]);
    }
    let unknown = client.control("vanish", &json!({"kind": "at", "id": 1}));
    assert_eq!((unknown.0, unknown.1["error"].is_string()), (400, true));
}

#[test]
fn a_liked_thing_that_vanished_begins_anew() {
    let mut client = empty();
    client.simulator.quirks_mut().feeds.likes_get_new_ids = true;
    let first = notify(&mut client, NewNotification::like(20_001, 7));
    notify(&mut client, NewNotification::like(20_002, 7));
    client
        .simulator
        .vanish(OWN, FeedKind::Like, first.id)
        .unwrap();
    assert!(
        client
            .simulator
            .feed(client.now_us, FeedKind::Like)
            .is_empty()
    );
    let anew = notify(&mut client, NewNotification::like(20_003, 7));
    assert_eq!(anew.counts, 1);
}

#[test]
fn counters_go_to_zero_with_a_look() {
    let mut client = Client::default();
    // Each of the sixty liked things was liked by two who are named.
    assert_eq!(counters(&mut client), [45, 35, 120, 60]);
    client
        .simulator
        .look(OWN, client.now_us, Some(FeedKind::At))
        .unwrap();
    assert_eq!(counters(&mut client), [45, 0, 120, 60]);
    notify(&mut client, NewNotification::at(20_001, "看这里"));
    assert_eq!(counters(&mut client), [45, 1, 120, 60]);
    let (status, _) = client.control("look", &json!({"kind": "reply"}));
    assert_eq!((status, counters(&mut client)), (200, [0, 1, 120, 60]));
    client.later(60_000);
    client.control("look", &json!({}));
    assert_eq!(counters(&mut client), [0, 0, 0, 0]);
    let replies = data(&mut client, "/x/msgfeed/reply");
    assert_eq!(replies["last_view_at"], NOW + 60);
    assert_eq!(replies["items"].as_array().unwrap().len(), 20);
    assert_eq!(client.control("look", &json!({"kind": "chat"})).0, 400);
    assert!(client.simulator.look(5, client.now_us, None).is_err());
}

#[test]
fn control_requests_post() {
    let mut client = empty();
    let (status, one) = client.control("feed", &json!({"kind": "reply"}));
    let newest = ids(&client.simulator, client.now_us, FeedKind::Reply)[0];
    assert_eq!(
        (status, one),
        (200, json!({"id": newest.to_string(), "time": NOW}))
    );

    let many = json!({"kind": "reply", "count": 3, "user": 20_001, "text": "好", "item": 77});
    client.control("feed", &many);
    let items = data(&mut client, "/x/msgfeed/reply")["items"].take();
    let brief = |it: &Value| {
        json!([
            it["user"]["mid"],
            it["item"]["source_content"],
            it["item"]["subject_id"]
        ])
    };
    let items: Vec<Value> = items.as_array().unwrap().iter().map(brief).collect();
    assert_eq!(
        json!(items[..3]),
        json!([
            [20_001, "好 3", 77],
            [20_001, "好 2", 77],
            [20_001, "好 1", 77]
        ])
    );

    client.control("feed", &json!({"kind": "like", "count": 4}));
    assert_eq!(
        client.simulator.feed(client.now_us, FeedKind::Like).len(),
        4
    );
    client.control("feed", &json!({"kind": "like", "count": 4, "item": 5}));
    let likes = client.simulator.feed(client.now_us, FeedKind::Like);
    assert_eq!((likes.len(), likes[0].counts), (5, 4));

    let (_, notice) = client.control(
        "feed",
        &json!({"kind": "system", "source": "user", "timestamp": 1_600_000_000, "raw": {"title": null}}),
    );
    assert_eq!(notice["time"], 1_600_000_000);
    let list = data(&mut client, "/x/sys-msg/query_user_notify")["system_notify_list"].take();
    assert_eq!(
        (&list[0]["time_at"], list[0].get("title")),
        (&json!("2020-09-13 20:26:40"), None)
    );
    let feeds = json!({"reply": 4, "at": 0, "like": 5, "system": 1});
    assert_eq!(client.state()["feeds"], feeds);
}

#[test]
fn control_requests_that_make_no_sense_change_nothing() {
    let mut client = empty();
    for wrong in [
        json!({}),
        json!({"kind": "chat"}),
        json!({"kind": 1}),
        json!({"kind": "at", "count": 0}),
        json!({"kind": "at", "count": 200_001}),
        json!({"kind": "at", "user": 0}),
        json!({"kind": "like", "item": -1}),
        json!({"kind": "like", "item": "x"}),
        json!({"kind": "reply", "text": 1}),
        json!({"kind": "system", "source": "all"}),
        json!({"kind": "system", "raw": []}),
        json!({"kind": "at", "account": 5}),
    ] {
        let (status, body) = client.control("feed", &wrong);
        assert_eq!((status, body["error"].is_string()), (400, true), "{wrong}");
    }
    assert_eq!(counters(&mut client), [0; 4]);
    // Times that no calendar holds.
    client.control(
        "feed",
        &json!({"kind": "system", "count": 2, "timestamp": i64::MAX, "late_s": i64::MIN}),
    );
    let list = data(&mut client, "/x/sys-msg/query_user_notify")["system_notify_list"].take();
    assert_eq!(list[0]["time_at"], "0001-01-01 00:00:00");
}

#[test]
fn each_account_has_its_own() {
    let mut client = empty();
    client
        .simulator
        .add_account(Login::made_up(10_002))
        .unwrap();
    client.control("feed", &json!({"kind": "at", "account": 10_002}));
    assert_eq!(counters(&mut client), [0; 4]);
    client.cookie = format!("SESSDATA={}", Login::made_up(10_002).sessdata);
    assert_eq!(counters(&mut client), [0, 1, 0, 0]);
}

#[test]
fn faults_hit_feeds() {
    let mut client = Client::default();
    for path in [
        "/x/msgfeed/unread",
        "/x/msgfeed/reply",
        "/x/msgfeed/at",
        "/x/msgfeed/like",
        "/x/sys-msg/query_user_notify",
        "/x/sys-msg/query_unified_notify",
    ] {
        client.control(
            "fault",
            &json!({"path": path, "kind": "code", "code": -352}),
        );
        client
            .simulator
            .push_fault(Fault::once(path, FaultKind::DataNull));
        let bad_gateway = FaultKind::Http(StatusCode::BAD_GATEWAY);
        client.simulator.push_fault(Fault::once(path, bad_gateway));
        assert_eq!(client.get(path, &[])["code"], -352, "{path}");
        let null = client.get(path, &[]);
        assert_eq!((&null["code"], &null["data"]), (&json!(0), &Value::Null));
        assert_eq!(client.response("GET", path, "", b"").status(), 502);
        assert_eq!(client.get(path, &[])["code"], 0);
    }
}
