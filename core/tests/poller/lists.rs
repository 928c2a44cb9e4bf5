//! Paging the list of what changed.

use std::time::Duration;

use bilibili_session::poller::{PollerConfig, Warning};
use serde_json::{Value, json};

use crate::drive::{drive, ok, within};
use crate::scenario::{START, Scenario, entry, nav_data, page, text_at, user};

/// Conversations 1 to `count`, the newest first, each with one new message.
fn changed(from: i64, to: i64) -> Vec<Value> {
    (from..=to).map(|n| entry(user(n), 5, 100 - n)).collect()
}

#[test]
fn all_pages_are_read_down_to_the_base_line() {
    let mut scenario = Scenario::connected(PollerConfig::new().max_parallel(8), &[]);
    scenario.wait();
    let sent = scenario.expect_call("new_sessions");
    scenario.answer(&sent, json!({"session_list": changed(1, 3), "has_more": 1}));
    let sent = scenario.expect_call("get_sessions");
    let end = ((START + 97) * 1_000_000 + 1).to_string();
    assert_eq!(
        sent.get("end_ts"),
        Some(end.as_str()),
        "the last one's time plus 1 µs"
    );
    // The last one again, then the next.
    scenario.answer(&sent, json!({"session_list": changed(3, 5), "has_more": 1}));
    let sent = scenario.expect_call("get_sessions");
    // Below the base line.
    scenario.answer(
        &sent,
        json!({"session_list": [entry(user(5), 5, 95), entry(user(99), 5, -500)], "has_more": 1}),
    );
    for n in 1..=5 {
        scenario.expect_fetch(user(n));
    }
    scenario.expect_wait();
}

#[test]
fn pinned_conversations_at_the_top_do_not_mislead() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(50), 9, -90_000)]);
    scenario.wait();
    let mut pinned = entry(user(50), 9, -90_000);
    pinned["top_ts"] = json!(1);
    let sent = scenario.expect_call("new_sessions");
    scenario.answer(&sent, json!({"session_list": [pinned, entry(user(1), 5, 90), entry(user(2), 5, 80)], "has_more": 1}));
    let sent = scenario.expect_call("get_sessions");
    let end = ((START + 80) * 1_000_000 + 1).to_string();
    assert_eq!(sent.get("end_ts"), Some(end.as_str()));
}

#[test]
fn a_list_that_goes_upward_is_read_upward() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    scenario.wait();
    let sent = scenario.expect_call("new_sessions");
    let list: Vec<Value> = (1..=3).map(|n| entry(user(n), 5, n)).collect();
    scenario.answer(&sent, json!({"session_list": list, "has_more": 1}));
    let sent = scenario.expect_call("new_sessions");
    let begin = ((START + 3) * 1_000_000 - 1).to_string();
    assert_eq!(sent.get("begin_ts"), Some(begin.as_str()));
}

#[test]
fn a_page_that_brings_nothing_new_ends_the_paging() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    scenario.wait();
    for path in ["new_sessions", "get_sessions"] {
        let sent = scenario.expect_call(path);
        scenario.answer(&sent, json!({"session_list": changed(1, 1), "has_more": 1}));
    }
    scenario.expect_fetch(user(1));
}

#[test]
fn what_is_known_is_fetched_although_a_later_page_fails() {
    let id = user(1);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    scenario.wait();
    let sent = scenario.expect_call("new_sessions");
    scenario.answer(&sent, json!({"session_list": changed(1, 1), "has_more": 1}));
    let sent = scenario.expect_call("get_sessions");
    scenario.lose(&sent);
    assert!(matches!(
        scenario.expect_warning(),
        Warning::Retry {
            conversation: None,
            ..
        }
    ));
    let sent = scenario.expect_fetch(id);
    scenario.answer(&sent, page(&[text_at(id, 5, START + 6)], false));
    scenario.expect_seqnos([5]);
    // The base line did not move: a resume begins there.
    assert_eq!(base_line(&scenario), (START - 5) * 1_000_000);
    // The next round asks for what is newer, and then goes on where the list broke off.
    scenario.list(&[]);
    let sent = scenario.expect_call("get_sessions");
    let end = ((START + 99) * 1_000_000 + 1).to_string();
    assert_eq!(sent.get("end_ts"), Some(end.as_str()));
    scenario.answer(&sent, json!({"session_list": changed(1, 2), "has_more": 0}));
    scenario.fetch(user(2), &[5], false);
    scenario.expect_seqnos([5]);
    assert!(base_line(&scenario) > START * 1_000_000);
    scenario.list(&[]);
    scenario.expect_wait();
}

fn base_line(scenario: &Scenario) -> i64 {
    let checkpoint = scenario.poller.checkpoint().unwrap();
    let value = serde_json::to_value(&checkpoint).unwrap();
    value["body"]["base_ts"].as_i64().unwrap()
}

