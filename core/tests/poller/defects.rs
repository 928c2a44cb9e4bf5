//! Each test states what should hold; it fails on 0ec828e. Copy to core/tests/poller/ and add `mod defects;` to its main.rs.

use std::collections::BTreeMap;
use std::time::Duration;

use bilibili_session::ConversationId;
use bilibili_session::poller::{Notice, Output, Poller, PollerConfig, Status};
use http::Response;
use serde_json::{Value, json};

use crate::scenario::{
    START, Scenario, Sent, context, entry, group, nav_data, page, text_at, user,
};

#[derive(Default)]
pub struct Log {
    pub events: Vec<(ConversationId, u64)>,
    pub notices: Vec<String>,
    pub requests: BTreeMap<String, usize>,
    pub at: Vec<(Duration, String)>,
}

fn parse(outgoing: &bilibili_session::poller::Outgoing) -> Sent {
    let uri = outgoing.request.uri();
    let query = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
    Sent {
        id: outgoing.id,
        path: uri.path().rsplit('/').next().unwrap().to_owned(),
        query: query.into_owned().collect(),
    }
}

/// Drives for so long; `serve` answers (body, Date offset or none).
pub fn drive(
    scenario: &mut Scenario,
    length: Duration,
    mut serve: impl FnMut(&mut Scenario, &Sent) -> (Value, Option<i64>),
) -> Log {
    let mut log = Log::default();
    let end = scenario.elapsed + length;
    let mut still = 0;
    while scenario.elapsed < end {
        still += 1;
        assert!(still < 2_000_000, "no time passes");
        match scenario.poll() {
            Output::Event(event) => log.events.push((event.conversation, event.msg_seqno().0)),
            Output::Notice(notice) => log.notices.push(notice.to_string()),
            Output::Status(_) => {}
            Output::Finished(result) => {
                log.notices.push(format!("finished {result:?}"));
                return log;
            }
            Output::Wait(until) => {
                assert!(until > scenario.elapsed, "waits for the past");
                scenario.elapsed = until;
                still = 0;
            }
            Output::Send(outgoing) => {
                let sent = parse(&outgoing);
                *log.requests.entry(sent.path.clone()).or_default() += 1;
                log.at.push((scenario.elapsed, sent.path.clone()));
                let (body, date) = serve(scenario, &sent);
                let mut response = Response::builder().status(200);
                if let Some(off) = date {
                    let date = std::time::UNIX_EPOCH
                        + Duration::from_secs((scenario.server_now() + off).unsigned_abs());
                    response = response.header("date", httpdate::fmt_http_date(date));
                }
                let response = response.body(body.to_string().into_bytes()).unwrap();
                let now = scenario.now();
                scenario
                    .poller
                    .handle_response(now, sent.id, Ok(response))
                    .unwrap();
            }
        }
    }
    log
}

fn ok(data: Value) -> Value {
    json!({"code": 0, "message": "0", "data": data})
}

fn bound(sent: &Sent, name: &str, default: u64) -> u64 {
    sent.get(name).map_or(default, |text| text.parse().unwrap())
}

/// P1: a server whose `has_more` is 1 whatever is asked: also for bounded and empty pages.
#[test]
fn p1_has_more_always_one_holds_messages_for_ever() {
    let id = user(20001);
    let seqnos = [1_000_000_000_000_007_u64, 1_000_000_000_000_012];
    let mut scenario =
        Scenario::connected(PollerConfig::new(), &[entry(id, 1_000_000_000_000_001, -5)]);
    let log = drive(&mut scenario, Duration::from_secs(24 * 3600), |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => {
                json!({"session_list": [entry(id, seqnos[1], 6)], "has_more": 0})
            }
            _ => {
                let (begin, end) = (
                    bound(sent, "begin_seqno", 0),
                    bound(sent, "end_seqno", u64::MAX),
                );
                let within: Vec<Value> = seqnos
                    .iter()
                    .rev()
                    .filter(|s| begin < **s && **s < end)
                    .map(|s| text_at(id, *s, START + 6))
                    .collect();
                let mut data = page(&within, true);
                if within.is_empty() {
                    data["messages"] = Value::Null;
                }
                data
            }
        };
        (ok(data), Some(0))
    });
    println!("{} requests {:?}", log.events.len(), log.requests);
    println!("held {}", scenario.poller.held_messages());
    println!("last notice: {:?}", log.notices.last());
    println!("notices {}", log.notices.len());
    assert_eq!(log.events, [(id, seqnos[0]), (id, seqnos[1])]);
}

