//! Answers that are odd in one way, in every round: reported of the service, or conceivable.

use std::time::Duration;

use bilibili_session::poller::{Output, PollerConfig, Warning};
use bilibili_session::{ConversationId, TransportError};
use serde_json::{Value, json};

use crate::drive::{bound, drive, ok, parse, within};
use crate::scenario::{START, Scenario, entry, group, nav_data, page, text_at, user};

const HOUR: Duration = Duration::from_secs(3600);

/// `has_more` is 1 whatever is asked for: also of bounded and of empty pages.
#[test]
fn has_more_that_never_changes_holds_nothing_back() {
    let id = user(20001);
    let seqnos = [1_000_000_000_000_007, 1_000_000_000_000_012];
    let known = [entry(id, 1_000_000_000_000_001, -5)];
    let mut scenario = Scenario::connected(PollerConfig::new(), &known);
    let log = drive(&mut scenario, Duration::from_secs(60), |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => json!({"session_list": [entry(id, seqnos[1], 6)], "has_more": 0}),
            _ => page(
                &within(sent, &seqnos, |it| text_at(id, it, START + 6)),
                true,
            ),
        };
        (ok(data), Some(0))
    });
    assert_eq!(log.events, [(id, seqnos[0]), (id, seqnos[1])]);
    assert_eq!(scenario.poller.held_messages(), 0);
    assert_eq!(log.fetches(), 2);
}

/// `has_more` tells of older messages in the conversation, whatever `begin_seqno` says.
#[test]
fn has_more_that_disregards_begin_seqno_costs_no_request() {
    let id = user(20001);
    let seqnos = [1_000_000_000_000_007];
    let known = [entry(id, 1_000_000_000_000_001, -5)];
    let mut scenario = Scenario::connected(PollerConfig::new(), &known);
    let log = drive(&mut scenario, Duration::from_secs(60), |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => json!({"session_list": [entry(id, seqnos[0], 6)], "has_more": 0}),
            _ => {
                let within = within(sent, &seqnos, |it| text_at(id, it, START + 6));
                page(&within, !within.is_empty())
            }
        };
        (ok(data), Some(0))
    });
    assert_eq!(log.events.len(), 1);
    assert_eq!(log.fetches(), 1);
}

/// The conversation was deleted, and begins anew with lower numbers.
#[test]
fn numbers_that_begin_anew_are_gone_on_with() {
    let id = group(221_300);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 1000, -5)]);
    let log = drive(&mut scenario, Duration::from_secs(60), |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => {
                let mut entry = entry(id, 3, 30);
                entry["last_msg"] = text_at(id, 3, START + 30);
                json!({"session_list": [entry], "has_more": 0})
            }
            _ => page(
                &within(sent, &[1, 2, 3], |it| text_at(id, it, START + 30)),
                false,
            ),
        };
        (ok(data), Some(0))
    });
    assert_eq!(log.events, [(id, 1), (id, 2), (id, 3)]);
    assert_eq!(log.fetches(), 1);
}

/// Message 7 is known, 208 to 407 are here, and those in between could not be fetched.
fn in_the_middle_of_a_gap(id: ConversationId) -> Scenario {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 407, 6)]);
    scenario.fetch(id, &(208..=407).rev().collect::<Vec<_>>(), true);
    let below = scenario.expect_fetch(id);
    scenario.lose(&below);
    scenario.expect_retry();
    scenario
}

/// Messages of before that are here come out first; what is missing of them never will.
#[test]
fn numbers_that_begin_anew_in_the_middle_of_a_gap() {
    let id = group(221_300);
    let mut scenario = in_the_middle_of_a_gap(id);
    let mut anew = entry(id, 2, 12);
    anew["last_msg"] = text_at(id, 2, START + 12);
    scenario.list(&[anew]);
    let gap = Warning::Gap {
        conversation: id,
        from_seqno: bilibili_session::Seqno(8),
        to_seqno: bilibili_session::Seqno(207),
    };
    assert_eq!(scenario.expect_warning(), gap);
    scenario.expect_seqnos(208..=407);
    scenario.list(&[]);
    scenario.fetch(id, &[2, 1], false);
    scenario.expect_seqnos([1, 2]);
}

