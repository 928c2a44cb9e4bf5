//! `watch --checkpoint`: nothing lost, nothing twice, and a file that is whole.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::*;

#[test]
fn it_goes_on_where_it_stood() {
    for runtime in RUNTIMES {
        let world = World::new();
        let file = world.path("checkpoint");
        let args = ["--checkpoint", file.to_str().unwrap(), "--runtime", runtime];
        world.text(20001, "old");
        let mut watch = world.watch(&args);
        watch.until_connected();
        assert!(file.exists(), "status 1 comes after the file");
        world.texts(20001, 10);
        watch.messages(10);
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        assert_eq!(ended.texts(), numbers(1, 10));

        world.text(20001, "meanwhile");
        world.text(20002, "from somebody new");
        let mut watch = world.watch(&args);
        let mut texts = texts(&watch.messages(2));
        texts.sort();
        assert_eq!(texts, ["from somebody new", "meanwhile"]);
        watch.interrupt();
        watch.end().gracefully();

        let ended = world
            .watch(&[&args[..], &["--duration", "1"]].concat())
            .end();
        ended.gracefully();
        assert_eq!(ended.texts(), [""; 0]);
    }
}

#[test]
fn so_many_messages_are_what_it_covers() {
    let world = World::new();
    let file = world.path("checkpoint");
    let args = ["--checkpoint", file.to_str().unwrap(), "--max-events"];
    let mut watch = world.watch(&[&args[..], &["3"]].concat());
    watch.until_connected();
    world.texts(20001, 10);
    let ended = watch.end();
    ended.gracefully();
    assert_eq!(ended.texts(), numbers(1, 3));
    let ended = world.watch(&[&args[..], &["5"]].concat()).end();
    ended.gracefully();
    assert_eq!(ended.texts(), numbers(4, 8));
    let ended = world.watch(&[&args[..], &["2"]].concat()).end();
    assert_eq!(ended.texts(), numbers(9, 10));
}

/// Killed at many different instants while messages pour in.
#[test]
fn kill_loses_nothing() {
    for runtime in RUNTIMES {
        let world = World::new();
        let file = world.path("checkpoint");
        let args = ["--checkpoint", file.to_str().unwrap(), "--runtime", runtime];
        let mut watch = world.watch(&args);
        watch.until_connected();
        let mut printed: Vec<Value> = Vec::new();
        for round in 0..8 {
            world.texts(20001 + round, 60);
            let count = usize::try_from(round).unwrap() * 7 + 1;
            watch.messages(count);
            printed.extend(watch.kill());
            watch = world.watch(&args);
        }
        world.text(20000, "end");
        watch.until("the end", |line| line["content"]["content"] == "end");
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        printed.extend(ended.lines);

        // Of a message that came in before the last one it may not have been printed yet.
        let last = world.watch(&[&args[..], &["--duration", "1.5"]].concat());
        printed.extend(last.end().lines);
        let keys: BTreeSet<(i64, i64)> = printed
            .iter()
            .filter(|line| line["event"] == "message")
            .map(|line| {
                (
                    line["conversation"]["talker_id"].as_i64().unwrap(),
                    line["msg_seqno"].as_i64().unwrap(),
                )
            })
            .collect();
        assert_eq!(keys.len(), 8 * 60 + 1, "on {runtime}");
        assert!(serde_json::from_str::<Value>(&std::fs::read_to_string(&file).unwrap()).is_ok());
        // No heap of half files.
        assert!(std::fs::read_dir(world.folder.path()).unwrap().count() <= 3);
    }
}

#[test]
fn what_was_answered_is_not_answered_again() {
    let world = World::new();
    let file = world.path("checkpoint");
    let args = ["--checkpoint", file.to_str().unwrap(), "--reply", "hello"];
    let mut watch = world.watch(&args);
    watch.until_connected();
    for n in 1..=3 {
        world.text(20001, "hi");
        watch.until("sent", |line| line["event"] == "sent");
        watch.kill();
        assert_eq!(world.state()["sent"].as_array().unwrap().len(), n);
        watch = world.watch(&args);
        watch.until_connected();
    }
    watch.interrupt();
    watch.end().gracefully();
    assert_eq!(world.state()["sent"].as_array().unwrap().len(), 3);
}

