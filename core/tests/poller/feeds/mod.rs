//! Notifications as events: each new entry once, whatever the feeds and their counters do.

mod checkpoints;
mod trouble;

use std::collections::BTreeMap;
use std::time::Duration;

use bilibili_session::poller::{
    Checkpoint, Hint, Journal, JournalEntry, Output, Poller, PollerConfig, Status,
};
use bilibili_session::session::SessionMachine;
use bilibili_session::{FeedEvent, FeedKind};
use serde_json::{Value, json};

use crate::drive::{Log, drive, ok, parse};
use crate::scenario::{INTERVAL, START, Scenario, Sent, context, nav_data};

const MINUTE: Duration = Duration::from_secs(60);

/// A server of feeds, the newest entry first.
#[derive(Default)]
struct Server {
    /// By the last part of the path of their feed.
    feeds: BTreeMap<&'static str, Vec<Value>>,
    latest_likes: Vec<Value>,
    unread: Value,
    /// Codes that answer, by path.
    refuses: BTreeMap<&'static str, i64>,
    page: usize,
    /// Set if `Date` is missing.
    no_date: bool,
}

const PATHS: [(FeedKind, &str); 3] = [
    (FeedKind::Replies, "reply"),
    (FeedKind::At, "at"),
    (FeedKind::Likes, "like"),
];

fn time_of(item: &Value) -> i64 {
    let times = ["reply_time", "at_time", "like_time"];
    times.iter().find_map(|it| item[it].as_i64()).unwrap_or(0)
}

impl Server {
    fn new() -> Self {
        Self {
            page: 20,
            unread: json!({}),
            ..Self::default()
        }
    }

    fn put(&mut self, path: &'static str, item: Value) {
        let feed = self.feeds.entry(path).or_default();
        feed.push(item);
        feed.sort_by_key(|it| {
            let id = it["id"].as_i64().or(it["cursor"].as_i64());
            std::cmp::Reverse((time_of(it), id))
        });
    }

    fn reply(&mut self, id: i64, at: i64) {
        self.put("reply", json!({"id": id, "reply_time": START + at}));
    }

    fn serve(&self, sent: &Sent) -> Value {
        if let Some(code) = self.refuses.get(sent.path.as_str()) {
            return json!({"code": code, "message": "made up", "data": null});
        }
        let number = |name: &str| sent.get(name).and_then(|it| it.parse::<i64>().ok());
        let data = match sent.path.as_str() {
            "nav" => nav_data(),
            "unread" => self.unread.clone(),
            "query_user_notify" | "query_unified_notify" | "query_notify_list" => {
                let feed = self.feeds.get(sent.path.as_str());
                let below = number("cursor").unwrap_or(i64::MAX);
                let items = feed.into_iter().flatten();
                let items = items.filter(|it| it["cursor"].as_i64().unwrap() < below);
                json!(items.take(self.page).collect::<Vec<_>>())
            }
            path @ ("reply" | "at" | "like") => {
                let below = ["reply_time", "at_time", "like_time"];
                let below = below.iter().find_map(|it| number(it));
                let below = (below.unwrap_or(i64::MAX), number("id").unwrap_or(i64::MAX));
                let feed = self.feeds.get(path).into_iter().flatten();
                let left = feed.filter(|it| (time_of(it), it["id"].as_i64().unwrap_or(0)) < below);
                let items: Vec<&Value> = left.clone().take(self.page).collect();
                let last = items.last();
                let cursor = json!({
                    "is_end": left.count() <= self.page,
                    "id": last.map_or(0, |it| it["id"].as_i64().unwrap_or(0)),
                    "time": last.map_or(0, |it| time_of(it)),
                });
                match path {
                    "like" => json!({
                        "latest": {"items": self.latest_likes},
                        "total": {"cursor": cursor, "items": items},
                    }),
                    _ => json!({"cursor": cursor, "items": items}),
                }
            }
            _ => json!({"session_list": [], "has_more": 0}),
        };
        ok(data)
    }

