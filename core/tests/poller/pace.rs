//! The interval of an account that is quiet.

use std::time::Duration;

use bilibili_session::call::{self, Call};
use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{ConfigError, Hint, Poller, PollerConfig};
use serde_json::json;

use crate::scenario::{Scenario, context, entry, user};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn adaptive() -> Scenario {
    let config = PollerConfig::new().adaptive(ms(20_000)).spacing(ms(0));
    let config = config.whole_list_interval(None);
    Scenario::of(Poller::new(context(), config).unwrap()).connect(&[])
}

#[track_caller]
fn distances(scenario: &mut Scenario, count: usize) -> Vec<Duration> {
    let distance = |_| {
        let wait = scenario.wait();
        let sent = scenario.expect_call("new_sessions");
        scenario.answer(&sent, json!({"session_list": [], "has_more": 0}));
        wait
    };
    (0..count).map(distance).collect()
}

/// Ten quiet rounds, then a quarter more with each.
fn quiet() -> Vec<Duration> {
    let mut quiet = vec![ms(6000); 11];
    let longer = [7500, 9375, 11_718, 14_648, 18_310, 20_000, 20_000];
    quiet.extend(longer.map(ms));
    quiet
}

/// To the millisecond.
fn rounded(spans: Vec<Duration>) -> Vec<Duration> {
    let round = |span: Duration| ms(u64::try_from(span.as_millis()).unwrap());
    spans.into_iter().map(round).collect()
}

#[test]
fn a_quiet_account_is_asked_less_often() {
    let mut scenario = adaptive();
    assert_eq!(rounded(distances(&mut scenario, 18)), quiet());
}

#[test]
fn a_message_brings_the_interval_back() {
    let mut scenario = adaptive();
    distances(&mut scenario, 18);
    let at = i64::try_from(scenario.elapsed.as_secs()).unwrap();
    scenario.list(&[entry(user(20001), 8, at)]);
    scenario.fetch(user(20001), &[8], false);
    scenario.expect_seqnos([8]);
    assert_eq!(rounded(distances(&mut scenario, 18)), quiet());
}

#[test]
fn a_message_that_is_sent_brings_the_interval_back() {
    let mut scenario = adaptive();
    distances(&mut scenario, 18);
    scenario.advance(ms(10_000));
    let mut call = Call::new(SendMsg::text(user(20001), "made up"));
    let now = scenario.now();
    let output = scenario.poller.poll_call(now, &mut call);
    assert!(matches!(output, call::Output::Send(_)), "{output:?}");
    let sent = br#"{"code":0,"message":"0","data":{"msg_key":7300000000000000007}}"#;
    let answer = http::Response::new(sent.to_vec());
    scenario
        .poller
        .handle_call_response(now, &mut call, Ok(answer));
    // The round that six seconds would have brought is due.
    let sent = scenario.expect_call("new_sessions");
    scenario.answer(&sent, json!({"session_list": [], "has_more": 0}));
    assert_eq!(distances(&mut scenario, 9), [ms(6000); 9]);
}

#[test]
fn a_hint_brings_the_interval_back() {
    let mut scenario = adaptive();
    distances(&mut scenario, 18);
    let now = scenario.now();
    scenario.poller.handle_hint(now, Hint::Connected);
    assert_eq!(distances(&mut scenario, 2), [ms(3000), ms(6000)]);
}

#[test]
fn without_it_the_interval_stays() {
    let config = PollerConfig::new().whole_list_interval(None);
    let mut scenario = Scenario::connected(config, &[]);
    assert_eq!(distances(&mut scenario, 40), [ms(6000); 40]);
}

#[test]
fn a_ceiling_below_the_interval_is_refused() {
    let config = PollerConfig::new().adaptive(ms(5999));
    let refused = Poller::new(context(), config).unwrap_err();
    assert!(matches!(
        refused,
        ConfigError::OutOfRange {
            name: "adaptive",
            ..
        }
    ));
}