#[test]
fn an_unreadable_entry_is_told_of_once() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(1), 5, -5)]);
    let bad = json!({"session_type": 1, "talker_id": [], "max_seqno": 5});
    scenario.list(&[bad.clone(), entry(user(1), 6, 6)]);
    assert!(matches!(
        scenario.expect_warning(),
        Warning::Undecodable {
            conversation: None,
            ..
        }
    ));
    scenario.fetch(user(1), &[6], false);
    scenario.expect_seqnos([6]);
    scenario.list(&[bad, entry(user(1), 6, 6)]);
    scenario.expect_wait();
}

#[test]
fn strange_fields_of_an_entry_do_not_hide_it() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(1), 5, -5)]);
    let mut strange = entry(user(1), 6, 6);
    strange["unread_count"] = json!([1]);
    strange["account_info"] = json!("?");
    strange["max_seqno"] = json!("6");
    scenario.list(&[strange]);
    scenario.fetch(user(1), &[6], false);
    scenario.expect_seqnos([6]);
}

#[test]
fn quiet_conversations_are_forgotten_without_coming_again() {
    let config = PollerConfig::new().max_conversations(100).max_parallel(200);
    let mut scenario = Scenario::connected(config, &[]);
    for round in 0..3_i64 {
        let at = scenario.server_now() - START;
        let ids: Vec<i64> = (round * 60 + 1..=round * 60 + 60).collect();
        let list: Vec<Value> = ids.iter().map(|n| entry(user(*n), 5, at)).collect();
        scenario.list(&list);
        let sent: Vec<_> = ids
            .iter()
            .map(|n| scenario.expect_fetch(user(*n)))
            .collect();
        for (n, sent) in ids.iter().zip(&sent) {
            let message = text_at(user(*n), 5, START + at);
            scenario.answer(sent, page(&[message], false));
        }
        for _ in &ids {
            scenario.expect_event();
        }
        scenario.expect_wait();
    }
    // One of the forgotten: its old message stays old.
    let at = scenario.server_now() - START;
    scenario.list(&[entry(user(1), 6, at)]);
    let sent = scenario.expect_fetch(user(1));
    let messages = [text_at(user(1), 6, START + at), text_at(user(1), 5, START)];
    scenario.answer(&sent, page(&messages, false));
    scenario.expect_seqnos([6]);
    scenario.expect_wait();
}

/// A message came before any list told of it: what is forgotten of it is newer than the list says.
#[test]
fn what_came_before_the_list_told_of_it_does_not_come_again() {
    let config = PollerConfig::new().max_conversations(100).max_parallel(200);
    let mut scenario = Scenario::connected(config, &[]);
    let early = user(1000);
    for round in 1..=2_i64 {
        let ids = round * 60 + 1..=round * 60 + 60;
        let mut list: Vec<Value> = ids.clone().map(|n| entry(user(n), 5, 6 * round)).collect();
        list.extend((round == 1).then(|| entry(early, 5, -8)));
        scenario.list(&list);
        let sent: Vec<_> = ids.map(|n| scenario.expect_fetch(user(n))).collect();
        if round == 1 {
            let sent = scenario.expect_fetch(early);
            let messages = [text_at(early, 6, START + 6), text_at(early, 5, START - 8)];
            scenario.answer(&sent, page(&messages, false));
            scenario.expect_seqnos([5, 6]);
        }
        for sent in &sent {
            scenario.answer(sent, page(&[text_at(early, 5, START + 6 * round)], false));
            scenario.expect_event();
        }
        scenario.expect_wait();
    }
    scenario.list(&[entry(early, 7, 18)]);
    let sent = scenario.expect_fetch(early);
    let messages = [text_at(early, 7, START + 18), text_at(early, 6, START + 6)];
    scenario.answer(&sent, page(&messages, false));
    scenario.expect_seqnos([7]);
    scenario.expect_wait();
}

