//! `send` where no answer tells whether the message went out, `send --verify`, and answers of `watch` that are refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::thread;

use bilibili_session_simulator::{Fault, FaultKind};
use serde_json::{Value, json};
use support::*;

fn sent(world: &World) -> usize {
    world.state()["sent"].as_array().unwrap().len()
}

/// Runs `send`, whose answer fails so, on each runtime; some take seconds.
fn send(fault: Option<Fault>, more: &[&str], check: impl Fn(&World, Ran) + Sync) {
    thread::scope(|scope| {
        for runtime in RUNTIMES {
            let (fault, check) = (fault.clone(), &check);
            scope.spawn(move || {
                let world = World::new();
                if let Some(fault) = fault {
                    world.server.simulator().push_fault(fault);
                }
                let args = [
                    "send",
                    "20001",
                    "hi",
                    "--timeout",
                    "1",
                    "--runtime",
                    runtime,
                ];
                let ran = world.json(&[&args[..], more].concat());
                check(&world, ran);
            });
        }
    });
}

#[track_caller]
fn fails(ran: &Ran, kind: &str) -> Value {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let line = ran.lines().pop().unwrap();
    assert_eq!(line["event"], "error", "{ran:?}");
    assert_eq!(line["kind"], kind, "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    line
}

fn once(kind: FaultKind) -> Option<Fault> {
    Some(Fault::once("/send_msg", kind))
}

#[test]
fn what_was_taken_is_sent_and_not_sent_twice() {
    for kind in [FaultKind::Reset, FaultKind::Hang, FaultKind::Garbage] {
        let fault = Fault::once("/send_msg", kind).carried_out();
        send(Some(fault), &[], |world, ran| {
            let line = ran.line();
            let key = &world.state()["sent"][0]["msg_key"];
            assert_eq!(line, json!({"event": "sent", "msg_key": key}));
            assert_eq!(sent(world), 1);
            assert_eq!(world.requests("send_msg"), 1);
        });
    }
}

#[test]
fn what_was_cut_and_does_not_show_is_not_sent() {
    send(once(FaultKind::Reset), &[], |world, ran| {
        fails(&ran, "transport");
        assert_eq!((sent(world), world.requests("send_msg")), (0, 1));
        assert!(world.requests("fetch_session_msgs") > 1);
    });
}

#[test]
fn what_may_still_come_is_unknown() {
    send(once(FaultKind::Hang), &[], |world, ran| {
        let line = fails(&ran, "unknown_outcome");
        let words = line["message"].as_str().unwrap();
        assert!(words.contains("look into the conversation"), "{words}");
        assert_eq!(world.requests("send_msg"), 1);
    });
}

#[test]
fn what_is_verified_has_arrived() {
    send(None, &["--verify"], |world, ran| {
        let line = ran.line();
        let key = &world.state()["sent"][0]["msg_key"];
        assert_eq!(
            line,
            json!({"event": "sent", "msg_key": key, "verified": true})
        );
    });
}

/// The service says that it took the message, and delivers none.
#[test]
fn what_does_not_arrive_is_said() {
    let body = br#"{"code":0,"message":"0","data":{"msg_key":7300000000000000999}}"#;
    send(
        once(FaultKind::Body(body.to_vec())),
        &["--verify"],
        |world, ran| {
            fails(&ran, "not_arrived");
            let sent =
                json!({"event": "sent", "msg_key": "7300000000000000999", "verified": false});
            assert_eq!(ran.lines()[0], sent);
            assert_eq!(world.requests("send_msg"), 1);
        },
    );
}

/// One refusal is a pause for all that comes after it: nothing more is sent, and each answer
/// that was not is told of.
#[cfg(unix)]
#[test]
fn after_a_refusal_nothing_is_sent() {
    for runtime in RUNTIMES {
        for (code, pause) in [(-352, "risk_control"), (21046, "sends_paused")] {
            let world = World::new();
            let mut watch = world.watch(&["--reply", "hi", "--runtime", runtime]);
            watch.until_connected();
            world.fault("send_msg", FaultKind::Code(code), 1_000);
            world.texts(20001, 5);
            let of = |lines: &[Value], kind: &str| -> Vec<Value> {
                let lines = lines.iter().filter(|line| line["kind"] == kind);
                lines.cloned().collect()
            };
            while of(&watch.seen, "reply_failed").len() < 5 || of(&watch.seen, pause).is_empty() {
                assert!(watch.next().is_some(), "{:?}", watch.seen);
            }
            let failed = of(&watch.seen, "reply_failed");
            assert_eq!(failed[0]["code"], code, "{failed:?}");
            for line in &failed[1..] {
                assert_eq!(line["code"], json!(null), "{line}");
                let message = line["message"].as_str().unwrap();
                assert!(message.contains("nothing was sent"), "{line}");
            }
            assert_eq!(of(&watch.seen, pause).len(), 1, "{:?}", watch.seen);
            assert_eq!(world.requests("send_msg"), 1, "{runtime}, {code}");
            watch.interrupt();
            watch.end().gracefully();
        }
    }
}
