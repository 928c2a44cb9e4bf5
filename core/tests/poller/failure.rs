//! Failures: what pauses all, what pauses one conversation, what ends it.

use std::time::Duration;

use bilibili_session::Hosts;
use bilibili_session::poller::{Output, Poller, PollerConfig, Status, Warning};
use serde_json::json;

use crate::drive::{drive, ok};
use crate::scenario::{START, Scenario, context, entry, nav_data, page, text_at, user};

/// Two conversations with a message each to fetch.
fn two_behind() -> Scenario {
    let mut scenario = Scenario::connected(
        PollerConfig::new(),
        &[entry(user(1), 5, -5), entry(user(2), 5, -6)],
    );
    scenario.list(&[entry(user(1), 6, 6), entry(user(2), 6, 6)]);
    scenario
}

/// The same, and both are refused.
fn two_refused(code: i64) -> Scenario {
    let mut scenario = two_behind();
    let first = scenario.expect_fetch(user(1));
    let second = scenario.expect_fetch(user(2));
    scenario.refuse(&first, code);
    scenario.refuse(&second, code);
    scenario
}

#[test]
fn risk_control_pauses_for_minutes_that_grow_to_an_hour() {
    let mut scenario = Scenario::connected(PollerConfig::new().whole_list_interval(None), &[]);
    let mut least = 300.0_f64;
    for answer in ["http", "-352", "-412", "voucher", "-352", "-352"] {
        scenario.wait();
        let sent = scenario.expect_call("new_sessions");
        match answer {
            "http" => scenario.respond(&sent, 412, "<html>made up</html>"),
            "voucher" => scenario.answer(&sent, json!({"v_voucher": "made up"})),
            code => scenario.refuse(&sent, code.parse().unwrap()),
        }
        let Warning::RiskControl { delay, .. } = scenario.expect_warning() else {
            panic!("{answer}")
        };
        let delay = delay.as_secs_f64();
        assert!(
            delay >= least && delay <= (least * 1.25).min(3600.0),
            "{answer}: {delay}"
        );
        assert!((scenario.expect_wait().as_secs_f64() - delay).abs() < 1e-6);
        least = (least * 2.0).min(3600.0);
    }
    // A round without it begins anew.
    scenario.wait();
    let sent = scenario.expect_call("new_sessions");
    scenario.answer(&sent, json!({"session_list": [], "has_more": 0}));
    scenario.wait();
    let sent = scenario.expect_call("new_sessions");
    scenario.refuse(&sent, -352);
    assert!(scenario.expect_warning().delay().unwrap() <= Duration::from_secs(375));
}

#[test]
fn asked_too_often_pauses_from_half_a_minute() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    for (answer, least) in [(429, 30.0), (-509, 60.0), (-799, 120.0)] {
        scenario.wait();
        let sent = scenario.expect_call("new_sessions");
        if answer > 0 {
            scenario.respond(&sent, 429, "");
        } else {
            scenario.refuse(&sent, answer);
        }
        let Warning::Throttled { delay, .. } = scenario.expect_warning() else {
            panic!("{answer}")
        };
        assert!(delay.as_secs_f64() >= least && delay.as_secs_f64() <= least * 1.25);
    }
}

#[test]
fn refusals_side_by_side_are_one_pause() {
    let mut scenario = two_refused(-412);
    let warning = scenario.expect_warning();
    assert_eq!(warning.conversation(), Some(user(1)));
    let delay = warning.delay().unwrap();
    assert_eq!(scenario.wait(), delay, "nothing is asked meanwhile");
    let sent = scenario.expect_call("new_sessions");
    scenario.answer(&sent, json!({"session_list": [], "has_more": 0}));
    scenario.fetch(user(1), &[6], false);
    scenario.expect_seqnos([6]);
    scenario.fetch(user(2), &[6], false);
    scenario.expect_seqnos([6]);
}