    fn run(&self, scenario: &mut Scenario, length: Duration) -> Log {
        drive(scenario, length, |_, sent| {
            (self.serve(sent), (!self.no_date).then_some(0))
        })
    }
}

fn config(feeds: &[FeedKind]) -> PollerConfig {
    PollerConfig::new().feeds(feeds.iter().copied())
}

fn ids(log: &Log) -> Vec<i64> {
    log.feeds.iter().map(|event| event.id()).collect()
}

/// A poller that has its baseline.
fn begun(server: &Server, feeds: &[FeedKind]) -> Scenario {
    let mut scenario = Scenario::new(config(feeds));
    let log = server.run(&mut scenario, Duration::from_secs(1));
    assert_eq!(log.statuses, [Status::Connected]);
    assert!(log.feeds.is_empty(), "{:?}", log.feeds);
    scenario
}

#[test]
fn what_is_there_at_the_start_is_old_and_the_rest_comes_once() {
    for (kind, path) in PATHS {
        let mut server = Server::new();
        let time = match kind {
            FeedKind::Replies => "reply_time",
            FeedKind::At => "at_time",
            _ => "like_time",
        };
        let item = |id: i64, at: i64| json!({"id": id, time: START + at, "counts": 1});
        // A burst of the last minute, which takes three pages, and older ones.
        for id in 1..=50 {
            server.put(path, item(id, -50 + id));
        }
        for id in -30..0 {
            server.put(path, item(id, -10_000 + id));
        }
        let mut scenario = begun(&server, &[kind]);
        // Two in one second, one in the second of the newest that is known.
        for (id, at) in [(51, 0), (52, 7), (53, 7)] {
            server.put(path, item(id, at));
        }
        let log = server.run(&mut scenario, 6 * MINUTE);
        assert_eq!(ids(&log), [51, 52, 53], "{path}");
        assert!(log.warnings.is_empty());
    }
}

#[test]
fn a_gap_is_read_page_by_page_and_the_counters_say_when() {
    let mut server = Server::new();
    server.reply(1, -10);
    let mut scenario = begun(&server, &[FeedKind::Replies]);
    for id in 2..=501 {
        server.reply(id, id / 3);
    }
    server.unread = json!({"reply": 500});
    let log = server.run(&mut scenario, Duration::from_secs(31));
    assert_eq!(ids(&log), (2..=501).collect::<Vec<i64>>());
    // One look at the counters, then the pages down to the known part.
    assert_eq!(log.requests["unread"], 1);
    assert_eq!(log.requests["reply"], 26);
    // The counters say the same, so nothing is read for minutes.
    let log = server.run(&mut scenario, 4 * MINUTE);
    assert_eq!(log.requests.get("reply"), None);
    assert_eq!(log.requests["unread"], 8);
}

#[test]
fn counters_that_stand_still_cost_five_minutes_and_no_entry() {
    let mut server = Server::new();
    server.unread = json!({"reply": 0});
    let mut scenario = begun(&server, &[FeedKind::Replies]);
    server.reply(7, 3);
    let log = server.run(&mut scenario, 4 * MINUTE);
    assert!(log.feeds.is_empty());
    let log = server.run(&mut scenario, MINUTE + INTERVAL);
    assert_eq!(ids(&log), [7]);
}

#[test]
fn counters_that_come_before_the_entry_lead_to_two_looks() {
    let mut server = Server::new();
    let mut scenario = begun(&server, &[FeedKind::At]);
    server.unread = json!({"at": 1});
    let log = server.run(&mut scenario, Duration::from_secs(35));
    assert_eq!(log.requests["at"], 1);
    server.put("at", json!({"id": 5, "at_time": START + 30}));
    let log = server.run(&mut scenario, Duration::from_secs(30));
    assert_eq!(ids(&log), [5]);
    let log = server.run(&mut scenario, 3 * MINUTE);
    assert_eq!(log.requests.get("at"), None);
}

