//! `watch --push`: looks at once, on both runtimes, whatever the channel does.
//!
//! The interval is so long that no round comes in turn: what comes out was looked for.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::time::{Duration, Instant};

use bilibili_session_simulator::{Fault, FaultKind, NewNotification, Push, PushNotice};
use http::StatusCode;
use serde_json::{Value, json};
use support::*;

const OWN: i64 = 10001;

fn watch(world: &World, runtime: &str, args: &[&str]) -> Watch {
    let usual = ["watch", "--json", "--push", "--runtime", runtime];
    Watch::start(world.bili(&[&usual, args].concat()))
}

/// Watches, and is connected to both.
fn listening(world: &World, runtime: &str) -> Watch {
    let mut watch = watch(world, runtime, &["--interval", "1000"]);
    watch.until_connected();
    until_push(&mut watch, true);
    until_listening(world);
    watch
}

/// Waits until the server knows of the connection: what arrives from then on is pushed.
fn until_listening(world: &World) {
    let begun = Instant::now();
    while world.server.simulator().push_listeners() == 0 {
        assert!(begun.elapsed() < PATIENCE, "nobody listens");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_push(line: &Value, connected: bool) -> bool {
    line["kind"] == "push" && line["connected"] == connected
}

#[track_caller]
fn until_push(watch: &mut Watch, connected: bool) -> Value {
    watch.until("a notice of the channel", |line| is_push(line, connected))
}

/// Waits until this was asked for so often.
fn until_asked(world: &World, path: &str, times: u64) {
    let begun = Instant::now();
    while world.requests(path) < times {
        assert!(begun.elapsed() < PATIENCE, "{path} was not asked for");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn pushes(lines: &[Value]) -> Vec<bool> {
    let connected = |line: &Value| line["connected"].as_bool();
    let notices = lines.iter().filter(|line| line["kind"] == "push");
    notices.filter_map(connected).collect()
}

#[test]
fn a_message_comes_out_at_once() {
    for runtime in RUNTIMES {
        let world = World::new();
        let mut watch = listening(&world, runtime);
        let [status, notice] = &watch.seen[..] else {
            panic!("{:?}", watch.seen);
        };
        assert_eq!(*status, json!({"event": "status", "status": 1}));
        let message = "the push channel is connected";
        assert_eq!(
            *notice,
            json!({"event": "notice", "kind": "push", "connected": true, "message": message})
        );
        for n in 1..=3 {
            world.text(20001, &n.to_string());
            watch.messages(1);
        }
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        assert_eq!(ended.texts(), numbers(1, 3));
        assert_eq!(pushes(&ended.lines), [true]);
        assert_eq!(world.requests("/sub"), 1);
    }
}

#[test]
fn without_it_nothing_listens() {
    for runtime in RUNTIMES {
        let world = World::new();
        let mut watch = world.watch(&["--runtime", runtime, "--max-events", "1"]);
        watch.until_connected();
        world.text(20001, "hi");
        let ended = watch.end();
        ended.gracefully();
        assert!(pushes(&ended.lines).is_empty(), "{:?}", ended.lines);
        assert_eq!(world.requests("/sub"), 0);
    }
}

#[test]
fn a_connection_that_ends_is_told_of_and_made_again() {
    for runtime in RUNTIMES {
        let world = World::new();
        let mut watch = listening(&world, runtime);
        let ends: [fn(&World); 2] = [
            |world| world.server.simulator().drop_pushes(),
            |world| world.server.simulator().push(OWN, Push::Kick),
        ];
        for (end, text) in ends.into_iter().zip(["one", "two"]) {
            end(&world);
            let line = until_push(&mut watch, false);
            assert!(line["message"].is_string(), "{line}");
            // Nobody is told of this one: it is looked for when the channel is there again.
            world.text(20001, text);
            let mut lines = [watch.next().unwrap(), watch.next().unwrap()];
            lines.sort_by_key(|line| line["event"].to_string());
            assert_eq!(lines[0]["content"]["content"], text, "{lines:?}");
            assert!(is_push(&lines[1], true), "{lines:?}");
            until_listening(&world);
        }
        world.text(20001, "three");
        watch.messages(1);
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        assert_eq!(ended.texts(), ["one", "two", "three"]);
        assert_eq!(pushes(&ended.lines), [true, false, true, false, true]);
    }
}

#[test]
fn a_channel_that_is_refused_is_told_of_once_and_tried_again() {
    for runtime in RUNTIMES {
        let world = World::new();
        let forbidden = FaultKind::Http(StatusCode::FORBIDDEN);
        for kind in [forbidden, FaultKind::Reset] {
            let fault = Fault::once("/sub", kind);
            world.server.simulator().push_fault(fault);
        }
        let mut watch = listening(&world, runtime);
        assert_eq!(world.requests("/sub"), 3);
        assert_eq!(pushes(&watch.seen), [false, true]);
        let refused = watch.seen.iter().find(|line| is_push(line, false));
        let message = refused.unwrap()["message"].as_str().unwrap();
        assert!(message.contains("403"), "{message}");
        world.text(20001, "hi");
        watch.messages(1);
        watch.interrupt();
        watch.end().gracefully();

        // The login on the channel is refused, not the handshake.
        world.server.simulator().push_habits_mut().auth_code = 7;
        let mut watch = self::watch(&world, runtime, &["--interval", "0.2"]);
        let line = until_push(&mut watch, false);
        assert!(
            line["message"].as_str().unwrap().contains("code 7"),
            "{line}"
        );
        world.text(20001, "without it");
        watch.messages(1);
        world.server.simulator().push_habits_mut().auth_code = 0;
        until_push(&mut watch, true);
        watch.interrupt();
        watch.end().gracefully();
    }
}

#[test]
fn pushes_that_come_early_twice_or_as_garbage_do_no_harm() {
    for runtime in RUNTIMES {
        let world = World::new();
        let mut watch = listening(&world, runtime);
        until_asked(&world, "new_sessions", 1);
        // Before the list shows the change.
        world.server.simulator().push_habits_mut().times = 0;
        let looked = world.requests("new_sessions");
        let notice = Push::Notice(PushNotice::new(1));
        world.server.simulator().push(OWN, notice);
        until_asked(&world, "new_sessions", looked + 1);
        world.text(20001, "one");
        watch.messages(1);
        // Again and again.
        world.server.simulator().push_habits_mut().times = 5;
        world.text(20001, "two");
        watch.messages(1);
        let garbage = Push::Garbage(b"\xff\xff\xff".to_vec());
        for _ in 0..3 {
            world.server.simulator().push(OWN, garbage.clone());
        }
        world.text(20001, "three");
        watch.messages(1);
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        assert_eq!(ended.texts(), ["one", "two", "three"]);
        assert_eq!(pushes(&ended.lines), [true]);
    }
}

#[test]
fn it_ends_whatever_the_channel_is_about() {
    for runtime in RUNTIMES {
        // A handshake that hangs, and a login that nobody answers.
        for is_silent in [false, true] {
            let world = World::new();
            world.server.simulator().push_habits_mut().is_silent = is_silent;
            if !is_silent {
                world.fault("/sub", FaultKind::Hang, 1_000);
            }
            let mut watch = self::watch(&world, runtime, &["--interval", "1000"]);
            watch.until_connected();
            until_asked(&world, "/sub", 1);
            watch.interrupt();
            let ended = watch.end();
            ended.gracefully();
            assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
        }
    }
}

/// One of each kind, each out within two seconds although no round comes in turn.
#[test]
fn notifications_come_out_at_once() {
    for runtime in RUNTIMES {
        let world = World::new();
        let mut watch = watch(&world, runtime, &["--interval", "1000", "--feeds", "all"]);
        watch.until_connected();
        until_push(&mut watch, true);
        until_listening(&world);
        for (event, new) in [
            ("reply", NewNotification::reply(20001, "hi")),
            ("at", NewNotification::at(20001, "hi")),
            ("like", NewNotification::like(20001, 70)),
            ("system", NewNotification::system("hi")),
        ] {
            let notified = world.server.simulator().notify(now_us(), new).unwrap();
            let line = watch.until(event, |line| line["event"] == event);
            assert_eq!(line["id"], json!(notified.id.to_string()));
        }
        watch.interrupt();
        watch.end().gracefully();
    }
}