/// The list shows at first only that the conversation changed, and the page below fails.
#[test]
fn numbers_that_begin_anew_are_fetched_before_a_list_tells_of_them() {
    let id = group(221_300);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    let (mut lists, mut fetches) = (0, 0);
    let log = drive(&mut scenario, Duration::from_secs(120), |_, sent| {
        let is_list = sent.path == "new_sessions";
        let count = if is_list { &mut lists } else { &mut fetches };
        *count += 1;
        let failed = json!({"code": -500, "message": "made up"});
        let answer = match (is_list, lists, fetches) {
            (true, 1, _) => ok(json!({"session_list": [entry(id, 1000, 6)], "has_more": 0})),
            (true, _, 0..=2) => ok(json!({"session_list": [entry(id, 3, 30)], "has_more": 0})),
            (true, ..) => {
                let mut anew = entry(id, 3, 30);
                anew["last_msg"] = text_at(id, 3, START + 30);
                ok(json!({"session_list": [anew], "has_more": 0}))
            }
            (false, _, 1 | 3) => failed,
            (false, _, 2) => {
                let newest = [3, 2].map(|it| text_at(id, it, START + 30));
                ok(page(&newest, true))
            }
            (false, ..) => {
                let all = within(sent, &[1, 2, 3], |it| text_at(id, it, START + 30));
                ok(page(&all, false))
            }
        };
        (answer, Some(0))
    });
    assert_eq!(log.events, [(id, 1), (id, 2), (id, 3)]);
    let is_gap = |warning: &Warning| matches!(warning, Warning::Gap { .. });
    assert!(!log.warnings.iter().any(is_gap), "{:?}", log.warnings);
}

/// The poller is replaced while messages of before are still delivered.
#[test]
fn numbers_that_begin_anew_are_gone_on_with_after_a_resume() {
    let id = group(221_300);
    let mut scenario = in_the_middle_of_a_gap(id);
    let mut anew = entry(id, 2, 30);
    anew["last_msg"] = text_at(id, 2, START + 30);
    scenario.list(std::slice::from_ref(&anew));
    assert!(matches!(scenario.expect_warning(), Warning::Gap { .. }));
    scenario.expect_seqnos(208..=210);
    let checkpoint = scenario.poller.checkpoint().unwrap();
    let mut scenario = Scenario::resume(PollerConfig::new(), &checkpoint);
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    scenario.expect_status(bilibili_session::poller::Status::Connected);
    scenario.list(&[anew]);
    let sent = scenario.expect_fetch(id);
    assert_eq!(sent.get("begin_seqno"), Some("0"));
    let messages = [text_at(id, 2, START + 30), text_at(id, 1, START + 20)];
    scenario.answer(&sent, page(&messages, false));
    scenario.expect_seqnos([1, 2]);
}

/// Lists without a `Date`, and one conversation with a time an hour ahead.
#[test]
fn a_time_in_the_future_hides_no_others() {
    let (odd, id) = (user(20001), user(20002));
    let mut scenario = Scenario::new(PollerConfig::new());
    let log = drive(&mut scenario, HOUR / 2, |scenario, sent| {
        let now = scenario.server_now() - START;
        let all = match now > 60 {
            true => [(odd, 7, 3600), (id, 6, 60)],
            false => [(odd, 7, 3600), (id, 5, -50)],
        };
        let data = match sent.path.as_str() {
            "nav" => return (ok(nav_data()), Some(0)),
            "new_sessions" | "get_sessions" => {
                let begin = sent
                    .get("begin_ts")
                    .map_or(i64::MIN, |it| it.parse().unwrap());
                let list: Vec<Value> = all
                    .iter()
                    .filter(|(_, _, at)| (START + at) * 1_000_000 > begin)
                    .map(|(id, max_seqno, at)| entry(*id, *max_seqno, *at))
                    .collect();
                // Only the first list has a date.
                let date = (sent.path == "get_sessions").then_some(0);
                return (ok(json!({"session_list": list, "has_more": 0})), date);
            }
            _ => page(&within(sent, &[6], |it| text_at(id, it, START + 60)), false),
        };
        (ok(data), None)
    });
    assert_eq!(log.events, [(id, 6)]);
}

