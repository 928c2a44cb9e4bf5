//! A day of three kinds of accounts, by each way to hear of a message: requests against delay.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bilibili_session::poller::{Hint, Output, Poller, PollerConfig, RequestId};
use bilibili_session::{ClientConfig, Credential, Hosts, Now, UnixMicros};
use bilibili_session_simulator::{NewMessage, Rng, Simulator};
use http::Response;

const START_US: i64 = 1_700_000_000_000_000;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
/// From a request to its answer.
const LATENCY: i64 = 80_000;

/// A number below `end`.
fn below(rng: &mut Rng, end: i64) -> i64 {
    i64::try_from(rng.below(end.unsigned_abs())).unwrap()
}

/// The times at which messages arrive: bursts, of which each is a talk of some minutes.
fn arrivals(talks: i64, messages: i64, rng: &mut Rng) -> Vec<i64> {
    let mut times = Vec::new();
    for _ in 0..talks {
        let mut at = below(rng, DAY - 20 * MINUTE);
        for _ in 0..messages {
            times.push(START_US + MINUTE + at);
            at += 5 * SECOND + below(rng, 55 * SECOND);
        }
    }
    times.sort_unstable();
    times
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Fixed,
    Adaptive,
    Push,
    /// The channel is down half of the time, ten minutes in twenty.
    PushHalf,
}

impl Way {
    fn config(self) -> PollerConfig {
        let config = PollerConfig::new();
        match self {
            Self::Fixed => config,
            Self::Adaptive => config.adaptive(Duration::from_secs(60)),
            Self::Push | Self::PushHalf => config.push(true),
        }
    }

    /// The hint of a message that arrives then, if one comes: 3 of 100 are lost, and 5 come a second
    /// before the list shows the message.
    fn hints(self, at: i64, rng: &mut Rng) -> Vec<i64> {
        let is_up = match self {
            Self::Fixed | Self::Adaptive => false,
            Self::Push => true,
            Self::PushHalf => (at / (10 * MINUTE)) % 2 == 0,
        };
        let later = 100_000 + below(rng, 400_000);
        match below(rng, 100) {
            _ if !is_up => vec![],
            0..3 => vec![],
            3..8 => vec![at - SECOND],
            8..10 => vec![at + later, at + later + SECOND],
            _ => vec![at + later],
        }
    }
}

/// Takes out the first of a queue, if it is due.
fn pop_due<T>(queue: &mut VecDeque<T>, is_due: impl Fn(&T) -> bool) -> Option<T> {
    let due = queue.front().is_some_and(is_due);
    due.then(|| queue.pop_front()).flatten()
}

struct Day {
    requests: usize,
    median: f64,
    late: f64,
}

