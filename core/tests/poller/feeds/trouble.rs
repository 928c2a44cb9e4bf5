//! Feeds that fail, refuse, or show what cannot be read.

use super::*;

#[test]
fn an_unreadable_entry_is_one_unreadable_entry() {
    let mut server = Server::new();
    server.put("reply", json!({"id": {}, "reply_time": START - 5}));
    server.reply(1, -10);
    let mut scenario = begun(&server, &[FeedKind::Replies]);
    server.put("reply", json!({"id": [1], "reply_time": START + 5}));
    server.reply(2, 6);
    let log = server.run(&mut scenario, 20 * MINUTE);
    assert_eq!(ids(&log), [2]);
    let warnings: Vec<_> = log
        .warnings
        .iter()
        .map(|it| (it.kind(), it.feed()))
        .collect();
    assert_eq!(warnings, [("undecodable", Some(FeedKind::Replies))]);
}

#[test]
fn a_feed_that_fails_holds_up_no_other_and_begins_at_the_server_s_time() {
    let mut server = Server::new();
    server.reply(1, -10);
    server.put("at", json!({"id": 1, "at_time": START - 10}));
    server.refuses.insert("reply", -500);
    let mut scenario = Scenario::new(config(&[FeedKind::Replies, FeedKind::At]));
    let log = server.run(&mut scenario, Duration::from_secs(19));
    assert_eq!(log.statuses, []);
    assert_eq!(scenario.poller.checkpoint(), None);
    server.put("at", json!({"id": 2, "at_time": START + 5}));
    server.unread = json!({"at": 1});
    let log = server.run(&mut scenario, MINUTE);
    assert_eq!(log.statuses, [Status::Connected]);
    assert_eq!(ids(&log), [2]);
    let kinds = log.warnings.iter().map(|it| (it.kind(), it.feed()));
    assert!(kinds.clone().count() > 0);
    assert!(
        kinds
            .clone()
            .all(|it| it == ("retry", Some(FeedKind::Replies)))
    );
    server.reply(2, 15);
    server.reply(3, 25);
    server.refuses.clear();
    let log = server.run(&mut scenario, 5 * MINUTE);
    assert_eq!(ids(&log), [3]);
}

#[test]
fn risk_control_on_a_feed_pauses_the_feeds_alone() {
    let mut server = Server::new();
    let mut scenario = begun(&server, &FeedKind::ALL);
    server.refuses.insert("unread", -352);
    let log = server.run(&mut scenario, 4 * MINUTE);
    let warnings: Vec<_> = log
        .warnings
        .iter()
        .map(|it| (it.kind(), it.feed()))
        .collect();
    assert_eq!(warnings, [("risk_control", None)]);
    assert_eq!(log.requests["unread"], 1);
    assert!(log.requests["new_sessions"] >= 39);
    for path in ["reply", "at", "like", "query_user_notify"] {
        assert_eq!(log.requests.get(path), None);
    }
    // On the list of conversations it pauses everything.
    server.refuses.clear();
    server.run(&mut scenario, 5 * MINUTE);
    server.refuses.insert("new_sessions", -352);
    let log = server.run(&mut scenario, 4 * MINUTE);
    assert!(
        log.requests.values().sum::<usize>() <= 3,
        "{:?}",
        log.requests
    );
}

#[test]
fn two_refusals_side_by_side_ask_for_the_longer_pause() {
    let server = Server::new();
    let mut scenario = begun(&server, &[FeedKind::Replies, FeedKind::At]);
    server.run(&mut scenario, 5 * MINUTE - 2 * INTERVAL);
    let mut sent = Vec::new();
    while sent.len() < 2 {
        match scenario.poll() {
            Output::Send(outgoing) => {
                let asked = parse(&outgoing);
                match asked.path.as_str() {
                    "reply" | "at" => sent.push(asked),
                    _ => scenario.envelope(&asked, &server.serve(&asked)),
                }
            }
            Output::Wait(until) => scenario.elapsed = until,
            other => panic!("{other:?}"),
        }
    }
    scenario.refuse(&sent[0], -509);
    scenario.refuse(&sent[1], -352);
    let log = server.run(&mut scenario, 5 * MINUTE - INTERVAL);
    let kinds: Vec<_> = log.warnings.iter().map(|it| it.kind()).collect();
    assert_eq!(kinds, ["throttled", "risk_control"]);
    let paths: Vec<&str> = log.requests.keys().map(String::as_str).collect();
    assert_eq!(paths, ["new_sessions"]);
}

