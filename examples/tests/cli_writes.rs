//! Commands that change what the service keeps: settings, and what is read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::BTreeMap;

use bilibili_session_simulator::{FaultKind, NewMessage, Quirks};
use serde_json::{Value, json};
use support::*;

#[test]
fn settings_are_changed_and_shown() {
    let world = World::new();
    for (runtime, notify, likes) in [("blocking", 3, 5), ("async-std", 1, 0)] {
        let before = world.json(&["settings"]).line();
        let (notify_is, likes_are) = (format!("msg_notify={notify}"), format!("set_like={likes}"));
        let requests = world.requests("link_setting/set");
        let args = [
            "settings",
            "--set",
            &notify_is,
            "--set",
            &likes_are,
            "--runtime",
            runtime,
        ];
        let changed = world.json(&args).line();
        let mut expected = before;
        expected["msg_notify"] = json!(notify);
        expected["set_like"] = json!(likes);
        assert_eq!(changed, expected);
        assert_eq!(world.json(&["settings"]).line(), expected);
        assert_eq!(world.requests("link_setting/set"), requests + 1);
    }
    let words = run(world.bili(&["settings", "--set", "keys_reply=1"]));
    let line = words
        .stdout
        .lines()
        .find(|line| line.starts_with("keys_reply"));
    assert!(line.is_some_and(|line| line.ends_with("yes")), "{words:?}");
}

#[test]
fn settings_that_cannot_be_are_wrong_usage() {
    let world = World::new();
    for (change, said) in [
        ("msg_notfiy=3", "msg_notify, "),
        ("anti_harassment=1", "no setting"),
        ("msg_notify", "NAME=N"),
        ("msg_notify=on", "NAME=N"),
        ("msg_notify=", "NAME=N"),
        ("keys_reply=2", "0 (off) or 1 (on)"),
    ] {
        // One that is right does not help.
        let ran = world.json(&["settings", "--set", "set_at=1", "--set", change]);
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{change}: {ran:?}");
        assert!(ran.stderr.contains(said), "{change}: {ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    assert_eq!(world.requests("link_setting/set"), 0);
    // That is the service's to judge.
    let ran = world.json(&["settings", "--set", "msg_notify=7"]);
    let error = &ran.lines()[0];
    assert_eq!((ran.code, &error["code"]), (Some(1), &json!(2)), "{ran:?}");
}

#[test]
fn automatic_replies_need_followers() {
    let world = World::new();
    *world.server.simulator().quirks_mut() =
        Quirks::from_json(&json!({"refuses_automatic_replies": true})).unwrap();
    let ran = world.json(&["settings", "--set", "keys_reply=1"]);
    let error = &ran.lines()[0];
    assert_eq!((ran.code, &error["code"]), (Some(1), &json!(700_009)));
    assert!(ran.stderr.contains("1,000 followers"), "{ran:?}");
}

/// The unread messages of each conversation.
fn unread(world: &World) -> BTreeMap<(i64, i64), i64> {
    let state = world.state();
    let number = |conversation: &Value, name: &str| conversation[name].as_i64().unwrap();
    let conversations = state["conversations"].as_array().unwrap();
    let of = |it: &Value| {
        (
            (number(it, "session_type"), number(it, "talker_id")),
            number(it, "unread_count"),
        )
    };
    conversations.iter().map(of).collect()
}

#[test]
fn every_conversation_is_marked_as_read() {
    let world = World::new();
    let mut expected = BTreeMap::new();
    for uid in 20_001..=20_120 {
        world.text(uid, "a");
        expected.insert((1, uid), world.text(uid, "b").msg_seqno);
    }
    let group = world.receive(NewMessage::text(20_004, "c").in_group(221_300));
    expected.insert((2, 221_300), group.msg_seqno);
    assert!(unread(&world).values().all(|count| *count > 0));
    for runtime in RUNTIMES {
        let ran = world.json(&["mark-read", "--all", "--runtime", runtime]);
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
        let lines = ran.lines();
        let marked: BTreeMap<(i64, i64), u64> = lines
            .iter()
            .map(|line| {
                assert_eq!(line["event"], "mark-read");
                let id = &line["conversation"];
                let number = |name: &str| id[name].as_i64().unwrap();
                (
                    (number("session_type"), number("talker_id")),
                    line["ack_seqno"].as_u64().unwrap(),
                )
            })
            .collect();
        assert_eq!(marked, expected);
        assert_eq!(lines.len(), expected.len());
        assert!(unread(&world).values().all(|count| *count == 0));
    }
    // What is read already is not marked again.
    assert_eq!(world.requests("update_ack"), 121);
    world.text(20_005, "d");
    let words = run(world.bili(&["mark-read", "--all"]));
    assert_eq!(words.stdout.lines().count(), 121, "{words:?}");
    assert!(
        words.stdout.starts_with("user 20005 is read up to "),
        "{words:?}"
    );
    assert_eq!(world.requests("update_ack"), 122);
    assert!(unread(&world).values().all(|count| *count == 0));
}

#[test]
fn one_that_is_refused_does_not_keep_the_others() {
    let world = World::new();
    for uid in 20_001..=20_005 {
        world.text(uid, "a");
    }
    world.fault("update_ack", FaultKind::Code(700_013), 1);
    let ran = world.json(&["mark-read", "--all"]);
    let lines = ran.lines();
    assert_eq!((ran.code, lines.len()), (Some(1), 5), "{ran:?}");
    assert_eq!(lines[4]["code"], 700_013);
    assert!(ran.stderr.contains("user 20005 is not marked"), "{ran:?}");
    assert_eq!(unread(&world).values().sum::<i64>(), 1);

    // What concerns all of them ends it.
    world.text(20_004, "b");
    world.fault("update_ack", FaultKind::Code(-352), 1);
    let ran = world.json(&["mark-read", "--all"]);
    assert_eq!((ran.code, ran.lines().len()), (Some(4), 1), "{ran:?}");
    assert_eq!(world.json(&["mark-read", "--all"]).code, Some(0));
    assert_eq!(unread(&world).values().sum::<i64>(), 0);
}

#[test]
fn which_conversation_is_said_once() {
    let world = World::new();
    for args in [
        &["mark-read"][..],
        &["mark-read", "20001", "--all"],
        &["mark-read", "--all", "--group"],
        &["mark-read", "0"],
    ] {
        assert_eq!(world.json(args).code, Some(2), "{args:?}");
    }
    assert_eq!(world.state()["requests"], json!({}));
    // Nothing there is nothing to do.
    let ran = world.json(&["mark-read", "--all"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), ""), "{ran:?}");
}
