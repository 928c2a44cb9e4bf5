//! States 2 and 3: it ends at once, from wherever it is.

use bilibili_session::poller::{Output, PollerConfig, Status};
use serde_json::json;

use crate::scenario::{START, Scenario, entry, nav_data, page, text_at, user};

#[track_caller]
fn closes(mut scenario: Scenario) {
    scenario.poller.handle_close();
    let mut told = Vec::new();
    loop {
        match scenario.poll() {
            Output::Status(change) => told.push(change.status),
            Output::Warning(_) => {}
            Output::Finished(result) => {
                assert_eq!(result, Ok(()));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, [Status::Closing, Status::Closed]);
    assert_eq!(scenario.poller.status(), Status::Closed);
    scenario.poller.handle_close();
    assert!(matches!(scenario.poll(), Output::Finished(Ok(()))));
}

#[test]
fn before_anything_was_asked() {
    closes(Scenario::new(PollerConfig::new()));
}

#[test]
fn while_nav_or_the_first_list_is_on_its_way() {
    let mut scenario = Scenario::new(PollerConfig::new());
    scenario.expect_send();
    closes(scenario);
    let mut scenario = Scenario::new(PollerConfig::new());
    let nav = scenario.expect_send();
    scenario.answer(&nav, nav_data());
    scenario.expect_send();
    closes(scenario);
}

#[test]
fn between_rounds_and_within() {
    closes(Scenario::connected(PollerConfig::new(), &[]));
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    scenario.wait();
    scenario.expect_send();
    closes(scenario);
}

#[test]
fn while_it_pauses() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
    scenario.wait();
    let sent = scenario.expect_send();
    scenario.refuse(&sent, -412);
    scenario.expect_warning();
    scenario.expect_wait();
    closes(scenario);
}

#[test]
fn with_messages_that_were_not_delivered() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 9, 6)]);
    let sent = scenario.expect_fetch(id);
    scenario.answer(
        &sent,
        page(&[text_at(id, 9, START), text_at(id, 8, START)], false),
    );
    scenario.expect_seqnos([8]);
    let checkpoint = scenario.poller.checkpoint().unwrap();
    closes(scenario);
    let mut scenario = Scenario::resume(PollerConfig::new(), &checkpoint);
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    scenario.expect_status(Status::Connected);
    scenario.list(&[]);
    let sent = scenario.expect_fetch(id);
    assert_eq!(sent.get("begin_seqno"), Some("8"));
}

#[test]
fn an_answer_after_the_end_is_an_error_value() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let nav = scenario.expect_send();
    scenario.poller.handle_close();
    let now = scenario.now();
    let answer = http::Response::new(json!({"code": 0}).to_string().into_bytes());
    let late = scenario.poller.handle_response(now, nav.id, Ok(answer));
    assert!(late.unwrap_err().to_string().contains("not in flight"));
}

#[test]
fn an_error_stays_an_error() {
    let mut scenario = Scenario::new(PollerConfig::new());
    let nav = scenario.expect_send();
    scenario.refuse(&nav, -101);
    scenario.poller.handle_close();
    scenario.expect_status(Status::Error);
    assert!(matches!(scenario.poll(), Output::Finished(Err(_))));
}
