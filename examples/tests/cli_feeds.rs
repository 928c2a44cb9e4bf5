//! `watch --feeds`: notifications as lines, each once.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session_simulator::NewNotification;
use serde_json::{Value, json};
use support::*;

const KILLS: usize = 6;

/// Lines that are printed ahead of the checkpoint on disk.
const MOST_AHEAD: usize = 200;

fn notify(world: &World, new: NewNotification) -> String {
    let mut simulator = world.server.simulator();
    simulator.notify(now_us(), new).unwrap().id.to_string()
}

fn is_feed(line: &Value) -> bool {
    ["reply", "at", "like", "system"].contains(&line["event"].as_str().unwrap())
}

/// Reads so many notifications.
fn feeds(watch: &mut Watch, count: usize) -> Vec<Value> {
    let read = |_| watch.until("a notification", is_feed);
    (0..count).map(read).collect()
}

#[test]
fn lines_are_as_the_contract_says() {
    for runtime in RUNTIMES {
        let world = World::new();
        notify(&world, NewNotification::reply(20003, "old"));
        notify(&world, NewNotification::like(20003, 71));
        let mut watch = world.watch(&["--feeds", "all", "--runtime", runtime]);
        watch.until_connected();
        let reply = notify(&world, NewNotification::reply(20001, "好"));
        let at = notify(&world, NewNotification::at(20002, "@你"));
        let like = notify(&world, NewNotification::like(20003, 70));
        let system = notify(&world, NewNotification::system("读我"));
        let lines: BTreeMap<String, Value> = feeds(&mut watch, 4)
            .into_iter()
            .map(|line| (line["event"].as_str().unwrap().to_owned(), line))
            .collect();
        for (event, id) in [
            ("reply", &reply),
            ("at", &at),
            ("like", &like),
            ("system", &system),
        ] {
            assert_eq!(lines[event]["id"], json!(id), "{lines:?}");
            assert!(lines[event]["time"].as_i64().unwrap() > 1_700_000_000);
        }
        assert_eq!(lines["reply"]["user"]["mid"], 20001);
        assert_eq!(lines["reply"]["item"]["source_content"], "好");
        assert_eq!(lines["at"]["user"]["mid"], 20002);
        assert_eq!(lines["like"]["counts"], 1);
        assert_eq!(lines["like"]["counts_before"], Value::Null);
        assert_eq!(lines["like"]["users"][0]["mid"], 20003);
        assert_eq!(lines["like"]["item"]["item_id"], 70);
        assert_eq!(lines["system"]["cursor"].to_string(), system);

        // What `replies` prints stands in the line, but for the number.
        let printed = world.json(&["replies", "--max", "1"]).line();
        let mut fields = lines["reply"].clone();
        fields["id"] = printed["id"].clone();
        fields.as_object_mut().unwrap().remove("time");
        assert_eq!(fields, printed);

        notify(&world, NewNotification::like(20004, 70));
        let again = feeds(&mut watch, 1).remove(0);
        assert_eq!(
            (&again["counts"], &again["counts_before"]),
            (&json!(2), &json!(1))
        );
        assert_eq!(again["users"].as_array().unwrap().len(), 1);
        assert_eq!(again["users"][0]["mid"], 20004);
        watch.interrupt();
        watch.end().gracefully();
    }
}

#[test]
fn so_many_events_are_so_many_lines_of_both_kinds() {
    let world = World::new();
    let args = ["--feeds", "replies,at", "--max-events", "3"];
    let mut watch = world.watch(&args);
    watch.until_connected();
    world.text(20001, "hi");
    for _ in 0..5 {
        notify(&world, NewNotification::reply(20001, "hi"));
        // Nobody asked for these.
        notify(&world, NewNotification::system("hi"));
    }
    let ended = watch.end();
    ended.gracefully();
    let events = |name| {
        ended
            .lines
            .iter()
            .filter(|line| line["event"] == name)
            .count()
    };
    assert_eq!(events("message"), 1);
    assert_eq!(events("reply"), 2);
    assert_eq!(world.requests("/x/msgfeed/like"), 0);
    assert_eq!(world.requests("query_user_notify"), 0);
}