#[test]
fn what_cannot_be_resumed_stays_as_it_is() {
    let world = World::new();
    let file = world.path("checkpoint");
    let path = file.to_str().unwrap();
    let args = ["watch", "--checkpoint", path, "--duration", "1"];
    assert_eq!(world.json(&args).code, Some(0));
    let good = std::fs::read_to_string(&file).unwrap();
    let newer = good.replace(r#""version":"#, r#""version":9"#);
    let altered = good.replace(r#""uid":10001"#, r#""uid":10002"#);
    assert!(newer != good && altered != good, "{good}");
    for bad in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"format":"something else"}"#,
        &good[..good.len() / 2],
        &newer,
        &altered,
    ] {
        write(&file, bad);
        let ran = world.json(&args);
        assert_eq!(ran.code, Some(2), "{bad}: {ran:?}");
        assert!(ran.stderr.contains("checkpoint"), "{ran:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), bad);
    }
    std::fs::write(&file, b"\xff\xfe").unwrap();
    assert_eq!(world.json(&args).code, Some(2));
    let folder = world.folder.path().to_str().unwrap();
    for path in [folder, "/dev/null", "/nowhere/at/all"] {
        let ran = world.json(&["watch", "--checkpoint", path, "--duration", "1"]);
        assert_eq!(ran.code, Some(2), "{path}: {ran:?}");
    }
}

#[test]
fn of_another_account() {
    let world = World::new();
    let file = world.path("checkpoint");
    let args = ["--checkpoint", file.to_str().unwrap(), "--duration", "1"];
    world.watch(&args).end().gracefully();
    let good = std::fs::read_to_string(&file).unwrap();

    let other = World::new();
    let login = bilibili_session_simulator::Login::made_up(10002);
    other.server.simulator().add_account(login.clone()).unwrap();
    for uid in [None, Some("10002")] {
        let args = [&["watch", "--json"], &args[..]].concat();
        let mut command = other.bili(&args);
        command
            .env("BILI_SESSDATA", &login.sessdata)
            .env("BILI_JCT", &login.bili_jct);
        if let Some(uid) = uid {
            command.env("BILI_UID", uid);
        }
        let ran = run(command);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), good);
    }
}

#[test]
fn one_process_keeps_it() {
    let world = World::new();
    let file = world.path("checkpoint");
    let args = ["--checkpoint", file.to_str().unwrap()];
    let mut first = world.watch(&args);
    first.until_connected();
    let second = world.watch(&args).end();
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(second.stderr.contains("another process"), "{second:?}");
    first.interrupt();
    first.end().gracefully();
    let args = [&args[..], &["--duration", "1"]].concat();
    world.watch(&args).end().gracefully();
}

/// As on a full disk: the new file cannot be written. Additions cover what comes, the snapshot at
/// the end is missing.
#[test]
fn one_that_cannot_be_written_is_an_error() {
    let world = World::new();
    let file = world.path("checkpoint");
    let args = ["--checkpoint", file.to_str().unwrap()];
    let mut watch = world.watch(&args);
    watch.until_connected();
    let old = std::fs::read_to_string(&file).unwrap();
    std::fs::create_dir(world.path("checkpoint.new")).unwrap();
    world.text(20001, "hi");
    watch.messages(1);
    watch.interrupt();
    let ended = watch.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = ended.lines.last().unwrap();
    assert_eq!(
        (&last["event"], &last["kind"]),
        (&json!("error"), &json!("file"))
    );
    assert!(ended.stderr.contains("checkpoint"), "{ended:?}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with(&old));
    std::fs::remove_dir(world.path("checkpoint.new")).unwrap();
    let timed = [&args[..], &["--duration", "1"]].concat();
    assert_eq!(world.watch(&timed).end().texts(), [""; 0]);

    // Without a base line on disk there is no status 1.
    let other = World::new();
    std::fs::create_dir(other.path("checkpoint.new")).unwrap();
    let file = other.path("checkpoint");
    let ended = other.watch(&["--checkpoint", file.to_str().unwrap()]).end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        !ended.lines.iter().any(|line| is_status(line, 1)),
        "{ended:?}"
    );
}

