//! Each call of the command: what it prints, and what it does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::BTreeSet;

use bilibili_session_simulator::{NewMessage, Quirks};
use serde_json::{Value, json};
use support::*;

const TRICKY: &str = "你好 👨‍👩‍👧 \"q\" \\ 'x'\n!'()*~ +&=#% ";

#[test]
fn whoami_on_both_runtimes() {
    let world = World::new();
    for runtime in RUNTIMES {
        let line = world.json(&["whoami", "--runtime", runtime]).line();
        assert_eq!(
            line,
            json!({"event": "whoami", "uid": 10001, "name": "模拟用户"})
        );
    }
    let words = run(world.bili(&["whoami"]));
    assert_eq!(words.stdout, "10001  模拟用户\n");
}

#[test]
fn conversations() {
    let world = World::new();
    for uid in 20001..=20045 {
        world.text(uid, "hi");
    }
    world.receive(NewMessage::text(20004, "all").in_group(221_300));
    let talkers = |lines: &[Value]| -> Vec<i64> {
        let ids = lines.iter().map(|line| line["talker_id"].as_i64().unwrap());
        ids.collect()
    };

    let all = world.json(&["sessions", "--all"]).lines();
    let mut ids = talkers(&all);
    assert_eq!(ids[0], 221_300);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 46);
    let group = &all[0];
    assert_eq!(group["event"], "conversation");
    assert_eq!(group["session_type"], 2);
    let last = &group["last_msg"];
    assert_eq!(last["event"], "message");
    assert_eq!(last["content"]["content"], "all");
    assert!(last["msg_key"].is_string(), "{last}");

    let first = world.json(&["sessions"]).lines();
    assert!(!first.is_empty() && first.len() <= 46);
    let groups = world.json(&["sessions", "--type", "3"]).lines();
    assert_eq!(talkers(&groups), [221_300]);
    assert_eq!(world.json(&["sessions", "--type", "6"]).code, Some(2));

    let one = world.json(&["session", "20007"]).line();
    assert_eq!(one["event"], "conversation");
    assert_eq!(one["talker_id"], 20007);
    let one = world.json(&["session", "221300", "--group"]).line();
    assert_eq!(one["session_type"], 2);

    assert_eq!(world.json(&["new-sessions"]).lines().len(), 46);
    let since = world.json(&["session", "20040"]).line()["session_ts"].to_string();
    let new = talkers(&world.json(&["new-sessions", "--since", &since]).lines());
    assert!(new.contains(&20041) && !new.contains(&20039), "{new:?}");
}

#[test]
fn lists_go_on_beyond_the_first_page() {
    let world = World::new();
    for uid in 20001..=20250 {
        world.text(uid, "hi");
    }
    world.json(&["pin", "20003"]).line();
    for quirks in [
        json!({}),
        json!({"pinned_first": true}),
        json!({"lists_twice": true}),
        json!({"has_more": "always_no"}),
        json!({"has_more": "always_yes", "numbers_as_strings": true}),
    ] {
        *world.server.simulator().quirks_mut() = Quirks::from_json(&quirks).unwrap();
        for args in [&["new-sessions"][..], &["sessions", "--all"]] {
            let lines = world.json(args).lines();
            let ids: BTreeSet<i64> = lines
                .iter()
                .map(|line| line["talker_id"].as_i64().unwrap())
                .collect();
            assert_eq!((ids.len(), lines.len()), (250, 250), "{args:?} {quirks}");
        }
    }
}

#[test]
fn a_list_that_may_lack_some_is_said_to() {
    let world = World::new();
    for uid in 20001..=20250 {
        world.text(uid, "hi");
    }
    for (quirks, is_whole) in [
        (json!({}), true),
        (json!({"all_types_ignore_end_ts": true}), true),
        (
            json!({"all_types_ignore_end_ts": true, "single_types_ignore_end_ts": true}),
            false,
        ),
    ] {
        *world.server.simulator().quirks_mut() = Quirks::from_json(&quirks).unwrap();
        for args in [&["new-sessions"][..], &["sessions", "--all"]] {
            let ran = world.json(args);
            assert_eq!(ran.code, Some(0), "{args:?} {quirks} {ran:?}");
            assert_eq!(ran.lines().len() == 250, is_whole, "{args:?} {quirks}");
            let is_said = ran.stderr.contains("may lack some conversations");
            assert_eq!(is_said, !is_whole, "{args:?} {quirks} {}", ran.stderr);
        }
    }
}