fn day(way: Way, arrivals: &[i64]) -> Day {
    let mut rng = Rng::new(11);
    let mut sim = Simulator::default();
    for talker in 0..20 {
        let old = NewMessage::text(20_000 + talker, "old");
        sim.receive(START_US - MINUTE, old).unwrap();
    }
    let login = sim.login();
    let cookies = format!("SESSDATA={}; bili_jct={}", login.sessdata, login.bili_jct);
    let context = ClientConfig::new(Credential::parse(&cookies).unwrap()).hosts(Hosts::official());
    let mut poller = Poller::new(context, way.config()).unwrap();

    let mut hints: Vec<i64> = arrivals
        .iter()
        .flat_map(|at| way.hints(*at, &mut rng))
        .collect();
    hints.sort_unstable();
    let mut hints = VecDeque::from(hints);
    let mut coming: VecDeque<i64> = arrivals.iter().copied().collect();
    let mut answers: VecDeque<(i64, RequestId, Response<Vec<u8>>)> = VecDeque::new();
    let mut sent: BTreeMap<String, i64> = BTreeMap::new();
    let (mut now_us, mut requests, mut delays) = (START_US, 0, Vec::new());
    let end = START_US + DAY + 2 * MINUTE;
    loop {
        let now = Now {
            monotonic: Duration::from_micros((now_us - START_US).unsigned_abs()),
            wall: UnixMicros(now_us),
        };
        match poller.poll_output(now) {
            Output::Send(outgoing) => {
                requests += 1;
                let answer = sim
                    .handle(now_us, &outgoing.request)
                    .into_response()
                    .unwrap();
                answers.push_back((now_us + LATENCY, outgoing.id, answer));
            }
            Output::Event(event) => {
                let at = sent.remove(event.text().unwrap()).unwrap();
                delays.push(now_us - at);
            }
            Output::Wait(_) if now_us >= end => break,
            Output::Wait(until) => {
                let until = START_US + i64::try_from(until.as_nanos().div_ceil(1000)).unwrap();
                let next = [
                    coming.front().copied(),
                    hints.front().copied(),
                    answers.front().map(|it| it.0),
                ];
                now_us = next
                    .into_iter()
                    .flatten()
                    .fold(end.min(until), i64::min)
                    .max(now_us);
                let now = Now {
                    monotonic: Duration::from_micros((now_us - START_US).unsigned_abs()),
                    wall: UnixMicros(now_us),
                };
                while pop_due(&mut coming, |at| *at <= now_us).is_some() {
                    let text = format!("message {}", coming.len());
                    let talker = 20_000 + below(&mut rng, 20);
                    sim.receive(now_us, NewMessage::text(talker, &text))
                        .unwrap();
                    sent.insert(text, now_us);
                }
                while pop_due(&mut hints, |at| *at <= now_us).is_some() {
                    poller.handle_hint(now, Hint::Messages);
                }
                while let Some((_, id, answer)) = pop_due(&mut answers, |it| it.0 <= now_us) {
                    poller.handle_response(now, id, Ok(answer)).unwrap();
                }
            }
            Output::Finished(result) => panic!("{result:?}"),
            Output::Warning(warning) => panic!("{warning}"),
            Output::Feed(_) | Output::Status(_) => {}
        }
    }
    assert!(sent.is_empty(), "{} messages never came", sent.len());
    assert_eq!(delays.len(), arrivals.len());
    delays.sort_unstable();
    let at = |share: usize| {
        let micros = delays[(delays.len() * share / 100).min(delays.len() - 1)];
        Duration::from_micros(micros.unsigned_abs()).as_secs_f64()
    };
    Day {
        requests,
        median: at(50),
        late: at(99),
    }
}

/// Prints requests a day, and median and 99th percentile of the delay.
#[test]
#[ignore = "a minute in a release build: --test day -- --ignored --nocapture"]
fn a_day_by_each_way_to_hear_of_a_message() {
    let accounts = [
        ("quiet, 6 messages", arrivals(3, 2, &mut Rng::new(1))),
        ("usual, 120 messages", arrivals(15, 8, &mut Rng::new(2))),
        ("busy, 1,500 messages", arrivals(75, 20, &mut Rng::new(3))),
    ];
    println!(
        "| account | 6 s | adaptive, 6 s to 60 s | push, 20 s | push down half of the time, 20 s |"
    );
    println!("|---|---|---|---|---|");
    for (name, arrivals) in &accounts {
        let ways = [Way::Fixed, Way::Adaptive, Way::Push, Way::PushHalf];
        let days = ways.map(|way| day(way, arrivals));
        let cells = days.each_ref().map(|day| {
            let Day {
                requests,
                median,
                late,
            } = day;
            format!("{requests}, {median:.1} s, {late:.1} s")
        });
        println!("| {name} | {} |", cells.join(" | "));
        let [fixed, adaptive, push, half] = days;
        assert!(fixed.late <= 7.0 && half.late <= 21.0);
        assert!(adaptive.requests < fixed.requests);
        // A busy account needs a list and a page for each message, whoever tells of it.
        assert!(push.requests * 2 <= fixed.requests);
        if arrivals.len() < 1000 {
            assert!(push.requests * 3 <= fixed.requests);
        }
        assert!(push.median < 1.0, "{}", push.median);
    }
}
