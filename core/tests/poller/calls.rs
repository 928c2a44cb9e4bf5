//! Calls beside the poller: one login, and the pauses that they share.

use std::time::Duration;

use bilibili_session::endpoints::{GetUnreadMessages, SendMsg};
use bilibili_session::poller::{Output, PollerConfig, Status, Warning};
use bilibili_session::{Call, Endpoint, Error, ErrorClass, Uid, call as calls};
use http::Response;
use serde_json::{Value, json};

use crate::drive::parse;
use crate::scenario::{INTERVAL, Scenario, entry, nav_data, user};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn answer(code: i64, data: &Value) -> Response<Vec<u8>> {
    let body = json!({"code": code, "message": "made up", "data": data});
    Response::new(body.to_string().into_bytes())
}

/// Makes a call whose only request is answered with this code.
fn call<E: Endpoint>(scenario: &mut Scenario, endpoint: E, code: i64) -> Result<E::Output, Error> {
    let now = scenario.now();
    let mut call = Call::new(endpoint);
    if let calls::Output::Done(result) = scenario.poller.poll_call(now, &mut call) {
        return result;
    }
    let answer = answer(code, &json!({"msg_key": 7}));
    let poller = &mut scenario.poller;
    poller.handle_call_response(now, &mut call, Ok(answer));
    match poller.poll_call(now, &mut call) {
        calls::Output::Done(result) => result,
        _ => panic!("more to do"),
    }
}

/// Asks for something, which is answered with this code; the error, if there is one.
fn read(scenario: &mut Scenario, code: i64) -> Option<Error> {
    call(scenario, GetUnreadMessages, code).err()
}

/// Sends a message, which is answered with this code; the error, if there is one.
fn send(scenario: &mut Scenario, code: i64) -> Option<Error> {
    call(scenario, SendMsg::text(Uid(20001), "hi"), code).err()
}

/// The reason and the rest of the pause in which a call failed, without being sent.
#[track_caller]
fn paused(result: Option<Error>) -> (ErrorClass, Duration) {
    match result {
        Some(Error::Paused(paused)) => (paused.class, paused.remaining),
        other => panic!("expected a pause, got {other:?}"),
    }
}

/// The code of the service with which a call failed.
#[track_caller]
fn refused(result: Option<Error>, code: i64) {
    assert_eq!(result.and_then(|error| error.code()), Some(code));
}

fn connected() -> Scenario {
    Scenario::connected(PollerConfig::new().whole_list_interval(None), &[])
}

/// The next round, when it comes: its list is answered with this code.
#[track_caller]
fn round(scenario: &mut Scenario, code: i64) {
    let sent = loop {
        match scenario.poll() {
            Output::Wait(until) => scenario.advance(until - scenario.elapsed),
            Output::Send(outgoing) => break parse(&outgoing),
            other => panic!("expected a round, got {other:?}"),
        }
    };
    assert_eq!(sent.path, "new_sessions");
    if code == 0 {
        scenario.answer(&sent, json!({"session_list": [], "has_more": 0}));
        assert_eq!(scenario.expect_wait(), INTERVAL);
    } else {
        scenario.refuse(&sent, code);
    }
}

#[test]
fn risk_control_on_a_call_is_a_pause_for_all() {
    let mut scenario = connected();
    refused(send(&mut scenario, -352), -352);
    let Warning::RiskControl {
        delay,
        conversation: None,
        ..
    } = scenario.expect_warning()
    else {
        panic!("not risk control")
    };
    assert!(delay >= 300 * SECOND);
    assert_eq!(scenario.expect_wait(), delay, "no list is asked for");
    scenario.advance(delay - SECOND);
    let pause = (ErrorClass::RiskControl, SECOND);
    assert_eq!(paused(send(&mut scenario, 0)), pause);
    assert_eq!(paused(read(&mut scenario, 0)), pause);
    assert_eq!(scenario.wait(), SECOND);
    assert_eq!(send(&mut scenario, 0), None);
    assert_eq!(read(&mut scenario, 0), None);
    round(&mut scenario, 0);
}

#[test]
fn risk_control_on_a_list_is_a_pause_for_calls() {
    let mut scenario = connected();
    round(&mut scenario, -352);
    let delay = scenario.expect_warning().delay().unwrap();
    let pause = (ErrorClass::RiskControl, delay);
    assert_eq!(paused(send(&mut scenario, 0)), pause);
    assert_eq!(paused(read(&mut scenario, 0)), pause);
    scenario.advance(delay);
    assert_eq!(send(&mut scenario, 0), None);
    assert_eq!(read(&mut scenario, 0), None);
}

#[test]
fn what_concerns_sends_pauses_sends_alone() {
    for (code, delays) in [(21046, vec![DAY]), (21020, vec![30 * SECOND, 60 * SECOND])] {
        let mut scenario = connected();
        for least in delays {
            refused(send(&mut scenario, code), code);
            let Warning::SendsPaused { delay, .. } = scenario.expect_warning() else {
                panic!("not a pause of sends")
            };
            assert!(least <= delay && delay <= least.mul_f64(1.25), "{delay:?}");
            assert_eq!(read(&mut scenario, 0), None);
            round(&mut scenario, 0);
            let began = scenario.elapsed;
            let (class, rest) = paused(send(&mut scenario, 0));
            assert_eq!(class, ErrorClass::Throttled);
            // Time passes to the first round, and no more.
            assert!(delay - rest <= INTERVAL, "{rest:?} of {delay:?}");
            scenario.elapsed = began + rest;
        }
        assert_eq!(send(&mut scenario, 0), None);
    }
}

