//! State 0: who is logged in, and where the conversations stand.

use std::time::Duration;

use bilibili_session::error::BuildError;
use bilibili_session::poller::{Output, Poller, PollerConfig, Status, Warning};
use bilibili_session::{ClientConfig, Credential, Error, ErrorClass};
use serde_json::json;

use crate::drive::{drive, ok};
use crate::scenario::{OWN, START, Scenario, context, entry, nav_data, page, text_at, user};

#[test]
fn asks_nav_then_the_list_and_is_connected() {
    let mut scenario = Scenario::new(PollerConfig::new());
    assert_eq!(scenario.poller.status(), Status::Init);
    assert_eq!(scenario.poller.checkpoint(), None);
    let nav = scenario.expect_call("nav");
    assert_eq!(
        scenario.expect_wait(),
        Duration::from_secs(30),
        "its deadline"
    );
    scenario.answer(&nav, nav_data());
    assert_eq!(scenario.poller.uid().map(|uid| uid.0), Some(OWN));
    let list = scenario.expect_call("get_sessions");
    for (name, value) in [
        ("session_type", "4"),
        ("group_fold", "0"),
        ("unfollow_fold", "0"),
        ("sort_rule", "2"),
        ("size", "100"),
        ("build", "0"),
        ("mobi_app", "web"),
    ] {
        assert_eq!(list.get(name), Some(value), "{name}");
    }
    scenario.answer(
        &list,
        json!({"session_list": [entry(user(20001), 7, -5), entry(user(20002), 7, -80)], "has_more": 1}),
    );
    scenario.expect_status(Status::Connected);
    assert_eq!(scenario.expect_wait(), Duration::from_secs(6));
    assert!(scenario.poller.checkpoint().is_some());
}

/// Messages of the last minute are delivered in a conversation that nobody knows: so those that changed then are known.
#[test]
fn a_first_list_that_goes_not_far_back_is_read_on() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let nav = scenario.expect_send();
    scenario.answer(&nav, nav_data());
    let first = scenario.expect_call("get_sessions");
    let list = json!([entry(user(1), 7, -1), entry(user(2), 7, -2)]);
    scenario.answer(&first, json!({"session_list": list, "has_more": 1}));
    let lower = scenario.expect_call("get_sessions");
    let end = ((START - 2) * 1_000_000 + 1).to_string();
    assert_eq!(lower.get("end_ts"), Some(end.as_str()));
    assert_eq!(scenario.poller.status(), Status::Init);
    assert_eq!(scenario.poller.checkpoint(), None);
    // Trouble is waited out, and the same page asked for again.
    scenario.respond(&lower, 500, "");
    scenario.expect_retry();
    scenario.wait();
    let lower = scenario.expect_call("get_sessions");
    assert_eq!(lower.get("end_ts"), Some(end.as_str()));
    let mut moved = entry(user(9), 7, 1);
    moved["unread_count"] = json!(1);
    let list = json!([
        moved,
        entry(user(2), 7, -2),
        entry(user(3), 7, -40),
        entry(user(4), 7, -90)
    ]);
    scenario.answer(&lower, json!({"session_list": list, "has_more": 1}));
    scenario.expect_status(Status::Connected);
    // Nothing is new in those that were read; one that came meanwhile is found as it is later than the first list.
    let sent = scenario.expect_call("new_sessions");
    let list = [(9, 1), (1, -1), (3, -40)].map(|(n, at)| entry(user(n), 7, at));
    scenario.answer(&sent, json!({"session_list": list, "has_more": 0}));
    let sent = scenario.expect_fetch(user(9));
    let page = page(
        &[
            text_at(user(9), 7, START + 1),
            text_at(user(9), 6, START - 300),
        ],
        false,
    );
    scenario.answer(&sent, page);
    scenario.expect_seqnos([7]);
    scenario.list(&[entry(user(3), 8, 9)]);
    scenario.fetch(user(3), &[8], false);
    scenario.expect_seqnos([8]);
}