#[test]
fn a_conversation_that_keeps_failing_holds_up_no_other() {
    let mut scenario = two_behind();
    let mut delays = Vec::new();
    for round in 0..30 {
        let at = scenario.server_now() - START;
        loop {
            match scenario.poll() {
                Output::Send(outgoing) => {
                    let uri = outgoing.request.uri().clone();
                    let query = uri.query().unwrap();
                    let sent = crate::scenario::Sent {
                        id: outgoing.id,
                        path: String::new(),
                        query: std::collections::BTreeMap::new(),
                    };
                    if query.contains("talker_id=1&") {
                        scenario.respond(&sent, 500, "made up");
                    } else {
                        let message = text_at(user(2), 6 + round, START + at);
                        scenario.answer(&sent, page(&[message], false));
                    }
                }
                Output::Event(event) => assert_eq!(event.msg_seqno().0, 6 + round),
                Output::Warning(warning) => {
                    assert_eq!(warning.conversation(), Some(user(1)));
                    delays.push(warning.delay().unwrap());
                }
                Output::Wait(_) => break,
                other => panic!("{other:?}"),
            }
        }
        scenario.list(&[entry(user(2), 7 + round, at + 6)]);
    }
    assert!(delays.len() >= 4 && delays.len() <= 6, "{delays:?}");
    assert!(delays.is_sorted());
}

#[test]
fn a_refused_signature_costs_one_nav_for_all() {
    let mut scenario = two_refused(-403);
    let nav = scenario.expect_call("nav");
    scenario.expect_wait();
    scenario.answer(&nav, nav_data());
    for _ in 0..2 {
        let sent = scenario.expect_call("fetch_session_msgs");
        let id = user(sent.get("talker_id").unwrap().parse().unwrap());
        scenario.answer(&sent, page(&[text_at(id, 6, START)], false));
        scenario.expect_seqnos([6]);
    }
    scenario.expect_wait();
}

#[test]
fn a_signature_refused_again_is_that_conversations_trouble() {
    let mut scenario = two_behind();
    let first = scenario.expect_fetch(user(1));
    scenario.refuse(&first, -403);
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    let again = scenario.expect_fetch(user(1));
    scenario.refuse(&again, -403);
    let warning = scenario.expect_retry();
    assert_eq!(warning.conversation(), Some(user(1)));
    scenario.fetch(user(2), &[6], false);
    scenario.expect_seqnos([6]);
}

#[test]
fn keys_taken_before_a_pause_are_not_fresh_after_it() {
    let known: Vec<_> = (1..=3).map(|n| entry(user(n), 5, -5)).collect();
    let mut scenario = Scenario::connected(PollerConfig::new(), &known);
    let changed: Vec<_> = (1..=3).map(|n| entry(user(n), 6, 6)).collect();
    scenario.list(&changed);
    let [first, second, third] = [1, 2, 3].map(|n| scenario.expect_fetch(user(n)));
    scenario.refuse(&first, -403);
    let nav = scenario.expect_call("nav");
    scenario.refuse(&second, -352);
    assert!(matches!(
        scenario.expect_warning(),
        Warning::RiskControl { .. }
    ));
    scenario.answer(&nav, nav_data());
    scenario.refuse(&third, -403);
    scenario.wait();
    // The keys were changed once more while nothing was asked for.
    let list = scenario.expect_call("new_sessions");
    scenario.answer(&list, json!({"session_list": [], "has_more": 0}));
    let again = [1, 2, 3].map(|n| scenario.expect_fetch(user(n)));
    scenario.refuse(&again[0], -403);
    let nav = scenario.expect_call("nav");
    scenario.refuse(&again[1], -403);
    scenario.refuse(&again[2], -403);
    scenario.answer(&nav, nav_data());
    for _ in 1..=3 {
        let sent = scenario.expect_call("fetch_session_msgs");
        let id = user(sent.get("talker_id").unwrap().parse().unwrap());
        scenario.answer(&sent, page(&[text_at(id, 6, START)], false));
        scenario.expect_seqnos([6]);
    }
}

#[test]
fn a_conversation_that_is_over_is_asked_again_when_it_moves() {
    for code in [700_013, 700_014, 1_000_004] {
        let mut scenario = two_behind();
        let first = scenario.expect_fetch(user(1));
        scenario.refuse(&first, code);
        match scenario.expect_warning() {
            Warning::ConversationFailed {
                conversation,
                error,
                ..
            } => {
                assert_eq!(conversation, user(1));
                assert_eq!(error.code(), Some(code));
            }
            other => panic!("{other:?}"),
        }
        scenario.fetch(user(2), &[6], false);
        scenario.expect_seqnos([6]);
        scenario.list(&[entry(user(1), 6, 6)]);
        scenario.list(&[entry(user(1), 7, 20)]);
        scenario.fetch(user(1), &[7, 6], false);
        scenario.expect_seqnos([6, 7]);
    }
}