#[test]
fn an_entry_that_shows_up_late_comes_and_one_that_vanished_disturbs_nothing() {
    let mut server = Server::new();
    for id in 1..=30 {
        server.reply(id * 10, id * 10 - 300);
    }
    let mut scenario = begun(&server, &[FeedKind::Replies]);
    // The newest is of START.
    server.reply(245, -55);
    server.reply(115, -185);
    server
        .feeds
        .get_mut("reply")
        .unwrap()
        .retain(|it| it["id"] != 300 && it["id"] != 290);
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(ids(&log), [245]);
    server.reply(400, 330);
    server.reply(399, 275);
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(ids(&log), [399, 400]);
}

#[test]
fn an_empty_feed_begins_with_the_server_s_time() {
    let server = Server::new();
    let mut scenario = begun(&server, &FeedKind::ALL);
    let mut server = Server::new();
    // It was not empty after all.
    for id in 1..=100 {
        server.reply(id, -1000 + id);
    }
    server.reply(200, 20);
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(ids(&log), [200]);
}

#[test]
fn entries_from_the_future_and_without_a_time_hide_nothing() {
    let mut server = Server::new();
    server.reply(1, 86_400);
    server.reply(2, -30);
    let mut scenario = begun(&server, &[FeedKind::Replies]);
    server.reply(3, 10);
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(ids(&log), [3]);
    // It has the time of its neighbour above.
    server.reply(5, 400);
    let feed = server.feeds.get_mut("reply").unwrap();
    feed.insert(2, json!({"id": 4, "reply_time": "soon"}));
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(ids(&log), [4, 5]);
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert!(log.feeds.is_empty());
}

fn like(id: i64, thing: i64, at: i64, counts: i64, users: &[i64]) -> Value {
    let users: Vec<Value> = users.iter().map(|it| json!({"mid": it})).collect();
    json!({
        "id": id, "like_time": START + at, "counts": counts, "users": users,
        "item": {"item_id": thing, "type": "video"},
    })
}

/// The thing, the number before and after, and the users that are new.
fn likes(log: &Log) -> Vec<(i64, Option<i64>, i64, Vec<i64>)> {
    let likes = log.feeds.iter().map(|event| match &**event {
        FeedEvent::Like(new) => (
            new.like.item.item_id,
            new.counts_before,
            new.like.counts,
            new.users.iter().map(|user| user.mid.0).collect(),
        ),
        other => panic!("{other:?}"),
    });
    likes.collect()
}

#[test]
fn likes_are_told_by_the_thing_its_time_and_its_number() {
    let mut server = Server::new();
    server.put("like", like(1, 70, -500, 9, &[3, 2]));
    server.put("like", like(2, 71, -400, 2, &[6, 5]));
    let mut scenario = begun(&server, &[FeedKind::Likes]);
    let set = |server: &mut Server, items: Vec<Value>| {
        server.feeds.insert("like", items);
    };
    // Again, under a new number.
    set(
        &mut server,
        vec![
            like(3, 70, 10, 12, &[8, 7, 4]),
            like(2, 71, -400, 2, &[6, 5]),
        ],
    );
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(likes(&log), [(70, Some(9), 12, vec![8, 7, 4])]);
    // Under the same number; one like went and another came; a thing that is new.
    set(
        &mut server,
        vec![
            like(4, 72, 402, 2, &[1]),
            like(2, 71, 401, 2, &[9, 5]),
            like(3, 70, 400, 13, &[11, 8]),
        ],
    );
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(
        likes(&log),
        [
            (70, Some(12), 13, vec![11]),
            (71, Some(2), 2, vec![9]),
            (72, None, 2, vec![1]),
        ]
    );
    // Only the latest show it; and the number alone rises.
    server.latest_likes = vec![like(4, 72, 800, 3, &[12, 1])];
    set(
        &mut server,
        vec![
            like(4, 72, 402, 2, &[1]),
            like(2, 71, 401, 2, &[9, 5]),
            like(3, 70, 400, 15, &[11, 8]),
        ],
    );
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(
        likes(&log),
        [(70, Some(13), 15, vec![]), (72, Some(2), 3, vec![12])]
    );
    // What was there before the start and deep down is not known.
    server.latest_likes.clear();
    set(&mut server, vec![like(9, 69, 1200, 40, &[4])]);
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(likes(&log), [(69, None, 40, vec![4])]);
}