/// A conversation that is on no list since it moves up while two in succession are read: its first
/// message is new all the same, though others that changed later were forgotten meanwhile.
#[test]
fn what_moved_up_during_two_lists_comes_whole() {
    let config = PollerConfig::new().max_conversations(100).max_parallel(200);
    let mut scenario = Scenario::connected(config, &[]);
    let mut moved_at = 0;
    for round in 0..3_i64 {
        scenario.advance(Duration::from_secs(20));
        let at = scenario.server_now() - START;
        if round == 0 {
            moved_at = at + 1;
        }
        let ids = round * 60 + 1..=round * 60 + 60;
        let list: Vec<Value> = ids.clone().map(|n| entry(user(n), 5, at)).collect();
        let sent = scenario.expect_call("new_sessions");
        scenario.answer(&sent, json!({"session_list": list, "has_more": 0}));
        let sent: Vec<_> = ids.map(|n| scenario.expect_fetch(user(n))).collect();
        for sent in &sent {
            scenario.answer(sent, page(&[text_at(user(1), 5, START + at)], false));
            scenario.expect_event();
        }
        scenario.expect_wait();
    }
    let moving = user(1000);
    let at = scenario.server_now() - START;
    scenario.list(&[entry(moving, 7, at)]);
    let sent = scenario.expect_fetch(moving);
    let messages = [
        text_at(moving, 7, START + at),
        text_at(moving, 6, START + at),
        text_at(moving, 5, START + moved_at),
        text_at(moving, 4, START - 1000),
    ];
    scenario.answer(&sent, page(&messages, false));
    scenario.expect_seqnos([5, 6, 7]);
    scenario.expect_wait();
}

/// Two hundred conversations, the `Date` two hours ahead: what is new in those that were not on
/// the first page is known by their numbers once the whole list was read.
#[test]
fn the_whole_list_makes_known_what_was_not_on_the_first_page() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let writes = [user(1), user(150), user(200)];
    let log = drive(&mut scenario, Duration::from_secs(150), |scenario, sent| {
        let is_later = scenario.server_now() - START > 100;
        let data = match sent.path.as_str() {
            "nav" => nav_data(),
            "new_sessions" | "get_sessions" => {
                let [begin, end] = [("begin_ts", i64::MIN), ("end_ts", i64::MAX)]
                    .map(|(name, none)| sent.get(name).map_or(none, |it| it.parse().unwrap()));
                let mut list: Vec<Value> = (1..=200)
                    .map(|n| match is_later && writes.contains(&user(n)) {
                        true => entry(user(n), 13, 100),
                        false => entry(user(n), 10, -n),
                    })
                    .collect();
                list.sort_by_key(|entry| -entry["session_ts"].as_i64().unwrap());
                list.retain(|entry| {
                    let ts = entry["session_ts"].as_i64().unwrap();
                    begin < ts && ts < end
                });
                let has_more = u8::from(list.len() > 100);
                list.truncate(100);
                json!({"session_list": list, "has_more": has_more})
            }
            _ => {
                let id = user(sent.get("talker_id").unwrap().parse().unwrap());
                let at = |seqno| if seqno > 10 { START + 100 } else { START - 500 };
                let newest = match is_later && writes.contains(&id) {
                    true => 13,
                    false => 10,
                };
                let all: Vec<u64> = (1..=newest).collect();
                let within = within(sent, &all, |seqno| text_at(id, seqno, at(seqno)));
                page(&within, false)
            }
        };
        (ok(data), Some(7200))
    });
    for id in writes {
        let of_it = log.events.iter().filter(|(of, _)| *of == id);
        let seqnos: Vec<u64> = of_it.map(|(_, seqno)| *seqno).collect();
        assert_eq!(seqnos, [11, 12, 13], "{id}");
    }
    assert_eq!(log.events.len(), 9);
}

/// A `Date` that is two hours ahead at the start makes nothing old: what changed up to the first
/// list stands there, and what is written later is new, also where a conversation was forgotten.
#[test]
fn a_date_that_is_ahead_makes_nothing_old() {
    let mut scenario = Scenario::new(PollerConfig::new().max_conversations(100));
    let forgotten = user(100);
    let log = drive(&mut scenario, Duration::from_secs(60), |scenario, sent| {
        let now = scenario.server_now() - START;
        let data = match sent.path.as_str() {
            "nav" => nav_data(),
            // One more than is remembered, and the one that was quiet the longest writes.
            "new_sessions" if now > 40 => {
                json!({"session_list": [entry(forgotten, 13, 41), entry(user(101), 1, 20)]})
            }
            "new_sessions" if now > 20 => json!({"session_list": [entry(user(101), 1, 20)]}),
            "new_sessions" => json!({"session_list": []}),
            "get_sessions" => {
                let list: Vec<Value> = (1..=100).map(|n| entry(user(n), 10, -n)).collect();
                json!({"session_list": list, "has_more": 1})
            }
            _ if sent.get("talker_id") == Some("101") => {
                page(&[text_at(user(101), 1, START + 20)], false)
            }
            _ => {
                let at = |seqno| START + if seqno > 10 { 20 + seqno as i64 } else { -500 };
                let all: Vec<u64> = (1..=13).collect();
                let within = within(sent, &all, |seqno| text_at(forgotten, seqno, at(seqno)));
                page(&within, false)
            }
        };
        (ok(data), Some(7200))
    });
    let came = |seqno| (forgotten, seqno);
    assert_eq!(log.events, [(user(101), 1), came(11), came(12), came(13)]);
}