/// P1b: the same, when only the *bounded* request says it has more (has_more = there are older
/// messages in the conversation, whatever `begin_seqno` says), and an empty page says 0.
#[test]
fn p1b_has_more_that_disregards_begin_costs_requests() {
    let id = user(20001);
    let seqnos = [1_000_000_000_000_007_u64];
    let mut scenario =
        Scenario::connected(PollerConfig::new(), &[entry(id, 1_000_000_000_000_001, -5)]);
    let log = drive(&mut scenario, Duration::from_secs(60), |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => json!({"session_list": [entry(id, seqnos[0], 6)], "has_more": 0}),
            _ => {
                let (begin, end) = (
                    bound(sent, "begin_seqno", 0),
                    bound(sent, "end_seqno", u64::MAX),
                );
                let within: Vec<Value> = seqnos
                    .iter()
                    .filter(|s| begin < **s && **s < end)
                    .map(|s| text_at(id, *s, START + 6))
                    .collect();
                page(&within, !within.is_empty())
            }
        };
        (ok(data), Some(0))
    });
    println!("{:?}", log.requests);
    assert_eq!(log.events.len(), 1);
    assert_eq!(
        log.requests["fetch_session_msgs"], 1,
        "requests for one message"
    );
}

/// P2: the conversation was deleted and begins anew with lower seqnos.
#[test]
fn p2_seqno_reset_is_lost_in_silence() {
    let id = group(221_300);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 1000, -5)]);
    let log = drive(&mut scenario, Duration::from_secs(3600), |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => {
                let mut it = entry(id, 3, 30);
                it["last_msg"] = text_at(id, 3, START + 30);
                it["unread_count"] = json!(3);
                json!({"session_list": [it], "has_more": 0})
            }
            _ => {
                let begin = bound(sent, "begin_seqno", 0);
                let within: Vec<Value> = [3_u64, 2, 1]
                    .iter()
                    .filter(|s| begin < **s)
                    .map(|s| text_at(id, *s, START + 30))
                    .collect();
                page(&within, false)
            }
        };
        (ok(data), Some(0))
    });
    println!("{:?} {:?} {:?}", log.events, log.notices, log.requests);
    assert!(
        !log.events.is_empty() || !log.notices.is_empty(),
        "three new messages, no event and no notice"
    );
}

/// P3: lists without a Date, one conversation with a time an hour ahead.
#[test]
fn p3_a_future_session_ts_without_date_hides_others() {
    let (odd, id) = (user(20001), user(20002));
    let mut scenario = Scenario::new(PollerConfig::new());
    let log = drive(
        &mut scenario,
        Duration::from_secs(1800),
        |scenario, sent| {
            let now = scenario.server_now() - START;
            let all = [
                (odd, 7_u64, 3600_i64),
                (id, 5 + u64::from(now > 60), if now > 60 { 60 } else { -50 }),
            ];
            let data = match sent.path.as_str() {
                "nav" => return (ok(nav_data()), Some(0)),
                "new_sessions" | "get_sessions" => {
                    let begin = sent
                        .get("begin_ts")
                        .map_or(i64::MIN, |t| t.parse().unwrap());
                    let list: Vec<Value> = all
                        .iter()
                        .filter(|(_, _, at)| (START + at) * 1_000_000 > begin)
                        .map(|(id, max, at)| entry(*id, *max, *at))
                        .collect();
                    // The first list has a Date, the others come through something that drops it.
                    let date = (sent.path == "get_sessions").then_some(0);
                    return (ok(json!({"session_list": list, "has_more": 0})), date);
                }
                _ => {
                    let begin = bound(sent, "begin_seqno", 0);
                    let within: Vec<Value> = [6_u64]
                        .iter()
                        .filter(|s| begin < **s)
                        .map(|s| text_at(id, *s, START + 60))
                        .collect();
                    page(&within, false)
                }
            };
            (ok(data), None)
        },
    );
    println!("{:?} {:?} {:?}", log.events, log.notices, log.requests);
    assert_eq!(log.events, [(id, 6)]);
}