#[test]
fn a_checkpoint_covers_feeds_and_an_earlier_one_is_taken() {
    let world = World::new();
    let file = world.path("checkpoint");
    let args = ["--checkpoint", file.to_str().unwrap()];
    let mut watch = world.watch(&args);
    watch.until_connected();
    watch.interrupt();
    watch.end().gracefully();

    notify(&world, NewNotification::reply(20001, "hi"));
    let args = [&args[..], &["--feeds", "replies"]].concat();
    let mut watch = world.watch(&args);
    watch.until_connected();
    let first = notify(&world, NewNotification::reply(20001, "hi"));
    assert_eq!(feeds(&mut watch, 1)[0]["id"], json!(first));
    watch.interrupt();
    watch.end().gracefully();

    let second = notify(&world, NewNotification::reply(20001, "hi"));
    let mut watch = world.watch(&args);
    assert_eq!(feeds(&mut watch, 1)[0]["id"], json!(second));
    watch.interrupt();
    watch.end().gracefully();
}

/// Killed in a burst of 500 of each and 500 messages, time and again: all come out.
#[test]
fn nothing_is_lost_in_a_kill() {
    RUNTIMES.into_iter().for_each(kill_in_a_burst);
}

fn kill_in_a_burst(runtime: &str) {
    let world = World::new();
    let file = world.path("checkpoint");
    let args = [
        &["--runtime", runtime, "--feeds", "all", "--push"][..],
        &["--checkpoint", file.to_str().unwrap()],
    ]
    .concat();
    let mut watch = world.watch(&args);
    watch.until_connected();
    let mut sent = BTreeSet::new();
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut note = |lines: &[Value]| {
        for event in lines.iter().filter_map(identity) {
            *seen.entry(event).or_default() += 1;
        }
        seen.len()
    };
    for item in 1..=500 {
        for (event, new) in [
            ("reply", NewNotification::reply(20001, "hi")),
            ("at", NewNotification::at(20001, "hi")),
            ("like", NewNotification::like(20001, item)),
            ("system", NewNotification::system("hi")),
        ] {
            sent.insert((event.to_owned(), notify(&world, new)));
        }
        let text = item.to_string();
        world.text(20001, &text);
        sent.insert(("message".to_owned(), text));
    }
    // Each life prints some that no checkpoint covered, and some that are new.
    for _ in 0..KILLS {
        let read = |_| watch.until("an event", |line| identity(line).is_some());
        (0..300).map(read).for_each(drop);
        note(&watch.kill());
        watch = world.watch(&args);
    }
    loop {
        let line = watch.until("an event", |line| identity(line).is_some());
        if note(&[line]) == sent.len() {
            break;
        }
    }
    watch.interrupt();
    watch.end().gracefully();
    assert_eq!(seen.keys().cloned().collect::<BTreeSet<_>>(), sent);
    // At most what no checkpoint on disk covered.
    let repeated: usize = seen.values().map(|times| times - 1).sum();
    println!(
        "{runtime}: {} messages and notifications, {KILLS} kills, {repeated} came again",
        sent.len()
    );
    assert!(
        repeated <= MOST_AHEAD * KILLS,
        "{repeated} after {KILLS} kills"
    );
}

/// Returns what a message or a notification is known by.
fn identity(line: &Value) -> Option<(String, String)> {
    let event = line["event"].as_str()?.to_owned();
    let id = match event.as_str() {
        "message" => &line["content"]["content"],
        _ if is_feed(line) => &line["id"],
        _ => return None,
    };
    Some((event, id.as_str()?.to_owned()))
}

#[test]
fn a_feed_that_there_is_not_is_wrong_usage() {
    let world = World::new();
    let ran = world.json(&["watch", "--feeds", "replies,mail"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("mail"), "{ran:?}");
    assert_eq!(world.state()["requests"], json!({}));
}