/// Somebody writes for the first time, and a clock is wrong: the list proves that it is new.
#[test]
fn first_contact_comes_whatever_the_clocks_say() {
    // A `Date` that is ahead by two minutes, or a sender that is behind by ten.
    for (date, sender) in [(120, 0), (0, -600)] {
        let (old, id) = (user(20001), user(20002));
        let seqno = 1_000_000_000_000_001;
        let mut scenario = Scenario::new(PollerConfig::new());
        let log = drive(&mut scenario, Duration::from_secs(120), |scenario, sent| {
            let data = match sent.path.as_str() {
                "nav" => nav_data(),
                "new_sessions" | "get_sessions" => {
                    let mut list = vec![entry(old, 7, -50)];
                    if scenario.server_now() - START > 30 {
                        list.insert(0, entry(id, seqno, 30));
                    }
                    json!({"session_list": list, "has_more": 0})
                }
                _ => page(&[text_at(id, seqno, START + 30 + sender)], false),
            };
            (ok(data), Some(date))
        });
        assert_eq!(
            log.events,
            [(id, seqno)],
            "date {date} s, sender {sender} s"
        );
    }
}

/// One message with a number that none can have is one item that cannot be read.
#[test]
fn a_number_that_no_message_has_does_not_become_the_cursor() {
    for poison in [u64::MAX, u64::MAX - 1, i64::MAX.unsigned_abs(), 0] {
        let id = user(20001);
        let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
        let log = drive(&mut scenario, Duration::from_secs(180), |scenario, sent| {
            let now = scenario.server_now() - START;
            let (newest, at) = if now > 120 { (9, 120) } else { (8, 6) };
            let data = match sent.path.as_str() {
                "new_sessions" => {
                    json!({"session_list": [entry(id, newest, at)], "has_more": 0})
                }
                _ => {
                    let all: Vec<u64> = (8..=newest).collect();
                    let mut all = within(sent, &all, |it| text_at(id, it, START + 6));
                    if now < 60 {
                        let mut bad = text_at(id, 8, START + 6);
                        bad["msg_seqno"] = json!(poison);
                        all.insert(0, bad);
                    }
                    let mut page = page(&all, false);
                    page["max_seqno"] = json!(poison);
                    page
                }
            };
            (ok(data), Some(0))
        });
        assert_eq!(log.events, [(id, 8), (id, 9)], "{poison}");
        assert!(
            matches!(&log.warnings[..], [Warning::Undecodable { .. }]),
            "{poison}: {:?}",
            log.warnings
        );
    }
}

/// The group ends between two pages of a gap: what is here comes out when that stays so.
#[test]
fn a_group_that_ends_in_the_middle_of_a_gap() {
    let id = group(221_300);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 407, 6)]);
    scenario.fetch(id, &(208..=407).rev().collect::<Vec<_>>(), true);
    for refusal in 1..=3 {
        let below = scenario.expect_fetch(id);
        scenario.refuse(&below, 700_013);
        match (refusal, scenario.expect_warning()) {
            (1, Warning::ConversationFailed { held: 200, .. }) => {
                scenario.expect_retry();
            }
            (2, Warning::Retry { .. }) => {}
            (3, Warning::ConversationFailed { held: 0, .. }) => break,
            other => panic!("{other:?}"),
        }
        scenario.advance(Duration::from_secs(30));
        let list = scenario.expect_call("new_sessions");
        scenario.answer(&list, json!({"session_list": null, "has_more": 0}));
    }
    let lost = Warning::Gap {
        conversation: id,
        from_seqno: bilibili_session::Seqno(8),
        to_seqno: bilibili_session::Seqno(207),
    };
    assert_eq!(scenario.expect_warning(), lost);
    scenario.expect_seqnos(208..=407);
    scenario.expect_wait();
}

