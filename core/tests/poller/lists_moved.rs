//! Conversations that move up while lists are read, break off, or lie ahead.

use std::time::Duration;

use bilibili_session::poller::{PollerConfig, Status};
use serde_json::{Value, json};

use crate::drive::{drive, ok, within};
use crate::scenario::{START, Scenario, entry, nav_data, page, text_at, user};

/// Waits for a round, which the list of changes begins.
#[track_caller]
fn changes(scenario: &mut Scenario, list: &[Value], has_more: bool) {
    let sent = scenario.expect_call("new_sessions");
    let has_more = u8::from(has_more);
    scenario.answer(&sent, json!({"session_list": list, "has_more": has_more}));
}

/// The next page of a list is asked for, and does not come.
#[track_caller]
fn breaks_off(scenario: &mut Scenario) {
    let sent = scenario.expect_call("get_sessions");
    scenario.lose(&sent);
    let warning = scenario.expect_retry();
    assert_eq!(warning.conversation(), None);
}

/// Checks that the owed rest of a list is read to below its beginning.
#[track_caller]
fn reads_the_rest(scenario: &mut Scenario, list: &[Value]) {
    let sent = scenario.expect_call("get_sessions");
    let old = [entry(user(900), 5, -500)];
    let list: Vec<&Value> = list.iter().chain(&old).collect();
    scenario.answer(&sent, json!({"session_list": list, "has_more": 1}));
}

/// Conversations from one to the other, each with one message, of this time.
fn written(from: i64, to: i64, at: i64) -> Vec<Value> {
    (from..=to).map(|n| entry(user(n), 5, at)).collect()
}

/// Serves the messages of conversations that were just listed.
#[track_caller]
fn serve_written(scenario: &mut Scenario, list: &[Value]) {
    let id = |entry: &Value| user(entry["talker_id"].as_i64().unwrap());
    let sent: Vec<_> = list
        .iter()
        .map(|entry| (scenario.expect_fetch(id(entry)), entry))
        .collect();
    for (sent, entry) in sent {
        let at = entry["session_ts"].as_i64().unwrap() / 1_000_000;
        scenario.answer(&sent, page(&[text_at(id(entry), 5, at)], false));
        assert_eq!(scenario.expect_event().conversation, id(entry));
    }
}

const TURN: Duration = Duration::from_secs(20);

/// A list broke off and its rest was read, while a conversation of the rest moved up: it was first
/// written to at 1 s, is on no list yet, and more are known than are remembered.
fn one_moved_up_from_the_rest() -> Scenario {
    let config = PollerConfig::new().max_conversations(100).max_parallel(200);
    let mut scenario = Scenario::connected(config.whole_list_interval(None), &[]);
    scenario.advance(TURN);
    let list = [written(1000, 1000, 19), written(1, 60, 5)].concat();
    changes(&mut scenario, &list, true);
    breaks_off(&mut scenario);
    serve_written(&mut scenario, &list);
    scenario.expect_wait();
    scenario.advance(TURN);
    let list = written(61, 120, 39);
    changes(&mut scenario, &list, false);
    serve_written(&mut scenario, &list);
    reads_the_rest(&mut scenario, &[]);
    scenario.expect_wait();
    scenario
}

/// The conversation that moved up is listed at last: all of it is new that was written since it
/// first moved.
#[track_caller]
fn comes_whole(scenario: &mut Scenario, times: &[(u64, i64)]) {
    let moving = user(5000);
    let sent = scenario.expect_fetch(moving);
    let old = [text_at(moving, 4, START - 1000)];
    let new = times.iter().rev();
    let new = new.map(|(seqno, at)| text_at(moving, *seqno, START + at));
    let messages: Vec<Value> = new.chain(old).collect();
    scenario.answer(&sent, page(&messages, false));
    scenario.expect_seqnos(times.iter().map(|(seqno, _)| *seqno));
    scenario.expect_wait();
}

/// The conversation moves up once more while the next list of changes is read.
#[test]
fn what_moved_up_from_the_rest_and_again_comes_whole() {
    let mut scenario = one_moved_up_from_the_rest();
    scenario.advance(TURN);
    changes(&mut scenario, &[], false);
    scenario.expect_wait();
    scenario.advance(TURN);
    changes(&mut scenario, &[entry(user(5000), 7, 61)], false);
    comes_whole(&mut scenario, &[(5, 1), (6, 41), (7, 61)]);
}