#[test]
fn history_rises() {
    let world = World::new();
    world.texts(20001, 1_000);
    world.receive(NewMessage::text(10001, "mine").to(20001));

    let newest = world.json(&["history", "20001"]);
    assert_eq!(newest.lines().len(), 30);
    let mut expected = numbers(972, 1_000);
    expected.push("mine".to_owned());
    assert_eq!(newest.texts(), expected);
    assert_eq!(world.requests("fetch_session_msgs"), 1);

    let since = newest.lines()[0]["msg_seqno"].to_string();
    let after = world.json(&["history", "20001", "--since-seqno", &since]);
    assert_eq!(after.texts(), expected[1..]);

    let mut expected = numbers(1, 1_000);
    expected.push("mine".to_owned());
    for runtime in RUNTIMES {
        let all = world.json(&["history", "20001", "--all", "--runtime", runtime]);
        assert_eq!(all.texts(), expected);
        assert_eq!(all.stderr, "");
    }

    let file = world.path("history.jsonl");
    write(&file, "older");
    let out = file.to_str().unwrap();
    let quiet = world.json(&["history", "20001", "--all", "--out", out]);
    assert_eq!((quiet.code, &*quiet.stdout), (Some(0), ""));
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written.lines().count(), 1_001);

    // One that fails leaves the older file as it is.
    world.fault(
        "fetch_session_msgs",
        bilibili_session_simulator::FaultKind::Code(-352),
        1,
    );
    let failed = world.json(&["history", "20001", "--all", "--out", out]);
    assert_eq!(failed.code, Some(4));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 1);
}

#[test]
fn sending() {
    let world = World::new();
    for runtime in RUNTIMES {
        let sent = world
            .json(&["send", "20001", TRICKY, "--runtime", runtime])
            .line();
        assert_eq!(sent["event"], "sent");
        let state = world.state();
        let last = state["sent"].as_array().unwrap().last().unwrap();
        assert_eq!(last["content"]["content"], TRICKY);
        assert_eq!(last["msg_key"], sent["msg_key"]);
    }
    let sent = world.json(&["send", "20001", "-5 °C"]).line();
    let key = sent["msg_key"].as_str().unwrap();
    world.json(&["send", "20001", "--withdraw", key]).line();
    world.receive(NewMessage::text(20004, "hello").in_group(221_300));
    world.json(&["send", "221300", "--group", "to all"]).line();
    let state = world.state();
    let [_, _, cold, back, group] = &state["sent"].as_array().unwrap()[..] else {
        panic!("{state}");
    };
    assert_eq!(cold["msg_status"], 1);
    assert_eq!(
        (&back["msg_type"], &back["content"]),
        (&json!(5), &json!(key))
    );
    assert_eq!(group["receiver_type"], 2);
}

#[test]
fn pictures() {
    let world = World::new();
    let file = world.path("p.png");
    std::fs::write(&file, png()).unwrap();
    let path = file.to_str().unwrap();
    for runtime in RUNTIMES {
        world
            .json(&["send", "20001", "--picture", path, "--runtime", runtime])
            .line();
    }
    let state = world.state();
    let sent = &state["sent"][1];
    assert_eq!(sent["msg_type"], 2);
    assert_eq!(sent["content"]["width"], 3);
    let url = sent["content"]["url"].as_str().unwrap();
    assert!(url.starts_with("https://"), "{url}");

    write(&file, "no picture");
    assert_eq!(
        world.json(&["send", "20001", "--picture", path]).code,
        Some(2)
    );
    std::fs::write(&file, png()).unwrap();
    let uploads = world.requests("upload_bfs");
    let oneself = world.json(&["send", "10001", "--picture", path]);
    assert_eq!(oneself.code, Some(2));
    assert_eq!(world.requests("upload_bfs"), uploads);
}

/// 3 by 2 pixels.
fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0".to_vec();
    bytes.extend([0x12, 0x16, 0xf1, 0x4d]);
    bytes.extend(b"\0\0\0\0IEND\xaeB`\x82");
    bytes
}

