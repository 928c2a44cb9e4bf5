//! Names that lists tell, and calls for the others.

use std::time::Duration;

use bilibili_session::call::{Call, Output as CallOutput};
use bilibili_session::endpoints::GetUserInfos;
use bilibili_session::poller::PollerConfig;
use bilibili_session::{GroupId, Names, TransportError, Uid};
use http::Response;
use serde_json::json;

use crate::scenario::*;

fn named(id: i64, name: &str) -> serde_json::Value {
    let mut entry = entry(group(id), 7, -5);
    entry["group_name"] = json!(name);
    entry
}

#[test]
fn lists_and_pages_tell_of_names() {
    for is_wanted in [true, false] {
        let first = [named(5, "five"), entry(user(20001), 7, -5)];
        let config = PollerConfig::new().names(is_wanted);
        let mut scenario = Scenario::connected(config, &first);
        let mut names = Names::new(100);
        let now = scenario.now();
        scenario.poller.tell_names(now, &mut names);
        assert_eq!(names.get(GroupId(5)), is_wanted.then_some("five"));

        let mut changed = named(6, "six");
        changed["max_seqno"] = json!(9);
        changed["session_ts"] = json!(scenario.server_now() * 1_000_000);
        scenario.list(&[changed]);
        let fetch = scenario.expect_fetch(group(6));
        let messages = [20002, 20003, 20003, 0].into_iter().zip(6..);
        let messages: Vec<_> = messages
            .map(|(sender, seqno)| {
                let mut message = scenario.message(group(6), seqno);
                message["sender_uid"] = json!(sender);
                message
            })
            .collect();
        scenario.answer(&fetch, page(&messages, false));
        scenario.poller.tell_names(now, &mut names);
        assert_eq!(names.get(GroupId(6)), is_wanted.then_some("six"));

        // Whoever is asked for takes along those whom lists and pages have shown.
        let call = names.next_call(now, [Uid(9)]).unwrap();
        let expected: &[i64] = match is_wanted {
            true => &[9, 20001, 20002, 20003],
            false => &[9],
        };
        let asked: Vec<i64> = call.uids().iter().map(|uid| uid.0).collect();
        assert_eq!(asked, expected);
    }
}

/// Nothing but names depends on a call for names.
#[test]
fn trouble_with_names_is_none_for_the_session() {
    for answer in [-101, -352, -412, -509].map(Some).into_iter().chain([None]) {
        let mut scenario = Scenario::connected(PollerConfig::new(), &[]);
        let wait = scenario.expect_wait();
        let now = scenario.now();
        let mut call = Call::new(GetUserInfos::of([Uid(20001)]).remove(0));
        let CallOutput::Send(_) = scenario.poller.poll_call(now, &mut call) else {
            panic!("nothing is sent");
        };
        let answer = match answer {
            Some(code) => Ok(Response::new(
                json!({"code": code}).to_string().into_bytes(),
            )),
            None => Err(TransportError::timeout()),
        };
        scenario.poller.handle_call_response(now, &mut call, answer);
        let CallOutput::Done(Err(_)) = scenario.poller.poll_call(now, &mut call) else {
            panic!("it did not fail");
        };
        assert_eq!(scenario.expect_wait(), wait);
        scenario.advance(Duration::from_secs(6));
        scenario.expect_call("new_sessions");
    }
}