/// A list of changes breaks off, and its rest does not come before the round after the next three.
fn breaks_off_for_a_while(scenario: &mut Scenario) {
    let list = written(121, 121, 59);
    changes(scenario, &list, true);
    breaks_off(scenario);
    serve_written(scenario, &list);
    scenario.expect_wait();
    for _ in 0..3 {
        scenario.advance(TURN);
        changes(scenario, &[], false);
        breaks_off(scenario);
        scenario.expect_wait();
    }
    scenario.advance(TURN);
    changes(scenario, &[], false);
}

/// The next list of changes breaks off above it, and for a while its rest does not come.
#[test]
fn what_moved_up_to_another_rest_comes_whole() {
    let mut scenario = one_moved_up_from_the_rest();
    scenario.advance(TURN);
    breaks_off_for_a_while(&mut scenario);
    reads_the_rest(&mut scenario, &[entry(user(5000), 6, 41)]);
    comes_whole(&mut scenario, &[(5, 1), (6, 41)]);
}

/// A conversation moved up while each of two lists was read, and then the poller was replaced: the
/// next one cannot know when the conversation was first written to.
#[test]
fn what_moved_up_before_a_resume_comes_whole() {
    let config = || {
        let config = PollerConfig::new().whole_list_interval(None);
        config.max_parallel(200)
    };
    let mut former = Scenario::connected(config().max_conversations(200), &[]);
    for round in 0..2 {
        former.advance(TURN);
        let list = written(round * 60 + 1, round * 60 + 60, 19 + 20 * round);
        changes(&mut former, &list, false);
        serve_written(&mut former, &list);
        former.expect_wait();
    }
    let checkpoint = former.poller.checkpoint().unwrap();
    let mut scenario = Scenario::resume(config().max_conversations(100), &checkpoint);
    scenario.elapsed = former.elapsed + TURN;
    let nav = scenario.expect_call("nav");
    scenario.answer(&nav, nav_data());
    scenario.expect_status(Status::Connected);
    breaks_off_for_a_while(&mut scenario);
    reads_the_rest(&mut scenario, &[entry(user(5000), 7, 41)]);
    comes_whole(&mut scenario, &[(5, 10), (6, 21), (7, 41)]);
}

/// One conversation lies two hours ahead, and the `Date` agrees: no list of changes shows the
/// others. The whole list does, also below more entries than are remembered: the first one, and
/// one that comes after it.
#[test]
fn a_baseline_that_lies_ahead_does_not_cut_the_whole_list_short() {
    let id = user(50);
    for (written_at, length) in [(10, 100), (110, 240)] {
        let config = PollerConfig::new()
            .max_conversations(100)
            .whole_list_interval(Some(Duration::from_secs(120)));
        let mut scenario = Scenario::new(config);
        let length = Duration::from_secs(length);
        let log = drive(&mut scenario, length, |scenario, sent| {
            let now = scenario.server_now() - START;
            // Two hundred that nobody asked about were written to just after.
            let others = if now > written_at + 10 { 200 } else { 0 };
            let changed_at = |n: i64| match n {
                1 => 7200,
                50 if now > written_at => written_at,
                n if n > 100 => written_at + 10,
                n => -n,
            };
            let data = match sent.path.as_str() {
                "nav" => nav_data(),
                "new_sessions" | "get_sessions" => {
                    let [begin, end] = [("begin_ts", i64::MIN), ("end_ts", i64::MAX)]
                        .map(|(name, none)| sent.get(name).map_or(none, |it| it.parse().unwrap()));
                    let mut list: Vec<(i64, i64)> = (1..=101 + others)
                        .map(|n| (n, (START + changed_at(n)) * 1_000_000 - n))
                        .filter(|(_, ts)| begin < *ts && *ts < end)
                        .collect();
                    list.sort_by_key(|(_, ts)| -ts);
                    let has_more = u8::from(list.len() > 100);
                    let entries = list.iter().take(100).map(|(n, ts)| {
                        let max_seqno = if *n == 50 && now > written_at { 11 } else { 10 };
                        let mut entry = entry(user(*n), max_seqno, 0);
                        entry["session_ts"] = json!(ts);
                        entry
                    });
                    let entries: Vec<Value> = entries.collect();
                    json!({"session_list": entries, "has_more": has_more})
                }
                _ => {
                    let n: i64 = sent.get("talker_id").unwrap().parse().unwrap();
                    let at = START + changed_at(n);
                    page(
                        &within(sent, &[10, 11], |it| text_at(user(n), it, at)),
                        false,
                    )
                }
            };
            (ok(data), Some(7200))
        });
        assert_eq!(log.events, [(id, 11)], "written to at {written_at} s");
        assert_eq!(log.warnings, []);
    }
}