/// P4: `Date` two minutes ahead of the times of messages; somebody writes for the first time.
#[test]
fn p4_first_contact_is_lost_when_date_is_ahead() {
    let (old, id) = (user(20001), user(20002));
    let mut scenario = Scenario::new(PollerConfig::new());
    let log = drive(
        &mut scenario,
        Duration::from_secs(1800),
        |scenario, sent| {
            let now = scenario.server_now() - START;
            let data = match sent.path.as_str() {
                "nav" => nav_data(),
                "new_sessions" | "get_sessions" => {
                    let mut list = vec![entry(old, 7, -50)];
                    if now > 30 {
                        list.insert(0, entry(id, 1_000_000_000_000_001, 30));
                    }
                    json!({"session_list": list, "has_more": 0})
                }
                _ => page(&[text_at(id, 1_000_000_000_000_001, START + 30)], false),
            };
            (ok(data), Some(120))
        },
    );
    println!("{:?} {:?} {:?}", log.events, log.notices, log.requests);
    assert!(
        !log.events.is_empty(),
        "no event; notices: {:?}",
        log.notices
    );
}

/// P5: one message with a nonsense seqno makes a conversation deaf.
#[test]
fn p5_one_nonsense_seqno_makes_deaf() {
    for poison in [u64::MAX - 1, i64::MAX.unsigned_abs()] {
        let id = user(20001);
        let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
        let log = drive(&mut scenario, Duration::from_secs(600), |scenario, sent| {
            let now = scenario.server_now() - START;
            let newest = 8 + u64::from(now > 120);
            let data = match sent.path.as_str() {
                "new_sessions" => {
                    json!({"session_list": [entry(id, newest, if now > 120 { 120 } else { 6 })], "has_more": 0})
                }
                _ => {
                    let (begin, end) = (
                        bound(sent, "begin_seqno", 0),
                        bound(sent, "end_seqno", u64::MAX),
                    );
                    let mut all: Vec<Value> = (8..=newest)
                        .rev()
                        .filter(|s| begin < *s && *s < end)
                        .map(|s| text_at(id, s, START + 6))
                        .collect();
                    if now < 60 {
                        let mut bad = text_at(id, 8, START + 6);
                        bad["msg_seqno"] = json!(poison);
                        bad["msg_key"] = json!(1);
                        all.push(bad);
                    }
                    page(&all, false)
                }
            };
            (ok(data), Some(0))
        });
        println!(
            "{poison}: {:?} {:?} {:?}",
            log.events, log.notices, log.requests
        );
        assert!(
            log.events.contains(&(id, 9)),
            "message 9 never comes: {:?}",
            log.events
        );
    }
}

/// P6: in the middle of a gap the group is over: what is in hand is thrown away.
#[test]
fn p6_what_is_in_hand_is_dropped_when_the_group_ends() {
    let id = group(221_300);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 407, 6)]);
    let first: Vec<u64> = (208..=407).rev().collect();
    scenario.fetch(id, &first, true);
    let next = scenario.expect_fetch(id);
    scenario.refuse(&next, 700_013);
    let mut out = Vec::new();
    let mut notices = Vec::new();
    loop {
        match scenario.poll() {
            Output::Event(event) => out.push(event.msg_seqno().0),
            Output::Notice(notice) => notices.push(notice.to_string()),
            Output::Wait(_) => break,
            other => panic!("{other:?}"),
        }
    }
    println!("{} events, {notices:?}", out.len());
    assert!(
        out.len() == 200 || notices.iter().any(|it| it.contains("deliver")),
        "200 messages were in hand, {} came out, notices: {notices:?}",
        out.len()
    );
}