#[test]
fn a_lost_login_ends_all_after_what_is_here_was_delivered() {
    let mut scenario = two_behind();
    let first = scenario.expect_fetch(user(1));
    let second = scenario.expect_fetch(user(2));
    scenario.answer(&first, page(&[text_at(user(1), 6, START)], false));
    scenario.refuse(&second, -101);
    scenario.expect_seqnos([6]);
    match scenario.poll() {
        Output::Status(change) => {
            assert_eq!(change.status, Status::Error);
            assert!(change.reason.is_some());
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(scenario.poll(), Output::Finished(Err(_))));
}

#[test]
fn a_deadline_is_a_failure_and_a_late_answer_is_none() {
    let mut scenario = two_behind();
    let first = scenario.expect_fetch(user(1));
    let second = scenario.expect_fetch(user(2));
    scenario.answer(&second, page(&[text_at(user(2), 6, START)], false));
    scenario.expect_seqnos([6]);
    assert_eq!(scenario.wait(), Duration::from_secs(30));
    let warning = scenario.expect_warning();
    assert_eq!(warning.conversation(), Some(user(1)));
    let now = scenario.now();
    let late = http::Response::new(b"{}".to_vec());
    assert!(
        scenario
            .poller
            .handle_response(now, first.id, Ok(late))
            .is_err()
    );
    // The next round was due long ago.
    scenario.expect_call("new_sessions");
}

#[test]
fn a_list_that_fails_is_asked_for_with_growing_pauses() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    let mut last = Duration::from_secs(6);
    let mut least = 6.0;
    for body in ["<html>", "{\"code\":-500}", "{}", "{\"code\":0}", ""] {
        assert_eq!(scenario.wait(), last, "{body}");
        let sent = scenario.expect_call("new_sessions");
        scenario.respond(&sent, 200, body);
        last = scenario.expect_warning().delay().unwrap();
        assert!(last.as_secs_f64() >= least && last.as_secs_f64() <= least * 1.25);
        least *= 2.0;
    }
}

/// A refusal before a pause does not count after it: fresh keys may help again.
#[test]
fn keys_are_renewed_again_after_a_pause() {
    let mut scenario = two_behind();
    let first = scenario.expect_fetch(user(1));
    let second = scenario.expect_fetch(user(2));
    scenario.refuse(&first, -403);
    let nav = scenario.expect_call("nav");
    scenario.refuse(&second, -352);
    let warning = scenario.expect_warning();
    assert!(matches!(warning, Warning::RiskControl { .. }));
    scenario.answer(&nav, nav_data());
    assert_eq!(scenario.wait(), warning.delay().unwrap());
    let list = scenario.expect_call("new_sessions");
    scenario.answer(&list, json!({"session_list": [], "has_more": 0}));
    let first = scenario.expect_fetch(user(1));
    let second = scenario.expect_fetch(user(2));
    scenario.refuse(&first, -403);
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    scenario.fetch(user(1), &[6], false);
    scenario.answer(&second, page(&[text_at(user(2), 6, START)], false));
    scenario.expect_seqnos([6, 6]);
    scenario.expect_wait();
}

/// A round that ends in a refusal of the keys is no success, however late that comes.
#[test]
fn a_round_is_not_over_while_keys_are_on_their_way() {
    let known = [entry(user(1), 5, -5)];
    let mut scenario = Scenario::connected(PollerConfig::new(), &known);
    scenario.wait();
    let list = scenario.expect_call("new_sessions");
    scenario.refuse(&list, -509);
    let first = scenario.expect_warning().delay().unwrap();
    assert_eq!(scenario.wait(), first);
    let list = scenario.expect_call("new_sessions");
    let changed = [entry(user(1), 6, 6)];
    scenario.answer(&list, json!({"session_list": changed, "has_more": 0}));
    let sent = scenario.expect_fetch(user(1));
    scenario.refuse(&sent, -403);
    let nav = scenario.expect_call("nav");
    // The next round is due by then.
    scenario.advance(Duration::from_secs(20));
    assert_eq!(
        scenario.expect_wait(),
        Duration::from_secs(10),
        "its deadline"
    );
    scenario.refuse(&nav, -509);
    let second = scenario.expect_warning().delay().unwrap();
    assert!(second >= Duration::from_secs(60), "{first:?} {second:?}");
    assert_eq!(scenario.expect_wait(), second);
}

