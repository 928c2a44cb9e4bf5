//! Writes of an owner besides messages: settings, blocked words, actions on notifications.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use bilibili_session_simulator::{Config, FeedKind, NewNotification, Quirks};
use serde_json::{Value, json};
use support::{Client, START_US};

const GET: &str = "/link_setting/v1/link_setting/get";
const SET: &str = "/link_setting/v1/link_setting/set";
const WORDS: &str = "/x/im/link_setting";
const NOW: i64 = START_US / 1_000_000;

fn empty() -> Client {
    Client::new(Config {
        feeds: false,
        ..Config::default()
    })
}

#[test]
fn a_setting_that_was_set_is_read_back() {
    let mut client = Client::default();
    let both = [("msg_notify", "1"), ("show_unfollowed_msg", "1")];
    let before = client.get(GET, &both)["data"].take();
    let set = [("msg_notify", "3"), ("set_at", "1"), ("build", "0")];
    assert_eq!(client.post(SET, &set)["data"], json!({}));
    let after = client.get(GET, &both)["data"].take();
    let mut expected = before;
    expected["msg_notify"] = json!(3);
    expected["set_at"] = json!(1);
    assert_eq!(after, expected);

    for (wrong, code) in [
        (&[][..], 2),
        (&[("build", "0")], 2),
        (&[("msg_notify", "0")], 2),
        // All of them, or none.
        (&[("set_comment", "2"), ("set_like", "1")], 2),
        (&[("set_comment", "x")], -400),
    ] {
        assert_eq!(client.post(SET, wrong)["code"], code, "{wrong:?}");
    }
    assert_eq!(client.post_bare(SET, &[("set_at", "0")])["code"], -111);
    assert_eq!(client.get(GET, &both)["data"], expected);
}

#[test]
fn automatic_replies_may_be_refused() {
    let mut client = Client::default();
    assert_eq!(client.post(SET, &[("keys_reply", "1")])["code"], 0);
    *client.simulator.quirks_mut() =
        Quirks::from_json(&json!({"refuses_automatic_replies": true})).unwrap();
    assert_eq!(client.post(SET, &[("recv_reply", "1")])["code"], 700_009);
    assert_eq!(client.post(SET, &[("keys_reply", "0")])["code"], 0);
    assert_eq!(client.get(GET, &[])["data"]["keys_reply"], 0);
}

#[test]
fn blocked_words() {
    let mut client = Client::default();
    let words = |client: &mut Client| -> Value {
        client.get(&format!("{WORDS}/get_block_words"), &[])["data"].take()
    };
    let add = |client: &mut Client, word: &str| -> Value {
        client.post(&format!("{WORDS}/add_block_word"), &[("content", word)])["code"].take()
    };
    let limits =
        json!({"words": null, "message": "", "max_word_length": 20, "max_words_size": 200});
    assert_eq!(words(&mut client), limits);
    assert_eq!(add(&mut client, "广告"), 0);
    client.later(1000);
    let longest = "字".repeat(20);
    for (word, code) in [
        ("", -400),
        (&*"字".repeat(21), 1_900_004),
        ("广告", 1_900_006),
        ("两 个", 1_900_007),
        (&*longest, 0),
    ] {
        assert_eq!(add(&mut client, word), code, "{word}");
    }
    let both = json!([{"content": "广告", "ctime": NOW}, {"content": longest, "ctime": NOW + 1}]);
    assert_eq!(words(&mut client)["words"], both);
    for n in 3..=200 {
        assert_eq!(add(&mut client, &format!("词{n}")), 0);
    }
    assert_eq!(add(&mut client, "再一个"), 1_900_005);
    let delete = format!("{WORDS}/del_block_word");
    for word in ["广告", "没有这个"] {
        assert_eq!(client.post(&delete, &[("content", word)])["code"], 0);
    }
    let left = words(&mut client)["words"].take();
    assert_eq!(left.as_array().unwrap().len(), 199);
    assert_eq!(left[0], both[1]);
    assert_eq!(add(&mut client, "再一个"), 0);
}