#[test]
fn a_first_list_is_read_on_for_no_more_than_is_remembered() {
    let mut scenario = Scenario::new(PollerConfig::new().max_conversations(100));
    let nav = scenario.expect_send();
    scenario.answer(&nav, nav_data());
    for part in 0..2 {
        let list: Vec<_> = (part * 60..part * 60 + 61).collect();
        let entry = |n: &i64| {
            let mut entry = entry(user(n + 1), 7, 0);
            entry["session_ts"] = json!(START * 1_000_000 - n);
            entry
        };
        let list: Vec<_> = list.iter().map(entry).collect();
        let sent = scenario.expect_call("get_sessions");
        scenario.answer(&sent, json!({"session_list": list, "has_more": 1}));
    }
    scenario.expect_status(Status::Connected);
}

#[test]
fn the_base_line_is_the_servers_clock() {
    for skew in [-86_400, 0, 86_400] {
        let mut scenario = Scenario::new(PollerConfig::new());
        scenario.skew = skew;
        let nav = scenario.expect_send();
        scenario.answer(&nav, nav_data());
        let list = scenario.expect_send();
        scenario.answer(
            &list,
            json!({"session_list": [entry(user(20001), 7, -100)], "has_more": 0}),
        );
        scenario.expect_status(Status::Connected);
        scenario.wait();
        let list = scenario.expect_call("new_sessions");
        let begin = ((START - 105) * 1_000_000).to_string();
        assert_eq!(
            list.get("begin_ts"),
            Some(begin.as_str()),
            "the newest change less 5 s"
        );
    }
}

#[test]
fn an_empty_list_takes_the_date_header() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    scenario.wait();
    let list = scenario.expect_call("new_sessions");
    let begin = ((START - 10) * 1_000_000).to_string();
    assert_eq!(list.get("begin_ts"), Some(begin.as_str()));
}

#[test]
fn trouble_at_the_start_is_waited_out() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let mut last = Duration::ZERO;
    for _ in 0..3 {
        let nav = scenario.expect_call("nav");
        scenario.respond(&nav, 502, "<html>bad gateway</html>");
        let Warning::Retry {
            delay,
            conversation: None,
            error,
        } = scenario.expect_warning()
        else {
            panic!("not a retry")
        };
        assert_eq!(error.http_status().map(|status| status.as_u16()), Some(502));
        assert!(delay > last, "{delay:?} after {last:?}");
        last = delay;
        assert_eq!(scenario.poller.status(), Status::Init);
        assert_eq!(scenario.wait(), delay);
    }
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    let list = scenario.expect_call("get_sessions");
    scenario.refuse(&list, -352);
    let Warning::RiskControl { delay, .. } = scenario.expect_warning() else {
        panic!("not risk control")
    };
    assert!(delay >= Duration::from_secs(300));
    scenario.wait();
    let list = scenario.expect_call("get_sessions");
    scenario.answer(&list, json!({"session_list": null, "has_more": 0}));
    scenario.expect_status(Status::Connected);
}

#[test]
fn no_data_is_a_fault_not_an_empty_list() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let nav = scenario.expect_send();
    scenario.answer(&nav, nav_data());
    let list = scenario.expect_call("get_sessions");
    scenario.answer(&list, json!(null));
    scenario.expect_retry();
    assert_eq!(scenario.poller.status(), Status::Init);
}