/// A fault of the service: nothing is missing.
#[test]
fn a_group_that_is_said_to_end_and_does_not() {
    let id = group(221_300);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 207, 6)]);
    scenario.fetch(id, &(9..=207).rev().collect::<Vec<_>>(), true);
    let below = scenario.expect_fetch(id);
    scenario.refuse(&below, 700_013);
    scenario.expect_warning();
    scenario.expect_warning();
    scenario.advance(Duration::from_secs(30));
    let list = scenario.expect_call("new_sessions");
    scenario.answer(&list, json!({"session_list": null, "has_more": 0}));
    scenario.fetch(id, &[9, 8], false);
    scenario.expect_seqnos(8..=207);
}

#[test]
fn more_changes_than_conversations_are_remembered() {
    let config = PollerConfig::new().max_conversations(100);
    let mut scenario = Scenario::new(config);
    let count = 1500_i64;
    let log = drive(&mut scenario, Duration::from_secs(120), |scenario, sent| {
        let is_first = scenario.server_now() - START < 1;
        let data = match sent.path.as_str() {
            "nav" => nav_data(),
            "new_sessions" | "get_sessions" => {
                // All wrote right after the first list.
                let all = if is_first {
                    vec![(1, -50)]
                } else {
                    (2..count + 2).map(|n| (n, 5)).collect()
                };
                let [begin, end] = [("begin_ts", i64::MIN), ("end_ts", i64::MAX)]
                    .map(|(name, none)| sent.get(name).map_or(none, |it| it.parse().unwrap()));
                let mut list: Vec<(i64, i64)> = all
                    .into_iter()
                    .map(|(n, at)| (n, (START + at) * 1_000_000 - n))
                    .filter(|(_, ts)| begin < *ts && *ts < end)
                    .collect();
                list.sort_by_key(|(_, ts)| -ts);
                let has_more = list.len() > 100;
                let entries: Vec<Value> = list
                    .iter()
                    .take(100)
                    .map(|(n, ts)| {
                        let mut entry = entry(user(*n), 9, 0);
                        entry["session_ts"] = json!(ts);
                        entry
                    })
                    .collect();
                json!({"session_list": entries, "has_more": u8::from(has_more)})
            }
            _ => {
                let n: i64 = sent.get("talker_id").unwrap().parse().unwrap();
                page(&[text_at(user(n), 9, START + 5)], false)
            }
        };
        (ok(data), Some(0))
    });
    assert_eq!(log.events.len(), usize::try_from(count).unwrap());
    assert!(log.warnings.is_empty(), "{:?}", log.warnings);
    assert!(scenario.poller.remembered_conversations() <= 100 + 1500);
}

#[test]
fn signatures_that_are_refused_throughout_are_one_pause_for_all() {
    let ids: Vec<ConversationId> = (1..=50).map(user).collect();
    let list: Vec<Value> = ids.iter().map(|id| entry(*id, 7, -50)).collect();
    let mut scenario = Scenario::connected(PollerConfig::new(), &list);
    let log = drive(&mut scenario, Duration::from_secs(600), |_, sent| {
        let data = match sent.path.as_str() {
            "nav" => ok(nav_data()),
            "new_sessions" => {
                let list: Vec<Value> = ids.iter().map(|id| entry(*id, 9, 6)).collect();
                ok(json!({"session_list": list, "has_more": 0}))
            }
            _ => json!({"code": -403, "message": "made up"}),
        };
        (data, Some(0))
    });
    // The four that were on their way, again with new keys, and four after each pause.
    let pauses = log.warnings.iter().filter(|it| it.conversation().is_none());
    let pauses = pauses.count();
    assert!((4..10).contains(&pauses), "{:?}", log.warnings);
    assert!(log.fetches() <= 4 * (pauses + 2), "{:?}", log.requests);
    // Once for the first refusal, then once a minute at most: they may have changed meanwhile.
    assert!(log.requests["nav"] <= pauses, "{:?}", log.requests);
}