#[test]
fn who_liked_a_thing() {
    let mut client = Client::default();
    let detail = |client: &mut Client, query: &[(&str, &str)]| {
        client.get("/x/msgfeed/like_detail", query)["data"].take()
    };
    let likes = client.get("/x/msgfeed/like", &[])["data"]["total"]["items"].take();
    let third = &likes[2];
    let card = third["id"].to_string();
    let page = detail(&mut client, &[("card_id", &card)]);
    assert_eq!(
        (&page["card"], &page["page"]),
        (&third["item"], &json!({"is_end": true}))
    );
    let items = page["items"].as_array().unwrap();
    assert_eq!(json!(items.len()), third["counts"]);
    // Those who are named in the feed come first.
    assert_eq!(items[0]["user"], third["users"][0]);
    assert_eq!(items[0]["like_time"], third["like_time"]);

    // The oldest has 61 likes.
    let card = (client
        .simulator
        .feed(client.now_us, FeedKind::Like)
        .last()
        .unwrap()
        .id)
        .to_string();
    let mut mids = Vec::new();
    for page in 1..=5 {
        let page = page.to_string();
        let data = detail(&mut client, &[("card_id", &card), ("pn", &page)]);
        let items = data["items"].as_array().unwrap();
        mids.extend(items.iter().map(|it| it["user"]["mid"].as_i64().unwrap()));
        assert_eq!(data["page"]["is_end"], page == "4" || page == "5");
    }
    mids.sort_unstable();
    mids.dedup();
    assert_eq!(mids.len(), 61);
    let none = client.get("/x/msgfeed/like_detail", &[("card_id", "1")]);
    assert_eq!(none["code"], -404);
}

#[test]
fn a_deleted_item_is_gone_until_something_happens_again() {
    for (tp, kind) in [
        ("0", FeedKind::Like),
        ("1", FeedKind::Reply),
        ("2", FeedKind::At),
    ] {
        let mut client = empty();
        let mut new = NewNotification::new(kind);
        new.item = Some(7);
        let id = client
            .simulator
            .notify(client.now_us, new.clone())
            .unwrap()
            .id;
        let form = [("tp", tp), ("id", &*id.to_string())];
        assert_eq!(client.post_bare("/x/msgfeed/del", &form)["code"], -111);
        assert_eq!(
            client.post("/x/msgfeed/del", &[("tp", "3"), form[1]])["code"],
            -400
        );
        assert_eq!(client.post("/x/msgfeed/del", &form)["code"], 0);
        assert!(client.simulator.feed(client.now_us, kind).is_empty());
        assert_eq!(client.post("/x/msgfeed/del", &form)["code"], -404);
        client.simulator.notify(client.now_us, new).unwrap();
        assert_eq!(client.simulator.feed(client.now_us, kind).len(), 1);
    }
}

#[test]
fn a_muted_thing_says_so() {
    let mut client = empty();
    let like = NewNotification::like(20_001, 7);
    let id = client
        .simulator
        .notify(client.now_us, like.clone())
        .unwrap()
        .id
        .to_string();
    let state = |client: &mut Client| -> Value {
        client.get("/x/msgfeed/like", &[])["data"]["total"]["items"][0]["notice_state"].take()
    };
    for (wanted, code) in [("1", 0), ("2", -400), ("0", 0), ("1", 0)] {
        let form = [("tp", "0"), ("id", &*id), ("notice_state", wanted)];
        assert_eq!(client.post("/x/msgfeed/notice", &form)["code"], code);
    }
    client.simulator.notify(client.now_us, like).unwrap();
    assert_eq!(state(&mut client), 1);
    let unknown = [("tp", "0"), ("id", "5"), ("notice_state", "1")];
    assert_eq!(client.post("/x/msgfeed/notice", &unknown)["code"], -404);
}

#[test]
fn notices_are_read_up_to_a_cursor() {
    let mut client = empty();
    let cursors: Vec<i64> = (0..3)
        .map(|n| {
            client.later(1000);
            let new = NewNotification::system(format!("通知 {n}"));
            client.simulator.notify(client.now_us, new).unwrap().id
        })
        .collect();
    let unread =
        |client: &mut Client| client.get("/x/msgfeed/unread", &[])["data"]["sys_msg"].take();
    assert_eq!(unread(&mut client), 3);
    let (path, second) = ("/x/sys-msg/update_cursor", cursors[1].to_string());
    let csrf = client.csrf.clone();
    assert_eq!(client.get(path, &[("cursor", &second)])["code"], -111);
    assert_eq!(client.get(path, &[("csrf", &csrf)])["code"], -400);
    let read = client.get(path, &[("csrf", &csrf), ("cursor", &second)]);
    assert_eq!((&read["code"], &read["data"]), (&json!(0), &json!({})));
    assert_eq!(unread(&mut client), 1);
}