#[test]
fn unread_and_settings() {
    let world = World::new();
    world.text(20001, "hi");
    let unread = world.json(&["unread"]).line();
    assert_eq!(unread["event"], "unread");
    assert!(unread["private"]["unfollow_unread"].is_i64(), "{unread}");
    assert!(unread["group"]["unread_count"].is_i64(), "{unread}");
    assert!(unread["feed"]["sys_msg"].is_i64(), "{unread}");
    let settings = world.json(&["settings"]).line();
    assert_eq!(settings["event"], "settings");
    assert_eq!(settings["msg_notify"], 1);
}

#[test]
fn notifications() {
    let world = World::new();
    for (command, event) in [
        ("replies", "reply"),
        ("at", "at"),
        ("likes", "like"),
        ("system", "system"),
    ] {
        let first = world.json(&[command]).lines();
        let all = world.json(&[command, "--all"]).lines();
        assert!(!first.is_empty() && first.len() < all.len(), "{command}");
        assert!(all.iter().all(|line| line["event"] == event), "{command}");
        let mut ids: Vec<i64> = all.iter().map(|it| it["id"].as_i64().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all.len(), "{command}");
        assert_eq!(world.json(&[command, "--max", "3"]).lines(), all[..3]);
        let most = world.json(&[command, "--all", "--max", "25"]).lines();
        assert_eq!(most, all[..25], "{command}");
        let words = run(world.bili(&[command]));
        assert_eq!(words.stdout.lines().count(), first.len(), "{command}");
    }
}

#[test]
fn marks() {
    let world = World::new();
    let newest = world.text(20001, "hi").msg_seqno;
    let find = || {
        let state = world.state();
        state["conversations"][0].clone()
    };
    assert_eq!(find()["unread_count"], 1);
    let line = world.json(&["mark-read", "20001"]).line();
    let conversation = json!({"session_type": 1, "talker_id": 20001});
    assert_eq!(
        line,
        json!({"event": "mark-read", "conversation": conversation, "ack_seqno": newest})
    );
    assert_eq!(find()["unread_count"], 0);
    let line = world.json(&["pin", "20001"]).line();
    assert_eq!(
        line,
        json!({"event": "pin", "conversation": conversation, "pinned": true})
    );
    assert_ne!(find()["top_ts"], 0);
    world.json(&["pin", "20001", "--off"]).line();
    assert_eq!(find()["top_ts"], 0);
    let line = world.json(&["mute", "20001"]).line();
    assert_eq!(
        line,
        json!({"event": "mute", "conversation": conversation, "muted": true})
    );
    assert_eq!(find()["is_dnd"], true);
    world.json(&["mute", "20001", "--off"]).line();
    assert_eq!(find()["is_dnd"], false);
    let line = world.json(&["remove", "20001"]).line();
    assert_eq!(
        line,
        json!({"event": "remove", "conversation": conversation})
    );
    assert_eq!(find()["removed"], true);
}

#[test]
fn without_a_credential_the_simulator_answers() {
    let ran = run(bare(&["history", "20001", "--json"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("simulator"), "{ran:?}");
    assert!(!ran.lines().is_empty());
}

#[test]
fn the_simulator_is_served() {
    let script = tempfile::NamedTempFile::new().unwrap();
    write(
        script.path(),
        r#"{"after_ms":-1000,"from":20001,"content":{"content":"of the script"}}"#,
    );
    let path = script.path().to_str().unwrap();
    let mut server = Watch::start(bare(&["simulate", "--script", path]));
    let first = server.next().unwrap();
    assert_eq!(
        (&first["event"], &first["uid"]),
        (&json!("listening"), &json!(10001))
    );
    let mut command = bare(&["history", "20001", "--json"]);
    command
        .env("BILI_ORIGIN", first["origin"].as_str().unwrap())
        .env("BILI_SESSDATA", first["sessdata"].as_str().unwrap());
    assert_eq!(run(command).texts(), ["of the script"]);
    server.kill();
    assert_eq!(
        run(bare(&["simulate", "--script", "/nowhere"])).code,
        Some(2)
    );
}

#[test]
fn the_echo_bot_says_good_bye() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_echo_bot"));
    for name in ["BILI_SESSDATA", "BILI_JCT", "BILI_ORIGIN", "BILI_UID"] {
        command.env_remove(name);
    }
    let ran = run(command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("user 20001: ping"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_simulator_that_is_ended_has_done_its_work() {
    use std::io::BufRead as _;
    use std::process::Stdio;

    use rustix::process::Signal;

    for signal in [Signal::TERM, Signal::INT] {
        let mut child = bare(&["simulate"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        assert!(first.contains("listening"), "{first}");
        let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}
