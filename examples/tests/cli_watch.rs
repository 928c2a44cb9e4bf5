//! `watch`: what it prints, and how it ends.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bilibili_session_simulator::{FaultKind, NewMessage};
use rustix::process::Signal;
use serde_json::{Value, json};
use support::*;

/// The three seconds of the contract, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(3);

#[test]
fn messages_come_out_in_order_and_once() {
    for runtime in RUNTIMES {
        for count in [45, 4_500] {
            let world = World::new();
            let mut watch = world.watch(&["--runtime", runtime]);
            watch.until_connected();
            world.texts(20001, count);
            watch.messages(count);
            watch.interrupt();
            let ended = watch.end();
            ended.gracefully();
            assert_eq!(ended.texts(), numbers(1, count));
            assert!(ended.took < SOON, "{:?}", ended.took);
        }
    }
}

/// Conversations that were there at the start are history, however many they are.
#[test]
fn many_conversations_that_just_changed_are_history() {
    for runtime in RUNTIMES {
        let world = World::new();
        world.texts(20001, 2);
        for uid in 21_000..21_250 {
            world.text(uid, "old");
        }
        let mut watch = world.watch(&["--runtime", runtime]);
        watch.until_connected();
        world.texts(20001, 1);
        watch.messages(1);
        world.text(22_000, "first");
        watch.messages(1);
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        assert_eq!(ended.texts().len(), 2, "{:?}", ended.texts());
    }
}

#[test]
fn lines_are_as_the_contract_says() {
    let world = World::new();
    // Where lists name nobody, lines do not either.
    world.server.simulator().quirks_mut().people_unnamed = true;
    let mut watch = world.watch(&["--include-self"]);
    watch.until_connected();
    assert_eq!(watch.seen, [json!({"event": "status", "status": 1})]);
    let arrived = world.text(20001, "hi");
    let line = watch.messages(1).remove(0);
    let key = arrived.msg_key.to_string();
    let timestamp = line["timestamp"].as_i64().unwrap();
    assert_eq!(
        line,
        json!({"event":"message","conversation":{"session_type":1,"talker_id":20001},
            "sender_uid":20001,"receiver_type":1,"receiver_id":10001,"msg_seqno":arrived.msg_seqno,
            "msg_type":1,"msg_key":key,"timestamp":timestamp,"msg_status":0,"type":"text",
            "content":{"content":"hi"}})
    );
    world
        .server
        .simulator()
        .withdraw(now_us(), arrived.msg_key)
        .unwrap();
    let line = watch.messages(1).remove(0);
    assert_eq!(
        (&line["type"], &line["content"]),
        (&json!("withdraw"), &json!({"msg_key": key}))
    );
    assert_eq!(line["withdrawn"]["content"]["content"], "hi");
    // The library knows names for the last two, but nothing of what is in them.
    for msg_type in [999, 3, 52] {
        let mut unknown = NewMessage::text(20001, "?");
        unknown.msg_type = msg_type;
        world.receive(unknown);
        let line = watch.messages(1).remove(0);
        assert_eq!(
            (&line["type"], &line["msg_type"], &line["raw"]),
            (
                &json!("unknown"),
                &json!(msg_type),
                &json!("{\"content\":\"?\"}")
            )
        );
    }
    let mut broken = NewMessage::text(20001, "?");
    broken.content = "{broken".to_owned();
    world.receive(broken);
    let line = watch.messages(1).remove(0);
    assert_eq!(
        (&line["type"], &line["raw"]),
        (&json!("undecodable"), &json!("{broken"))
    );
    assert!(line["error"].is_string(), "{line}");
    world.receive(NewMessage::text(10001, "mine").to(20001));
    let line = watch.messages(1).remove(0);
    assert_eq!(line["sender_uid"], 10001);
    watch.signal(Signal::TERM);
    watch.end().gracefully();
}

#[test]
fn own_messages_are_left_out() {
    let world = World::new();
    let mut watch = world.watch(&["--max-events", "1"]);
    watch.until_connected();
    world.receive(NewMessage::text(10001, "mine").to(20001));
    world.text(20001, "theirs");
    let ended = watch.end();
    ended.gracefully();
    assert_eq!(ended.texts(), ["theirs"]);
}

#[test]
fn it_ends_while_a_request_hangs() {
    for runtime in RUNTIMES {
        for path in ["/nav", "get_sessions", "new_sessions"] {
            let world = World::new();
            world.fault(path, FaultKind::Hang, 1_000);
            let watch = world.watch(&["--runtime", runtime]);
            let begun = Instant::now();
            while world.requests(path) == 0 {
                assert!(begun.elapsed() < PATIENCE, "{path} was never asked for");
                std::thread::sleep(Duration::from_millis(5));
                // Not every list is asked for at the start.
                if path == "new_sessions" && world.requests("get_sessions") > 1 {
                    break;
                }
            }
            watch.interrupt();
            let ended = watch.end();
            ended.gracefully();
            assert!(ended.took < SOON, "{path}: {:?}", ended.took);
        }
    }
}

