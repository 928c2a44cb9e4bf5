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
    let newer = good.replace(r#""version":1"#, r#""version":99"#);
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

/// As on a full disk: the new file cannot be written.
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
    let ended = watch.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = ended.lines.last().unwrap();
    assert_eq!(
        (&last["event"], &last["kind"]),
        (&json!("error"), &json!("file"))
    );
    assert!(ended.stderr.contains("checkpoint"), "{ended:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), old);
    std::fs::remove_dir(world.path("checkpoint.new")).unwrap();

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