#[test]
fn both_sources_of_system_notices_are_one_feed() {
    let cursor = |n: i64| 1_699_999_999_999_999_000 + n;
    // The numbers of the two sources are their own.
    let notice = |id: i64, n: i64| json!({"id": id, "cursor": cursor(n), "time_at": START + n});
    let mut server = Server::new();
    for n in 1..=5 {
        server.put("query_user_notify", notice(n, -n * 100));
        server.put("query_unified_notify", notice(n, -n * 100 - 50));
    }
    let mut scenario = begun(&server, &[FeedKind::System]);
    server.put("query_user_notify", notice(50, 10));
    server.put("query_unified_notify", notice(50, 12));
    server.put("query_unified_notify", notice(51, 10));
    server.put("query_user_notify", notice(52, 14));
    server.unread = json!({"sys_msg": 3});
    let log = server.run(&mut scenario, MINUTE);
    let expected: Vec<i64> = [10, 12, 14].map(cursor).into();
    assert_eq!(ids(&log), expected);
}

#[test]
fn without_feeds_nothing_is_asked_for_them() {
    let server = Server::new();
    let mut scenario = begun(&server, &[]);
    let log = server.run(&mut scenario, 20 * MINUTE);
    let paths: Vec<&str> = log.requests.keys().map(String::as_str).collect();
    assert_eq!(paths, ["new_sessions"]);
}

#[test]
fn a_quiet_account_costs_few_requests() {
    let server = Server::new();
    let mut scenario = begun(&server, &FeedKind::ALL);
    let log = server.run(&mut scenario, 60 * MINUTE);
    // The counters every 30 s; each feed every five minutes, the system's two sources.
    assert!(
        (119..=120).contains(&log.requests["unread"]),
        "{:?}",
        log.requests
    );
    for path in [
        "reply",
        "at",
        "like",
        "query_user_notify",
        "query_unified_notify",
    ] {
        assert!(
            (11..=12).contains(&log.requests[path]),
            "{:?}",
            log.requests
        );
    }
}

#[test]
fn a_hint_leads_to_a_look_and_to_more_until_the_feed_shows_it() {
    let mut server = Server::new();
    let mut scenario = begun(&server, &FeedKind::ALL);
    server.run(&mut scenario, Duration::from_secs(10));
    let hint = |scenario: &mut Scenario, hint| {
        let now = scenario.now();
        scenario.poller.handle_hint(now, hint);
    };
    // A storm is one look.
    for _ in 0..100 {
        hint(&mut scenario, Hint::Replies);
    }
    let log = server.run(&mut scenario, Duration::from_millis(100));
    assert_eq!(log.requests["reply"], 1);
    assert_eq!(log.requests.get("at"), None);
    // The feed shows it 8 s later: it is looked at after 3 s, since less is too soon, and twice
    // the time from then on.
    let log = server.run(&mut scenario, Duration::from_secs(7));
    assert_eq!(log.requests["reply"], 2);
    server.reply(1, 18);
    let log = server.run(&mut scenario, Duration::from_secs(60));
    assert_eq!(ids(&log), [1]);
    assert_eq!(log.requests["reply"], 1);
    // Hints without an end lead to a look every three seconds, and soon to one every six.
    let (began, mut looks) = (scenario.elapsed, 0_usize);
    for _ in 0..300 {
        hint(&mut scenario, Hint::At);
        let log = server.run(&mut scenario, Duration::from_millis(100));
        looks += log.requests.get("at").copied().unwrap_or_default();
    }
    let seconds = usize::try_from((scenario.elapsed - began).as_secs()).unwrap();
    let most = 20 + seconds / 6;
    assert!(looks > seconds / 6 && looks <= most, "{looks} of {most}");
    // A channel that was not there told of nothing: the counters do.
    hint(&mut scenario, Hint::Connected);
    let log = server.run(&mut scenario, Duration::from_secs(6));
    assert_eq!(log.requests["unread"], 1);
}
