//! Names in lines: shown where they are known, asked for sparingly, and never waited for long.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bilibili_session_simulator::{FaultKind, NewMessage, NewNotification};
use serde_json::{Value, json};
use support::*;

const ASK: &str = "/x/im/user_infos";
const GROUP: i64 = 221_300;

/// A service whose lists name groups, but no people.
fn unnamed() -> World {
    let world = World::new();
    world.server.simulator().quirks_mut().people_unnamed = true;
    world
}

fn name(world: &World, uid: i64, name: &str) {
    world.server.simulator().peer_mut(uid).name = name.to_owned();
}

/// Returns the lines for people of a command that ends.
fn words(world: &World, args: &[&str], runtime: &str) -> Vec<String> {
    let args = [args, &["--runtime", runtime]].concat();
    let ran = run(world.bili(&args));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout.lines().map(ToOwned::to_owned).collect()
}

/// A watch for people, line by line.
struct Seen {
    lines: mpsc::Receiver<String>,
    child: std::process::Child,
}

impl Seen {
    fn start(world: &World, args: &[&str]) -> Self {
        let args = [&["watch"], args].concat();
        let mut command = world.bili(&args);
        if !args.contains(&"--interval") {
            command.args(["--interval", "0.2"]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = stdout.lines().map_while(Result::ok);
            lines.for_each(|line| drop(tell.send(line)));
        });
        let seen = Self { lines, child };
        assert_eq!(seen.next(), "connected");
        seen
    }