/// P8: more conversations changed than ten times `max_conversations`.
#[test]
fn p8_a_long_list_is_taken_as_endless() {
    let config = PollerConfig::new().max_conversations(100);
    let mut scenario = Scenario::new(config);
    let count = 1500_i64;
    let log = drive(
        &mut scenario,
        Duration::from_secs(2 * 3600),
        |scenario, sent| {
            let now = scenario.server_now() - START;
            let data = match sent.path.as_str() {
                "nav" => nav_data(),
                "new_sessions" | "get_sessions" => {
                    // All wrote within the first minute after the first list.
                    let all: Vec<(i64, i64)> = if now < 10
                        && sent.get("end_ts").is_none()
                        && sent.path == "get_sessions"
                    {
                        vec![(1, -50)]
                    } else {
                        (0..count).map(|n| (n + 2, 5)).collect()
                    };
                    let begin = sent
                        .get("begin_ts")
                        .map_or(i64::MIN, |t| t.parse().unwrap());
                    let end = sent.get("end_ts").map_or(i64::MAX, |t| t.parse().unwrap());
                    let mut list: Vec<(i64, i64)> = all
                        .iter()
                        .map(|(n, at)| (*n, (START + at) * 1_000_000 - n))
                        .filter(|(_, ts)| begin < *ts && *ts < end)
                        .collect();
                    list.sort_by_key(|(_, ts)| -ts);
                    let more = list.len() > 100;
                    list.truncate(100);
                    let list: Vec<Value> = list
                        .iter()
                        .map(|(n, ts)| {
                            let mut it = entry(user(*n), 9, 0);
                            it["session_ts"] = json!(ts);
                            it
                        })
                        .collect();
                    json!({"session_list": list, "has_more": u8::from(more)})
                }
                _ => {
                    let n: i64 = sent.get("talker_id").unwrap().parse().unwrap();
                    page(&[text_at(user(n), 9, START + 5)], false)
                }
            };
            (ok(data), Some(0))
        },
    );
    println!(
        "{} events, notices {:?}, {:?}",
        log.events.len(),
        log.notices.len(),
        log.requests
    );
    println!("{:?}", log.notices.first());
    assert_eq!(log.events.len(), usize::try_from(count).unwrap());
}