/// Every signature is refused: the keys may have changed meanwhile, but not every few seconds.
#[test]
fn keys_are_renewed_once_a_minute_at_most_while_all_is_refused() {
    let list = [entry(user(1), 5, -5), entry(user(2), 5, -6)];
    let mut scenario = Scenario::connected(PollerConfig::new(), &list);
    let mut renewed_at = Vec::new();
    let length = Duration::from_secs(1200);
    let log = drive(&mut scenario, length, |scenario, sent| {
        let list = [entry(user(1), 6, 6), entry(user(2), 6, 6)];
        let data = match sent.path.as_str() {
            "nav" => {
                renewed_at.push(scenario.elapsed);
                ok(nav_data())
            }
            "new_sessions" => ok(json!({"session_list": list, "has_more": 0})),
            _ => json!({"code": -403, "message": "made up"}),
        };
        (data, Some(0))
    });
    let pairs = renewed_at.iter().zip(renewed_at.iter().skip(1));
    let distances: Vec<Duration> = pairs.map(|(a, b)| *b - *a).collect();
    assert!(distances.len() >= 3, "{distances:?}");
    let least = distances.iter().min().unwrap();
    assert!(*least >= Duration::from_secs(60), "{distances:?}");
    assert_eq!(log.events, []);
}

/// Rounds of a tenth of a second, against another origin: keys change within a second, and are
/// followed.
#[test]
fn keys_are_renewed_at_the_pace_of_the_rounds() {
    let hosts = Hosts::origin("http://127.0.0.1:1").unwrap();
    let config = PollerConfig::new().interval(Duration::from_millis(100));
    let mut scenario = Scenario {
        poller: Poller::new(context().hosts(hosts), config).unwrap(),
        elapsed: Duration::from_secs(1000),
        skew: 0,
    };
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    let list = scenario.expect_call("get_sessions");
    let first = [entry(user(1), 5, -5)];
    scenario.answer(&list, json!({"session_list": first, "has_more": 0}));
    scenario.expect_status(Status::Connected);
    for seqno in 6..9 {
        scenario.advance(Duration::from_secs(1));
        let list = scenario.expect_call("new_sessions");
        let changed = [entry(user(1), seqno, 6)];
        scenario.answer(&list, json!({"session_list": changed, "has_more": 0}));
        let sent = scenario.expect_fetch(user(1));
        scenario.refuse(&sent, -403);
        let nav = scenario.expect_call("nav");
        scenario.answer(&nav, nav_data());
        scenario.fetch(user(1), &[seqno], false);
        scenario.expect_seqnos([seqno]);
        scenario.expect_wait();
    }
}

/// A conversation that waits for the keys is asked for with them, not left to the next round, where a refusal
/// would count as the first.
#[test]
fn what_waits_for_keys_is_asked_for_in_the_same_round() {
    let known = [entry(user(1), 5, -5)];
    let mut scenario = Scenario::connected(PollerConfig::new(), &known);
    scenario.list(&[entry(user(1), 6, 6)]);
    let sent = scenario.expect_fetch(user(1));
    scenario.refuse(&sent, -403);
    let nav = scenario.expect_call("nav");
    scenario.advance(Duration::from_secs(20));
    // Up to the deadline of nav, though the next round is due.
    assert_eq!(scenario.expect_wait(), Duration::from_secs(10));
    scenario.answer(&nav, nav_data());
    let again = scenario.expect_fetch(user(1));
    scenario.refuse(&again, -403);
    let warning = scenario.expect_retry();
    assert_eq!(warning.conversation(), Some(user(1)));
    scenario.expect_call("new_sessions");
}

/// Every answer is slow, and every signature is refused: each renewal of the keys that was in vain
/// is a longer wait.
#[test]
fn keys_that_come_slowly_are_renewed_ever_more_seldom() {
    let config = PollerConfig::new()
        .request_timeout(Duration::from_secs(120))
        .whole_list_interval(None);
    let mut scenario = Scenario::connected(config, &[entry(user(1), 5, -5)]);
    let length = Duration::from_secs(3600);
    let log = drive(&mut scenario, length, |scenario, sent| {
        scenario.elapsed += Duration::from_secs(40);
        let data = match sent.path.as_str() {
            "nav" => ok(nav_data()),
            "new_sessions" => ok(json!({"session_list": [entry(user(1), 6, 6)], "has_more": 0})),
            _ => json!({"code": -403, "message": "made up"}),
        };
        (data, Some(0))
    });
    let navs = log.requests["nav"];
    assert!((8..=14).contains(&navs), "{:?}", log.requests);
    // All but one that may still be on its way.
    assert!(log.warnings.len() + 1 >= navs, "{:?}", log.warnings);
    assert_eq!(log.events, []);
}