    #[track_caller]
    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    /// The next line without its time.
    #[track_caller]
    fn said(&self) -> String {
        let line = self.next();
        line.splitn(4, ' ').last().unwrap().trim().to_owned()
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_list_has_one_request_for_fifty_people() {
    for runtime in RUNTIMES {
        let world = unnamed();
        for uid in 20001..=20060 {
            world.text(uid, "hi");
        }
        name(&world, 20060, "小电视");
        world.receive(NewMessage::text(20004, "all").in_group(GROUP));
        let lines = words(&world, &["sessions", "--all"], runtime);
        assert_eq!(lines.len(), 61);
        assert!(
            lines[0].contains("应援团221300 (group 221300)"),
            "{lines:?}"
        );
        assert!(lines[0].ends_with("用户20004 (20004): all"), "{lines:?}");
        assert!(lines[1].contains("小电视 (20060)"), "{lines:?}");
        assert!(lines[60].contains("用户20001 (20001)"), "{lines:?}");
        assert_eq!(world.requests(ASK), 2, "{runtime}");
        words(&world, &["sessions"], runtime);
        assert_eq!(world.requests(ASK), 3, "{runtime}");
    }
}

#[test]
fn whom_a_list_names_nobody_is_asked_for() {
    let world = World::new();
    for uid in 20001..=20005 {
        world.text(uid, "hi");
    }
    for runtime in RUNTIMES {
        let lines = words(&world, &["sessions"], runtime);
        let is_named = |line: &String| line.ends_with("用户20005 (20005): hi");
        assert!(lines.iter().any(is_named), "{lines:?}");
        let watch = Seen::start(&world, &["--runtime", runtime]);
        world.text(20001, "ho");
        assert_eq!(watch.said(), "用户20001 (20001): ho");
    }
    assert_eq!(world.requests(ASK), 0);
}

#[test]
fn a_history_has_one_request() {
    for runtime in RUNTIMES {
        let world = unnamed();
        world.texts(20001, 300);
        world.receive(NewMessage::text(10001, "mine").to(20001));
        let lines = words(&world, &["history", "20001", "--all"], runtime);
        assert_eq!(lines.len(), 301);
        assert!(lines[0].ends_with("  用户20001 (20001): 1"), "{}", lines[0]);
        assert!(lines[300].ends_with("  to 用户20001 (20001): mine"));
        assert_eq!(world.requests(ASK), 1);
        for uid in 20001..=20050 {
            world.receive(NewMessage::text(uid, "all").in_group(GROUP));
        }
        let group = GROUP.to_string();
        let lines = words(&world, &["history", &group, "--group", "--all"], runtime);
        assert_eq!(lines.len(), 50);
        let last = "应援团221300 (group 221300), 用户20050 (20050): all";
        assert!(lines[49].ends_with(last), "{}", lines[49]);
        assert_eq!(world.requests(ASK), 2);
    }
}

#[test]
fn a_watch_asks_once_for_all_that_write() {
    for runtime in RUNTIMES {
        let world = unnamed();
        name(&world, 20001, "小电视");
        let watch = Seen::start(&world, &["--runtime", runtime, "--interval", "1"]);
        // All at once, so that one list shows them.
        let write = |text: &str| {
            let mut simulator = world.server.simulator();
            for uid in 20001..=20050 {
                let text = NewMessage::text(uid, text);
                simulator.receive(now_us(), text).unwrap();
            }
        };
        for text in ["one", "two"] {
            write(text);
            let mut said: Vec<String> = (0..50).map(|_| watch.said()).collect();
            said.sort();
            let mut expected: Vec<String> = (20002..=20050)
                .map(|uid| format!("用户{uid} ({uid}): {text}"))
                .collect();
            expected.push(format!("小电视 (20001): {text}"));
            expected.sort();
            assert_eq!(said, expected);
            assert_eq!(world.requests(ASK), 1, "{runtime}");
        }
        // So they are in a group, which the list names.
        world.receive(NewMessage::text(20001, "all").in_group(GROUP));
        let line = "应援团221300 (group 221300), 小电视 (20001): all";
        assert_eq!(watch.said(), line);
        assert_eq!(world.requests(ASK), 1, "{runtime}");
    }
}

#[test]
fn those_who_write_in_a_group_are_asked_for_together() {
    for runtime in RUNTIMES {
        let world = unnamed();
        let args = ["--runtime", runtime, "--checkpoint"];
        let file = world.path("checkpoint");
        let watch = Seen::start(&world, &[&args[..], &[file.to_str().unwrap()]].concat());
        let mut simulator = world.server.simulator();
        for uid in 20001..=20050 {
            let text = NewMessage::text(uid, "all").in_group(GROUP);
            simulator.receive(now_us(), text).unwrap();
        }
        drop(simulator);
        for uid in 20001..=20050 {
            let line = format!("应援团221300 (group 221300), 用户{uid} ({uid}): all");
            assert_eq!(watch.said(), line);
        }
        assert_eq!(world.requests(ASK), 1, "{runtime}");
    }
}

/// Trouble with names is none with messages, and costs them at most a second, once.
#[test]
fn without_names_there_are_numbers() {
    for runtime in RUNTIMES {
        for fault in [
            FaultKind::Hang,
            FaultKind::Code(-352),
            FaultKind::Code(-101),
            FaultKind::Http(http::StatusCode::BAD_GATEWAY),
            FaultKind::Garbage,
        ] {
            let world = unnamed();
            world.text(20009, "old");
            world.fault(ASK, fault.clone(), 100);
            let lines = words(&world, &["history", "20009"], runtime);
            assert!(
                lines[0].ends_with("  user 20009: old"),
                "{fault:?} {lines:?}"
            );
            let asked = world.requests(ASK);
            assert_eq!(asked, 1, "{fault:?}");
            let watch = Seen::start(&world, &["--runtime", runtime]);
            let begun = Instant::now();
            for uid in 20001..=20005 {
                world.text(uid, "hi");
                assert_eq!(watch.said(), format!("user {uid}: hi"), "{fault:?}");
            }
            // Nor is the service asked again soon.
            assert_eq!(world.requests(ASK), asked + 1, "{fault:?}");
            // Five rounds, one second of patience, and room for a busy machine.
            assert!(begun.elapsed() < Duration::from_secs(20), "{fault:?}");
        }
    }
}

/// Also while a request for names hangs.
#[test]
fn a_watch_ends_at_once() {
    for runtime in RUNTIMES {
        let world = unnamed();
        world.fault(ASK, FaultKind::Hang, 100);
        let mut watch = world.watch(&["--names", "--runtime", runtime]);
        watch.until_connected();
        world.text(20001, "hi");
        assert_eq!(watch.messages(1)[0].get("name"), None);
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
    }
}

#[test]
fn an_unknown_user_is_remembered() {
    let world = unnamed();
    let watch = Seen::start(&world, &[]);
    for text in ["one", "two", "three"] {
        // Nobody by that number is known to the service when it is asked.
        world.fault(ASK, FaultKind::Body(br#"{"code":0,"data":[]}"#.to_vec()), 1);
        world.text(20001, text);
        assert_eq!(watch.said(), format!("user 20001: {text}"));
    }
    assert_eq!(world.requests(ASK), 1);
}

#[test]
fn lines_for_scripts_have_names_that_cost_nothing() {
    for runtime in RUNTIMES {
        let world = unnamed();
        world.text(20001, "hi");
        world.receive(NewMessage::text(20001, "all").in_group(GROUP));
        world.server.simulator().peer_mut(20002).system_msg_type = 5;
        world.text(20002, "note");
        let json = |args: &[&str]| {
            let args = [args, &["--runtime", runtime]].concat();
            world.json(&args).lines()
        };
        let lines = json(&["sessions"]);
        let group = lines.iter().find(|it| it["session_type"] == 2).unwrap();
        assert_eq!(group["name"], "应援团221300");
        let history = json(&["history", "20001"]);
        assert_eq!(history[0].get("name"), None);
        let reply = &json(&["replies", "--max", "1"])[0];
        assert_eq!(reply["name"], reply["user"]["nickname"]);

        let mut watch = world.watch(&["--runtime", runtime, "--feeds", "replies"]);
        watch.until_connected();
        world.text(20003, "hi");
        assert_eq!(watch.messages(1)[0].get("name"), None);
        world.receive(NewMessage::text(20003, "all").in_group(GROUP));
        let line = &watch.messages(1)[0];
        assert_eq!(line.get("name"), None);
        assert_eq!(line["group_name"], "应援团221300");
        let new = NewNotification::reply(20003, "hi");
        world.server.simulator().notify(now_us(), new).unwrap();
        let reply = watch.until("a reply", |line| line["event"] == "reply");
        assert_eq!(reply["name"], reply["user"]["nickname"]);
        // Whom a notification has named, has a name.
        world.text(20003, "again");
        assert_eq!(watch.messages(1)[0]["name"], reply["name"]);
        assert_eq!(world.requests(ASK), 0);
    }
}

#[test]
fn scripts_ask_for_names_with_an_option() {
    for runtime in RUNTIMES {
        let world = unnamed();
        for uid in 20001..=20020 {
            world.text(uid, "hi");
        }
        let json = |args: &[&str]| {
            let args = [args, &["--names", "--runtime", runtime]].concat();
            world.json(&args).lines()
        };
        let named = |line: &Value, uid: i64| {
            assert_eq!(line["name"], json!(format!("用户{uid}")), "{line}");
        };
        let lines = json(&["sessions"]);
        named(&lines[0], 20020);
        named(&lines[0]["last_msg"], 20020);
        assert_eq!(world.requests(ASK), 1);
        named(&json(&["history", "20001"])[0], 20001);
        assert_eq!(world.requests(ASK), 2);
        let mut watch = world.watch(&["--names", "--runtime", runtime]);
        watch.until_connected();
        for text in ["one", "two"] {
            world.text(20001, text);
            named(&watch.messages(1)[0], 20001);
        }
        assert_eq!(world.requests(ASK), 3);
    }
}