#[test]
fn it_ends_when_its_time_is_over() {
    let world = World::new();
    for runtime in RUNTIMES {
        let begun = Instant::now();
        let ended = world
            .watch(&["--duration", "1.5", "--runtime", runtime])
            .end();
        ended.gracefully();
        assert!(begun.elapsed() >= Duration::from_millis(1_500));
        assert!(begun.elapsed() < Duration::from_millis(1_500) + SOON);
    }
    // Also before anything was asked.
    let ended = world.watch(&["--duration", "0"]).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// Runs a watch whose output nobody reads until it has ended, and says how.
fn ended_unread(mut command: Command, stop: impl FnOnce(&mut Child)) -> (Option<i32>, String) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    stop(&mut child);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > SOON {
            child.kill().unwrap();
            panic!("it hangs: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stderr, b"", "{output:?}");
    (status.code(), String::from_utf8(output.stdout).unwrap())
}

fn terminate(child: &Child) {
    let id = i32::try_from(child.id()).unwrap();
    let id = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(id, Signal::TERM).unwrap();
}

/// The reader is there, and reads no more: a pipe that is full, or a terminal that was stopped.
#[test]
fn it_ends_though_nobody_reads_on() {
    const COUNT: usize = 1_000;
    for runtime in RUNTIMES {
        for by_signal in [true, false] {
            let world = World::new();
            let file = world.path("checkpoint");
            let args = ["--checkpoint", file.to_str().unwrap(), "--runtime", runtime];
            let mut watch = world.watch(&args);
            watch.until_connected();
            watch.interrupt();
            watch.end().gracefully();

            world.texts(20001, COUNT);
            let timed = ["--duration", if by_signal { "1000" } else { "2" }];
            let first = ["watch", "--json", "--interval", "0.2"];
            let command = world.bili(&[&first[..], &args, &timed].concat());
            let began = Instant::now();
            let (code, text) = ended_unread(command, |child| {
                // More than a pipe holds.
                while world.requests("fetch_session_msgs") == 0
                    || began.elapsed() < Duration::from_millis(1_900)
                {
                    std::thread::sleep(Duration::from_millis(5));
                }
                if by_signal {
                    terminate(child);
                }
            });
            assert_eq!(code, Some(0), "{runtime}, {by_signal}");
            // Whole lines, and the checkpoint covers exactly those.
            assert!(text.ends_with('\n'), "{runtime}: half a line");
            let lines: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let printed = texts(&lines);
            assert!(printed.len() > 1 && printed.len() < COUNT);
            assert!(!lines.iter().any(|line| is_status(line, 2)));
            let left = (COUNT - printed.len()).to_string();
            let ended = world
                .watch(&[&args[..], &["--max-events", &left]].concat())
                .end();
            ended.gracefully();
            assert_eq!([printed, ended.texts()].concat(), numbers(1, COUNT));
        }
    }
}

/// One signal ends it gracefully, whatever else has ended it; a second one at once.
#[test]
fn the_first_signal_is_the_first() {
    for signals in [1, 2] {
        let world = World::new();
        let args = ["watch", "--json", "--interval", "0.2", "--duration", "1"];
        let mut command = world.bili(&args);
        // What ends it takes a while: nobody reads.
        world.fault("/nav", FaultKind::Reset, 1_000);
        let mut child = command
            .env("BILI_UID", "10001")
            .stdout(full_pipe())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(1_500));
        for _ in 0..signals {
            terminate(&child);
            std::thread::sleep(Duration::from_millis(100));
        }
        let code = child.wait().unwrap().code();
        let expected = if signals == 1 { 0 } else { 130 };
        assert_eq!(code, Some(expected), "{signals} signals");
    }
}

/// The writing end of a pipe that is full, and stays so.
fn full_pipe() -> Stdio {
    use std::io::Write as _;
    let (reader, mut writer) = std::io::pipe().unwrap();
    // A pipe may hold more than it does at first; what is too much waits for ever.
    let mut copy = writer.try_clone().unwrap();
    std::thread::spawn(move || {
        let _reader = reader;
        let _ = copy.write_all(&[b'x'; 1 << 21]);
    });
    std::thread::sleep(Duration::from_millis(100));
    writer.flush().unwrap();
    writer.into()
}

#[test]
fn so_many_messages_are_so_many_lines() {
    let world = World::new();
    let mut watch = world.watch(&["--max-events", "7"]);
    watch.until_connected();
    world.texts(20001, 20);
    let ended = watch.end();
    ended.gracefully();
    assert_eq!(ended.texts(), numbers(1, 7));
}

#[test]
fn a_dead_login_is_status_4() {
    for runtime in RUNTIMES {
        let world = World::new();
        let mut command = world.bili(&["watch", "--json", "--runtime", runtime]);
        command.env("BILI_SESSDATA", "wrong");
        let ran = run(command);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        let lines = ran.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(is_status(&lines[0], 4) && lines[0]["reason"].is_string());
        assert_eq!(
            (&lines[1]["event"], &lines[1]["code"]),
            (&json!("error"), &json!(-101))
        );
    }
    // And later on, after what came before.
    let world = World::new();
    let mut watch = world.watch(&[]);
    watch.until_connected();
    world.text(20001, "last");
    watch.messages(1);
    world.server.simulator().log_out(10001).unwrap();
    let ended = watch.end();
    assert_eq!(ended.code, Some(3), "{ended:?}");
}

#[test]
fn a_uid_of_another_is_2() {
    let world = World::new();
    let mut command = world.bili(&["watch", "--json"]);
    command.env("BILI_UID", "99");
    let ran = run(command);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn keys_that_changed_cost_one_retry() {
    let world = World::new();
    let mut watch = world.watch(&[]);
    watch.until_connected();
    world.text(20001, "before");
    watch.messages(1);
    let (navs, fetches) = (world.requests("/nav"), world.requests("fetch_session_msgs"));
    world.server.simulator().rotate_keys();
    world.text(20001, "after");
    watch.messages(1);
    assert_eq!(world.requests("/nav"), navs + 1);
    assert_eq!(world.requests("fetch_session_msgs"), fetches + 2);
    watch.interrupt();
    let ended = watch.end();
    ended.gracefully();
    assert!(ended.lines.iter().all(|line| line["event"] != "notice"));
}

#[test]
fn notices_are_lines() {
    let world = World::new();
    let mut watch = world.watch(&[]);
    watch.until_connected();
    world.fault("fetch_session_msgs", FaultKind::Code(-500), 1);
    world.text(20001, "hi");
    let notice = watch.until("a notice", |line| line["event"] == "notice");
    assert_eq!(notice["kind"], "retry");
    assert_eq!(notice["code"], -500);
    assert_eq!(notice["conversation"]["talker_id"], 20001);
    assert!(notice["delay_s"].is_f64(), "{notice}");
    watch.messages(1);
    world.fault("sessions", FaultKind::Code(-352), 5);
    let notice = watch.until("a notice", |line| line["event"] == "notice");
    assert_eq!(notice["kind"], "risk_control");
    watch.interrupt();
    watch.end().gracefully();
}

#[test]
fn a_closed_pipe_is_quiet() {
    for runtime in RUNTIMES {
        let world = World::new();
        // Nothing more arrives: it notices all the same.
        let mut command =
            world.bili(&["watch", "--json", "--interval", "0.2", "--runtime", runtime]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        {
            use std::io::BufRead as _;
            let mut first = String::new();
            let stdout = child.stdout.take().unwrap();
            std::io::BufReader::new(stdout)
                .read_line(&mut first)
                .unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(output.stderr, b"", "{output:?}");
    }
    let world = World::new();
    world.texts(20001, 3_000);
    let mut child = world
        .bili(&["history", "20001", "--all", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn private_texts_are_answered() {
    for runtime in RUNTIMES {
        let world = World::new();
        let mut watch = world.watch(&[
            "--reply",
            "啊哈 !'()*",
            "--include-self",
            "--runtime",
            runtime,
        ]);
        watch.until_connected();
        world.text(20001, "hi");
        let sent = watch.until("sent", |line| line["event"] == "sent");
        assert_eq!(sent["to"], json!({"session_type": 1, "talker_id": 20001}));
        assert_eq!(watch.seen[1]["event"], "message");
        // Its own answer arrives, and is not answered.
        let own = watch.messages(1).remove(0);
        assert_eq!(
            (&own["sender_uid"], &own["msg_key"]),
            (&json!(10001), &sent["msg_key"])
        );
        world.receive(NewMessage::text(20004, "all").in_group(221_300));
        watch.messages(1);
        world.server.simulator().peer_mut(20002).refuses = Some(25003);
        world.text(20002, "hi");
        let notice = watch.until("a notice", |line| line["event"] == "notice");
        assert_eq!(
            (&notice["kind"], &notice["code"]),
            (&json!("reply_failed"), &json!(25003))
        );
        assert_eq!(notice["conversation"]["talker_id"], 20002);
        watch.interrupt();
        watch.end().gracefully();
        let state = world.state();
        let sent = state["sent"].as_array().unwrap();
        assert_eq!(sent.len(), 1, "{state}");
        assert_eq!(sent[0]["content"]["content"], "啊哈 !'()*");
    }
}

#[test]
fn an_answer_that_hangs_does_not_hold_up_the_end() {
    for runtime in RUNTIMES {
        let world = World::new();
        let mut watch = world.watch(&["--reply", "hi", "--runtime", runtime]);
        watch.until_connected();
        world.fault("send_msg", FaultKind::Hang, 1);
        world.text(20001, "hi");
        watch.messages(1);
        watch.interrupt();
        let ended = watch.end();
        ended.gracefully();
        assert!(ended.took < SOON, "{:?}", ended.took);
    }
}

#[test]
fn lines_for_people_forge_nothing() {
    let world = World::new();
    let name = "小\n电视\u{1b}[2J".to_owned();
    world.server.simulator().peer_mut(20001).name = name;
    let mut command = world.bili(&["watch", "--interval", "0.2", "--max-events", "1"]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    while world.requests("sessions") < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    world.text(20001, "a\nuser 1: b\u{1b}[2J");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(r"  小\n电视\u{1b}[2J (20001): a\nuser 1: b\u{1b}[2J"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 4, "{text}");
}