#[test]
fn refusals_are_met_by_asking_ever_more_seldom() {
    // The service lists it, and takes no request for it.
    let id = ConversationId::new(3, 555);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    let log = drive(&mut scenario, 6 * HOUR, |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => ok(json!({"session_list": [entry(id, 9, 6)], "has_more": 0})),
            "get_sessions" => ok(json!({"session_list": [entry(id, 9, 6)], "has_more": 0})),
            _ => json!({"code": 2, "message": "made up"}),
        };
        (data, Some(0))
    });
    assert!((10..=16).contains(&log.fetches()), "{:?}", log.requests);
}

/// The first list is empty and has no date.
#[test]
fn no_negative_time_is_asked_for() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let mut begins = Vec::new();
    drive(&mut scenario, Duration::from_secs(20), |_, sent| {
        begins.extend(sent.get("begin_ts").map(str::to_owned));
        let data = match sent.path.as_str() {
            "nav" => nav_data(),
            _ => json!({"session_list": null, "has_more": 0}),
        };
        (ok(data), None)
    });
    assert!(!begins.is_empty());
    assert!(begins.iter().all(|it| it == "0"), "{begins:?}");
}

#[test]
fn unreadable_entries_on_several_pages_are_told_of_once() {
    let known = [entry(user(1), 7, -5)];
    let mut scenario = Scenario::connected(PollerConfig::new(), &known);
    let log = drive(&mut scenario, Duration::from_secs(120), |_, sent| {
        let bad = |n: i64| json!({"talker_id": {"no": n}, "session_type": 1});
        let is_first = sent.get("end_ts").is_none();
        let list: Vec<Value> = match is_first {
            true => (1..100)
                .map(|n| entry(user(n), 7, -4))
                .chain([bad(1)])
                .collect(),
            false => vec![entry(user(1), 7, -5), entry(user(200), 7, -50), bad(2)],
        };
        let data = match sent.path.as_str() {
            "fetch_session_msgs" => page(&[], false),
            _ => json!({"session_list": list, "has_more": u8::from(is_first)}),
        };
        (ok(data), Some(0))
    });
    let told = log.warnings.iter();
    let told = told.filter(|it| matches!(it, Warning::Undecodable { .. }));
    assert_eq!(told.count(), 2);
}

/// An answer over the limit of the transport stays so large: smaller pages come.
#[test]
fn a_page_that_is_too_large_is_asked_for_in_halves() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    let mut sizes = Vec::new();
    scenario.list(&[entry(id, 300, 6)]);
    loop {
        match scenario.poll() {
            Output::Event(event) => {
                assert_eq!(event.msg_seqno().0, 300);
                break;
            }
            Output::Send(outgoing) => {
                let sent = parse(&outgoing);
                let size = bound(&sent, "size", 0);
                sizes.push(size);
                if size > 50 {
                    let now = scenario.now();
                    let too_large = Err(TransportError::body_too_large(65536));
                    scenario
                        .poller
                        .handle_response(now, sent.id, too_large)
                        .unwrap();
                } else {
                    scenario.answer(&sent, page(&[text_at(id, 300, START + 6)], false));
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sizes, [200, 100, 50]);
    scenario.list(&[entry(id, 301, 12)]);
    let sent = scenario.expect_fetch(id);
    assert_eq!(sent.get("size"), Some("200"), "the next gap begins anew");
}