#[test]
fn a_dead_login_ends_in_error_with_the_reason() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let nav = scenario.expect_send();
    scenario.envelope(
        &nav,
        &json!({"code": -101, "message": "made up", "data": {"isLogin": false}}),
    );
    match scenario.poll() {
        Output::Status(change) => {
            assert_eq!(change.status, Status::Error);
            assert_eq!(change.reason.and_then(|error| error.code()), Some(-101));
        }
        other => panic!("{other:?}"),
    }
    for _ in 0..2 {
        match scenario.poll() {
            Output::Finished(Err(error)) => assert_eq!(error.class(), ErrorClass::LoginLost),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_login_of_somebody_else_is_refused() {
    let credential = Credential::parse("SESSDATA=made%2Cup; DedeUserID=10002").unwrap();
    let mut scenario = Scenario::new(PollerConfig::new());
    scenario.poller = Poller::new(ClientConfig::new(credential), PollerConfig::new()).unwrap();
    let nav = scenario.expect_send();
    scenario.answer(&nav, nav_data());
    scenario.expect_status(Status::Error);
    match scenario.poll() {
        Output::Finished(Err(Error::Build(BuildError::UidMismatch { given, actual }))) => {
            assert_eq!((given.0, actual.0), (10002, OWN));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_service_itself_is_not_asked_too_often() {
    let config = PollerConfig::new().interval(Duration::from_millis(2999));
    assert!(Poller::new(context(), config.clone()).is_err());
    let hosts = bilibili_session::Hosts::origin("http://127.0.0.1:1").unwrap();
    assert!(Poller::new(context().hosts(hosts), config).is_ok());
}

/// The newest entry of the first list is the baseline, unless it lies in the future. Who says so
/// are the `Date`, the local clock and the second entry, and each of them may be wrong.
#[test]
fn a_first_entry_in_the_future_is_not_the_baseline() {
    const DAY: i64 = 86_400;
    // The `Date`, if there is one, and the local clock, by what each is off; the first entry and
    // the second, if there is one; the baseline.
    for (date, local, first, second, baseline) in [
        // All is well.
        (Some(0), 0, -10, Some(-50), -10),
        (Some(0), 0, -10, None, -10),
        // The `Date` says so, and nobody or one contradicts.
        (Some(0), 0, DAY, Some(-50), 0),
        (Some(0), 0, DAY, None, 0),
        (Some(0), DAY, DAY, Some(-50), 0),
        (Some(0), DAY, DAY, None, 0),
        (Some(0), 0, DAY, Some(3600), 0),
        (Some(0), -DAY, DAY, Some(3600), 0),
        // The `Date` is behind: both others contradict, so it is not the future.
        (Some(-DAY), 0, -10, Some(-50), -50),
        (Some(-DAY), 3600, 1800, Some(1700), 1700),
        (Some(-DAY), 0, DAY, Some(3600), 0),
        // It is behind, and only one contradicts.
        (Some(-3600), -3600, -10, Some(-50), -3600),
        (Some(-3600), 0, -10, None, -3600),
        // The `Date` is ahead, and confirms what lies there.
        (Some(DAY), 0, DAY, Some(-50), DAY),
        (Some(DAY), 0, -10, Some(-50), -10),
        (Some(DAY), -DAY, -10, None, -10),
        // Without a `Date` either of the others will do.
        (None, 0, DAY, Some(-50), 0),
        (None, DAY, DAY, Some(-50), DAY),
        (None, -DAY, DAY, Some(3600), 3600),
        (None, -DAY, -10, Some(-50), -50),
        (None, -3600, -10, None, -3600),
    ] {
        let mut scenario = Scenario::new(PollerConfig::new());
        scenario.skew = local;
        let mut begins = Vec::new();
        drive(&mut scenario, Duration::from_secs(7), |_, sent| {
            let second = second.map(|at| entry(user(20002), 3, at));
            let list = [Some(entry(user(20001), 7, first)), second];
            let list: Vec<_> = list.into_iter().flatten().collect();
            begins.extend(sent.get("begin_ts").map(str::to_owned));
            let data = match sent.path.as_str() {
                "nav" => nav_data(),
                "get_sessions" => json!({"session_list": list, "has_more": 0}),
                _ => json!({"session_list": [], "has_more": 0}),
            };
            (ok(data), date)
        });
        let begin = ((START + baseline - 5) * 1_000_000).to_string();
        assert_eq!(
            begins,
            [begin],
            "{date:?} {local} {first} {second:?}, {baseline}"
        );
    }
}