/// P19: every fetch is refused with -403: how many requests in the first ten minutes?
#[test]
fn p19_signatures_refused_throughout() {
    let ids: Vec<ConversationId> = (1..=50).map(user).collect();
    let list: Vec<Value> = ids.iter().map(|id| entry(*id, 7, -50)).collect();
    let mut scenario = Scenario::connected(PollerConfig::new(), &list);
    let log = drive(&mut scenario, Duration::from_secs(60), |_, sent| {
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
    println!("{:?}", log.requests);
    let total: usize = log.requests.values().sum();
    assert!(
        total < 60,
        "{total} requests in a minute: {:?}",
        log.requests
    );
}

/// P7: an event whose handler is at work, in a conversation that is forgotten meanwhile.
#[test]
fn p7_rewind_of_a_forgotten_conversation() {
    use bilibili_session::session::{Machine, Turn};
    let config = PollerConfig::new()
        .interval(crate::scenario::INTERVAL)
        .max_conversations(100);
    let id = user(20001);
    let mut scenario = Scenario::connected(config, &[entry(id, 7, -5)]);
    scenario.list(&[entry(id, 8, 6)]);
    scenario.fetch(id, &[8], false);
    let mut now = scenario.now();
    let start = now.monotonic;
    let mut machine = Machine::new(scenario.poller);
    machine.set_limits(16, 256);
    let mut stuck = None;
    let mut round = 0_i64;
    let mut done = 0;
    while done < 300 {
        match machine.poll(now) {
            Turn::Handle(task) => {
                if task
                    .update()
                    .event()
                    .is_some_and(|event| event.conversation == id)
                {
                    assert!(stuck.is_none());
                    stuck = Some(task);
                } else {
                    done += 1;
                    machine.handle_done(task, Vec::new());
                }
            }
            Turn::Wait(until) => {
                let by = until - now.monotonic;
                now.monotonic = until;
                now.wall.0 += i64::try_from(by.as_micros()).unwrap();
                machine.handle_timeout(now);
            }
            Turn::Send(outgoing) => {
                let sent = parse(&outgoing);
                let at = START + i64::try_from((now.monotonic - start).as_secs()).unwrap() + 6;
                let data = match sent.path.as_str() {
                    "new_sessions" => {
                        round += 1;
                        let list: Vec<Value> = (0..60)
                            .map(|n| entry(user(30_000 + round * 60 + n), 9, at - START))
                            .collect();
                        json!({"session_list": list, "has_more": 0})
                    }
                    _ => {
                        let n: i64 = sent.get("talker_id").unwrap().parse().unwrap();
                        page(&[text_at(user(n), 9, at)], false)
                    }
                };
                let date = std::time::UNIX_EPOCH + Duration::from_secs(at.unsigned_abs());
                let response = Response::builder()
                    .header("date", httpdate::fmt_http_date(date))
                    .body(ok(data).to_string().into_bytes())
                    .unwrap();
                machine.handle_response(now, outgoing.id, Ok(response));
            }
            Turn::Busy => panic!("busy"),
            Turn::Finished(result) => panic!("{result:?}"),
        }
    }
    // Killed now: the handler of message 8 has not returned.
    let checkpoint = machine.checkpoint().unwrap();
    let value = serde_json::to_value(&checkpoint).unwrap();
    let held: Vec<&Value> = value["body"]["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["talker_id"] == 20001)
        .collect();
    println!(
        "entry of the conversation: {held:?}, new_since {}",
        value["body"]["new_since"]
    );
    assert!(
        !held.is_empty(),
        "the checkpoint knows nothing of the message that is being handled"
    );
}

/// R: a poller whose stream is dropped while a request is in flight, again and again.
#[test]
fn p9_unknown_types_of_conversation() {
    let id = ConversationId::new(3, 555);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    let log = drive(&mut scenario, Duration::from_secs(24 * 3600), |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => ok(json!({"session_list": [entry(id, 9, 6)], "has_more": 0})),
            _ => json!({"code": 2, "message": "made up"}),
        };
        (data, Some(0))
    });
    println!("{:?} {}", log.requests, log.notices.len());
}

#[test]
fn p10_status_after_all() {
    let _ = (
        Status::Init,
        Notice::kind,
        Poller::new(context(), PollerConfig::new()).is_ok(),
    );
}

/// P11: an empty first list without a date asks for a negative time.
#[test]
fn p11_begin_ts_is_negative() {
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
    println!("{begins:?}");
    assert!(begins.iter().all(|it| !it.starts_with('-')), "{begins:?}");
}

/// P17: two pages of the list, each with an entry that cannot be read: told of once, it says.
#[test]
fn p17_unreadable_entries_on_two_pages_are_told_every_round() {
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(user(1), 7, -5)]);
    let log = drive(&mut scenario, Duration::from_secs(600), |_, sent| {
        let bad = |n: i64| json!({"talker_id": {"no": n}, "session_type": 1});
        let list: Vec<Value> = if sent.get("end_ts").is_none() {
            (1..100)
                .map(|n| entry(user(n), 7, -4))
                .chain([bad(1)])
                .collect()
        } else {
            vec![entry(user(1), 7, -5), entry(user(200), 7, -50), bad(2)]
        };
        let more = sent.get("end_ts").is_none();
        let data = match sent.path.as_str() {
            "fetch_session_msgs" => page(&[], false),
            _ => json!({"session_list": list, "has_more": u8::from(more)}),
        };
        (ok(data), Some(0))
    });
    let told = log
        .notices
        .iter()
        .filter(|it| it.contains("list cannot be read"))
        .count();
    println!("{told} notices in {} rounds", log.requests["new_sessions"]);
    assert!(
        told <= 2,
        "{told} notices of two entries in {} rounds",
        log.requests["new_sessions"]
    );
}

/// P7b: what P7 means: after the resume the message does not come.
#[test]
fn p20_a_resume_asks_for_all_at_once() {
    let count = 300_i64;
    let ids: Vec<ConversationId> = (1..=count).map(user).collect();
    let list: Vec<Value> = ids.iter().take(100).map(|id| entry(*id, 7, -50)).collect();
    let mut scenario = Scenario::connected(PollerConfig::new(), &list);
    let mut first = None;
    let mut last = Duration::ZERO;
    let mut fetches = 0;
    // Each answer takes 80 ms.
    let mut queue: std::collections::VecDeque<(Duration, Sent)> = std::collections::VecDeque::new();
    while fetches < 300 {
        match scenario.poll() {
            Output::Send(outgoing) => queue.push_back((
                scenario.elapsed + Duration::from_millis(80),
                parse(&outgoing),
            )),
            Output::Wait(until) => {
                let Some((at, _)) = queue.front() else {
                    scenario.elapsed = until;
                    continue;
                };
                let at = *at;
                let (_, sent) = queue.pop_front().unwrap();
                scenario.elapsed = scenario.elapsed.max(at);
                let data = match sent.path.as_str() {
                    "fetch_session_msgs" => {
                        fetches += 1;
                        first.get_or_insert(scenario.elapsed);
                        last = scenario.elapsed;
                        let n: i64 = sent.get("talker_id").unwrap().parse().unwrap();
                        page(&[text_at(user(n), 9, START + 5)], false)
                    }
                    _ => {
                        let end: i64 = sent.get("end_ts").map_or(i64::MAX, |t| t.parse().unwrap());
                        let list: Vec<Value> = (1..=count)
                            .map(|n| (n, (START + 5) * 1_000_000 - n))
                            .filter(|(_, ts)| *ts < end)
                            .take(100)
                            .map(|(n, ts)| {
                                let mut it = entry(user(n), 9, 0);
                                it["session_ts"] = json!(ts);
                                it
                            })
                            .collect();
                        let more = list.len() == 100;
                        json!({"session_list": list, "has_more": u8::from(more)})
                    }
                };
                scenario.answer(&sent, data);
            }
            _ => {}
        }
    }
    println!("{fetches} fetches in {:?}", last - first.unwrap());
}