#[test]
fn a_page_of_unreadable_notices_hides_nothing_below() {
    let cursor = |n: i64| 1_699_999_999_999_999_000 + n;
    let notice = |n: i64| json!({"id": cursor(n), "cursor": cursor(n), "time_at": START + n});
    let unreadable = |n: i64| json!({"id": [n], "cursor": cursor(n), "time_at": START + n});
    let mut server = Server::new();
    server.page = 2;
    for path in ["query_user_notify", "query_notify_list"] {
        server.put(path, notice(-100));
    }
    let mut scenario = begun(&server, &[FeedKind::System]);
    for path in ["query_user_notify", "query_notify_list"] {
        for n in [10, 11, 14] {
            server.put(path, notice(n));
        }
        for n in [12, 13] {
            server.put(path, unreadable(n));
        }
    }
    let log = server.run(&mut scenario, 6 * MINUTE);
    assert_eq!(ids(&log), [10, 11, 14].map(cursor));
    assert_eq!(log.warnings.len(), 2);
}

#[test]
fn what_a_reading_did_not_reach_is_read_later() {
    let mut server = Server::new();
    server.reply(1, -10);
    let mut scenario = begun(&server, &[FeedKind::Replies]);
    for id in 2..=60 {
        server.reply(id, id * 2);
    }
    // The second page is the first.
    let log = drive(&mut scenario, 6 * MINUTE, |_, sent| {
        let query = match sent.path.as_str() {
            "reply" => BTreeMap::new(),
            _ => sent.query.clone(),
        };
        let first = Sent {
            query,
            path: sent.path.clone(),
            ..*sent
        };
        (server.serve(&first), Some(0))
    });
    assert_eq!(ids(&log), (41..=60).collect::<Vec<i64>>());
    assert_eq!(log.requests["reply"], 2);
    let checkpoint = scenario.poller.checkpoint().unwrap();
    let mut resumed = Scenario::resume(config(&[FeedKind::Replies]), &checkpoint);
    resumed.elapsed = scenario.elapsed;
    for mut scenario in [scenario, resumed] {
        let log = server.run(&mut scenario, 6 * MINUTE);
        assert_eq!(ids(&log), (2..=40).collect::<Vec<i64>>());
    }
}

#[test]
fn a_long_reading_holds_up_no_other_feed() {
    let mut server = Server::new();
    server.reply(1, -10);
    let kinds = [FeedKind::Replies, FeedKind::At];
    let mut scenario = Scenario::new(config(&kinds).backlog(0));
    server.run(&mut scenario, Duration::from_secs(1));
    for id in 2..=501 {
        server.reply(id, id);
    }
    server.put("at", json!({"id": 1, "at_time": START + 5}));
    server.unread = json!({"reply": 500, "at": 1});
    let log = server.run(&mut scenario, 10 * MINUTE);
    let place = |kind| log.feeds.iter().position(|event| event.kind() == kind);
    assert_eq!(log.feeds.len(), 501);
    // No reading of all replies is over by then.
    assert_eq!(place(FeedKind::At), Some(0));
}

#[test]
fn a_dead_login_ends_all() {
    let mut server = Server::new();
    let mut scenario = begun(&server, &FeedKind::ALL);
    server.refuses.insert("unread", -101);
    loop {
        match scenario.poll() {
            Output::Send(outgoing) => {
                let sent = parse(&outgoing);
                let body = server.serve(&sent);
                scenario.envelope(&sent, &body);
            }
            Output::Wait(until) => scenario.elapsed = until,
            Output::Status(change) => {
                assert_eq!(change.status, Status::Error);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}