/// Lists that are read between two refused replies do not mean that replies are welcome, nor do
/// other calls; and the other way round.
#[test]
fn polls_calls_and_sends_back_off_for_themselves() {
    let mut scenario = connected();
    // Who was served since the last pause, who is refused now, and the least pause in seconds.
    for (served, who, least) in [
        ("", "send", 30),
        ("", "poll", 30),
        ("", "read", 30),
        ("", "poll", 60),
        ("", "send", 60),
        ("", "read", 60),
        ("poll", "send", 120),
        ("poll", "read", 120),
        ("poll", "poll", 30),
        ("send", "poll", 60),
        ("read", "poll", 120),
        ("send", "read", 30),
        ("send", "read", 60),
        ("read", "send", 30),
        ("read", "send", 60),
        ("poll", "send", 120),
    ] {
        match served {
            "send" => assert_eq!(send(&mut scenario, 0), None),
            "read" => assert_eq!(read(&mut scenario, 0), None),
            "poll" => round(&mut scenario, 0),
            _ => {}
        }
        match who {
            "send" => refused(send(&mut scenario, -509), -509),
            "read" => refused(read(&mut scenario, -509), -509),
            _ => round(&mut scenario, -509),
        }
        let Warning::Throttled { delay, .. } = scenario.expect_warning() else {
            panic!("not a pause")
        };
        let least = least * SECOND;
        assert!(
            least <= delay && delay <= least.mul_f64(1.25),
            "{who} after {served}: {delay:?}"
        );
        assert_eq!(scenario.wait(), delay);
    }
}

/// The network fails: a call may get through, so it is made.
#[test]
fn a_pause_after_a_fault_refuses_no_call() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    let list = scenario.expect_call("get_sessions");
    scenario.lose(&list);
    let delay = scenario.expect_warning().delay().unwrap();
    assert_eq!(read(&mut scenario, 0), None);
    assert_eq!(send(&mut scenario, 0), None);
    refused(send(&mut scenario, -500), -500);
    assert_eq!(scenario.wait(), delay, "nor does a call make it longer");
    let list = scenario.expect_call("get_sessions");
    scenario.answer(&list, json!({"session_list": [], "has_more": 0}));
    scenario.expect_status(Status::Connected);
}

/// The poller pauses longer after a fault than the service asked for: calls do not.
#[test]
fn calls_wait_for_what_is_graver_than_a_fault_and_no_longer() {
    for is_fault_first in [true, false] {
        let mut scenario = Scenario::new(PollerConfig::new());
        let nav = scenario.expect_call("nav");
        scenario.answer(&nav, nav_data());
        for _ in 0..3 {
            let list = scenario.expect_call("get_sessions");
            scenario.lose(&list);
            let delay = scenario.expect_warning().delay().unwrap();
            assert_eq!(scenario.wait(), delay);
        }
        let list = scenario.expect_call("get_sessions");
        let mut fault = Duration::ZERO;
        let mut delay = Duration::ZERO;
        for is_fault in [is_fault_first, !is_fault_first] {
            if is_fault {
                scenario.lose(&list);
                fault = scenario.expect_warning().delay().unwrap();
            } else {
                refused(read(&mut scenario, -509), -509);
                delay = scenario.expect_warning().delay().unwrap();
            }
        }
        assert!(delay + SECOND < fault, "{delay:?} {fault:?}");
        assert_eq!(scenario.expect_wait(), fault);
        let pause = (ErrorClass::Throttled, delay);
        assert_eq!(paused(read(&mut scenario, 0)), pause);
        assert_eq!(paused(send(&mut scenario, 0)), pause);
        scenario.advance(delay);
        assert_eq!(read(&mut scenario, 0), None);
        assert_eq!(send(&mut scenario, 0), None);
        assert_eq!(scenario.expect_wait(), fault - delay);
    }
}

/// A call pauses all while a list is on its way, and the list comes after the pause: it is no page
/// of the whole list that is due by then.
#[test]
fn the_late_answer_to_a_list_that_was_broken_off_is_no_page_of_another() {
    let id = user(20001);
    let config = PollerConfig::new()
        .request_timeout(120 * SECOND)
        .whole_list_interval(Some(60 * SECOND));
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    for _ in 0..9 {
        round(&mut scenario, 0);
    }
    scenario.wait();
    let late = scenario.expect_call("new_sessions");
    refused(read(&mut scenario, -509), -509);
    let delay = scenario.expect_warning().delay().unwrap();
    // Whoever drives it was busy meanwhile.
    scenario.advance(delay);
    scenario.expect_wait();
    scenario.answer(&late, json!({"session_list": [], "has_more": 0}));
    let list = scenario.expect_call("new_sessions");
    scenario.answer(&list, json!({"session_list": [], "has_more": 0}));
    // Its time stood still when a message came.
    let whole = scenario.expect_call("get_sessions");
    assert_eq!(whole.get("end_ts"), None);
    let list = json!({"session_list": [entry(id, 8, -5)], "has_more": 0});
    scenario.answer(&whole, list);
    scenario.fetch(id, &[8], false);
    scenario.expect_seqnos([8]);
    scenario.expect_wait();
}