/// P4b: all clocks of the server agree; the sender's own `timestamp` is ten minutes behind.
#[test]
fn p4b_first_contact_with_a_slow_clock_is_lost_in_silence() {
    let (old, id) = (user(20001), user(20002));
    let mut scenario = Scenario::new(PollerConfig::new());
    let log = drive(
        &mut scenario,
        Duration::from_secs(1800),
        |scenario, sent| {
            let now = scenario.server_now() - START;
            let data = match sent.path.as_str() {
                "nav" => nav_data(),
                "new_sessions" | "get_sessions" => {
                    let mut list = vec![entry(old, 7, -50)];
                    if now > 30 {
                        let mut it = entry(id, 1_000_000_000_000_001, 30);
                        it["unread_count"] = json!(1);
                        list.insert(0, it);
                    }
                    json!({"session_list": list, "has_more": 0})
                }
                _ => page(
                    &[text_at(id, 1_000_000_000_000_001, START + 30 - 600)],
                    false,
                ),
            };
            (ok(data), Some(0))
        },
    );
    println!("{:?} {:?} {:?}", log.events, log.notices, log.requests);
    assert!(
        !log.events.is_empty(),
        "no event; notices: {:?}",
        log.notices
    );
}

/// P21: a message whose seqno is 0 among others.
#[test]
fn p21_seqno_zero_is_dropped_in_silence() {
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    let log = drive(&mut scenario, Duration::from_secs(60), |_, sent| {
        let data = match sent.path.as_str() {
            "new_sessions" => json!({"session_list": [entry(id, 8, 6)], "has_more": 0}),
            _ => page(
                &[text_at(id, 8, START + 6), text_at(id, 0, START + 6)],
                false,
            ),
        };
        (ok(data), Some(0))
    });
    println!("{:?} {:?}", log.events, log.notices);
    assert!(
        log.events.len() == 2 || !log.notices.is_empty(),
        "the message with seqno 0: no event, no notice"
    );
}

/// P23: an answer that is too large stays too large: the page is never made smaller.
#[test]
fn p23_a_page_that_is_too_large_fails_for_ever() {
    use bilibili_session::TransportError;
    let id = user(20001);
    let mut scenario = Scenario::connected(PollerConfig::new(), &[entry(id, 7, -5)]);
    let mut sizes = Vec::new();
    let end = scenario.elapsed + Duration::from_secs(24 * 3600);
    let mut events = 0;
    while scenario.elapsed < end {
        match scenario.poll() {
            Output::Event(_) => events += 1,
            Output::Wait(until) => scenario.elapsed = until,
            Output::Send(outgoing) => {
                let sent = parse(&outgoing);
                if sent.path == "new_sessions" {
                    scenario.answer(
                        &sent,
                        json!({"session_list": [entry(id, 300, 6)], "has_more": 0}),
                    );
                } else {
                    let size: u64 = sent.get("size").unwrap().parse().unwrap();
                    sizes.push(size);
                    if size > 50 {
                        let now = scenario.now();
                        scenario
                            .poller
                            .handle_response(
                                now,
                                sent.id,
                                Err(TransportError::body_too_large(65536)),
                            )
                            .unwrap();
                    } else {
                        scenario.answer(&sent, page(&[text_at(id, 300, START + 6)], false));
                    }
                }
            }
            _ => {}
        }
    }
    sizes.dedup();
    println!("{events} events, sizes asked for: {sizes:?}");
    assert!(events > 0, "sizes asked for in a day: {sizes:?}");
}
