//! The distance between two requests.

use std::collections::VecDeque;
use std::time::Duration;

use bilibili_session::Hosts;
use bilibili_session::poller::{Output, Poller, PollerConfig};
use serde_json::{Value, json};

use crate::drive::parse;
use crate::scenario::{
    INTERVAL, START, Scenario, Sent, context, entry, nav_data, page, text_at, user,
};

/// Returns the times of the requests that it takes to catch up with so many conversations, where an
/// answer takes 80 ms.
fn sent_at(mut scenario: Scenario, count: i64) -> Vec<Duration> {
    let mut on_their_way: VecDeque<(Duration, Sent)> = VecDeque::new();
    let (mut times, mut left) = (Vec::new(), count);
    while left > 0 {
        match scenario.poll() {
            Output::Send(outgoing) => {
                times.push(scenario.elapsed);
                let back = scenario.elapsed + Duration::from_millis(80);
                on_their_way.push_back((back, parse(&outgoing)));
            }
            Output::Wait(until) => {
                let next = on_their_way
                    .front()
                    .map_or(until, |(at, _)| (*at).min(until));
                scenario.elapsed = next;
                let is_here = on_their_way.front().is_some_and(|(at, _)| *at <= next);
                let Some((_, sent)) = is_here.then(|| on_their_way.pop_front()).flatten() else {
                    continue;
                };
                let data = match sent.path.as_str() {
                    "nav" => nav_data(),
                    "fetch_session_msgs" => {
                        left -= 1;
                        let n: i64 = sent.get("talker_id").unwrap().parse().unwrap();
                        page(&[text_at(user(n), 9, START + 5)], false)
                    }
                    _ => {
                        let end = sent
                            .get("end_ts")
                            .map_or(i64::MAX, |it| it.parse().unwrap());
                        let list: Vec<Value> = (1..=count)
                            .map(|n| (n, (START + 5) * 1_000_000 - n))
                            .filter(|(_, ts)| *ts < end)
                            .take(100)
                            .map(|(n, ts)| {
                                let mut entry = entry(user(n), 9, 0);
                                entry["session_ts"] = json!(ts);
                                entry
                            })
                            .collect();
                        let has_more = u8::from(list.len() == 100);
                        json!({"session_list": list, "has_more": has_more})
                    }
                };
                scenario.answer(&sent, data);
            }
            Output::Warning(warning) => panic!("{warning}"),
            Output::Finished(result) => panic!("{result:?}"),
            Output::Event(_) | Output::Feed(_) | Output::Status(_) => {}
        }
    }
    times
}

fn resumed(config: PollerConfig, hosts: Hosts) -> Scenario {
    let known: Vec<Value> = (1..=100).map(|n| entry(user(n), 7, -50 - n)).collect();
    let scenario = Scenario::connected(PollerConfig::new(), &known);
    let checkpoint = scenario.poller.checkpoint().unwrap();
    let config = config.interval(INTERVAL);
    Scenario {
        poller: Poller::resume(context().hosts(hosts), config, &checkpoint).unwrap(),
        elapsed: scenario.elapsed,
        skew: 0,
    }
}

fn least_distance(times: &[Duration]) -> Duration {
    let pairs = times.iter().zip(times.iter().skip(1));
    pairs.map(|(a, b)| *b - *a).min().unwrap()
}

#[test]
fn a_resume_after_a_night_does_not_ask_for_all_at_once() {
    let scenario = resumed(PollerConfig::new(), Hosts::official());
    let times = sent_at(scenario, 300);
    assert_eq!(least_distance(&times), Duration::from_millis(300));
    let length = *times.last().unwrap() - times[0];
    assert!(length < Duration::from_secs(110), "{length:?}");
}

#[test]
fn another_origin_is_asked_as_fast_as_it_answers() {
    let origin = || Hosts::origin("http://127.0.0.1:1").unwrap();
    let times = sent_at(resumed(PollerConfig::new(), origin()), 300);
    assert!(*times.last().unwrap() - times[0] < Duration::from_secs(15));
    let config = PollerConfig::new().spacing(Duration::from_secs(1));
    let times = sent_at(resumed(config, origin()), 30);
    assert_eq!(least_distance(&times), Duration::from_secs(1));
}