/// A name beside the checkpoint that leads elsewhere: what it leads to stays as it is, and
/// nobody waits for the other end of a pipe.
#[test]
fn names_that_lead_elsewhere() {
    for name in ["checkpoint", "checkpoint.new", "checkpoint.lock"] {
        for kind in ["a link", "a link to nothing", "a pipe"] {
            let world = World::new();
            let file = world.path("checkpoint");
            let (beside, other) = (world.path(name), world.path("other"));
            match kind {
                "a pipe" => {
                    let made = std::process::Command::new("mkfifo").arg(&beside).status();
                    assert!(made.unwrap().success());
                }
                _ => std::os::unix::fs::symlink(&other, &beside).unwrap(),
            }
            if kind == "a link" {
                std::fs::write(&other, "of somebody else").unwrap();
            }
            let args = ["--checkpoint", file.to_str().unwrap(), "--duration", "3"];
            let ended = world.watch(&args).end();
            let is_kept = std::fs::read_to_string(&other).ok();
            assert_eq!(
                is_kept.as_deref(),
                (kind == "a link").then_some("of somebody else"),
                "{name}, {kind}"
            );
            // The file itself may be a link, to nothing yet.
            if (name, kind) == ("checkpoint", "a link to nothing") {
                ended.gracefully();
                continue;
            }
            let code = if name == "checkpoint.new" { 1 } else { 2 };
            assert_eq!(ended.code, Some(code), "{name}, {kind}: {ended:?}");
            assert!(ended.stderr.contains("checkpoint"), "{name}: {ended:?}");
            assert!(!ended.lines.iter().any(|line| is_status(line, 1)));
            let there = std::fs::symlink_metadata(&beside).unwrap();
            assert!(name == "checkpoint" || !there.is_file(), "{name}, {kind}");
        }
    }
}

/// The file is its owner's alone, whatever lay there before: whom one talks with is private.
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let file = world.path("checkpoint");
    let args = ["--checkpoint", file.to_str().unwrap()];
    let names = ["checkpoint", "checkpoint.new", "checkpoint.lock"];
    let mut watch = world.watch(&args);
    watch.until_connected();
    watch.kill();
    for name in names {
        let path = world.path(name);
        if !path.exists() {
            write(&path, "left by one that was killed");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    }
    let mut watch = world.watch(&args);
    watch.until_connected();
    world.text(20001, "hi");
    watch.messages(1);
    watch.interrupt();
    watch.end().gracefully();
    for name in ["checkpoint", "checkpoint.lock"] {
        let mode = std::fs::metadata(world.path(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
    assert!(!world.path("checkpoint.new").exists());
}

/// The file is not even written anew with the same content.
#[test]
fn of_another_account_and_told_late() {
    use std::os::unix::fs::MetadataExt as _;
    let world = World::new();
    let file = world.path("checkpoint");
    let args = ["--checkpoint", file.to_str().unwrap()];
    let timed = [&args[..], &["--duration", "1"]].concat();
    world.watch(&timed).end().gracefully();
    let about = || {
        let there = std::fs::metadata(&file).unwrap();
        (there.ino(), there.mtime_nsec(), there.len())
    };
    let good = about();

    for runtime in RUNTIMES {
        let other = World::new();
        let login = bilibili_session_simulator::Login::made_up(10002);
        other.server.simulator().add_account(login.clone()).unwrap();
        for is_ended_before in [false, true] {
            // What goes wrong before is told of.
            let times = if is_ended_before { 1_000 } else { 2 };
            other.fault("/nav", bilibili_session_simulator::FaultKind::Reset, times);
            let more = ["watch", "--json", "--interval", "0.2", "--runtime", runtime];
            let mut command = other.bili(&[&more[..], &args].concat());
            command
                .env("BILI_SESSDATA", &login.sessdata)
                .env("BILI_JCT", &login.bili_jct);
            let mut watch = Watch::start(command);
            watch.until("a notice", |line| line["event"] == "notice");
            if is_ended_before {
                watch.interrupt();
            }
            let ended = watch.end();
            let code = if is_ended_before { 0 } else { 2 };
            assert_eq!(ended.code, Some(code), "{ended:?}");
            assert_eq!(about(), good, "{runtime}: it was written");
            other.server.simulator().clear_faults();
        }
    }
}
