//! One suite for all runtimes: what a session, its handlers and its client do is the same on each.
//!
//! Here: one bot, with the same handlers, the same service, the same log. What happens in one conversation is compared
//! in its order, and so are the warnings; async runtimes handle different conversations side by side.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod bot;
mod calls;
mod checkpoints;
mod ends;
mod futures;
mod logins;
mod nav;
mod pauses;
mod push;
mod real_connections;
mod runtime;
mod sends;
mod sessions;
mod takers;
mod world;

use std::sync::Arc;

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Fault, FaultKind, NewMessage, Simulator};
use http::StatusCode;
use serde_json::json;

use bot::{Bot, GROUP, OWN, Runtime, on_each, receive, say};

const DONE: (&str, &[&str]) = ("status", &["1", "2", "3"]);
const AS_ASKED: (&str, &[&str]) = ("end", &["as asked"]);

#[test]
fn messages_of_users_and_groups_are_handled_and_answered() {
    let bots = on_each(
        |_| {},
        |it| {
            say(it, 20001, &["hello", "ping", "bye"]);
            receive(it, NewMessage::text(20002, "ping").in_group(GROUP));
            receive(
                it,
                NewMessage::new(
                    20003,
                    2,
                    &json!({"url": "https://i0.hdslb.com/bfs/made-up.png"}),
                ),
            );
            // From another device of its own: not for a bot.
            receive(it, NewMessage::text(OWN, "ping").to(20001));
            it.rotate_keys();
        },
        5,
        &[
            (
                "user 20001",
                &["Text hello", "replied", "Text ping", "Text bye"],
            ),
            ("group 221300", &["replied", "Text ping"]),
            ("user 20003", &["Picture "]),
            DONE,
            AS_ASKED,
        ],
    );
    for bot in bots {
        let simulator = bot.server.simulator();
        let sent = simulator.sent().filter(|it| it.content.contains("pong"));
        let mut to: Vec<i64> = sent.map(|it| it.receiver_id).collect();
        to.sort_unstable();
        assert_eq!(to, [20001, GROUP]);
    }
}

#[test]
fn handlers_that_fail_or_panic_are_told_of_and_stop_nobody() {
    on_each(
        |_| {},
        |it| say(it, 20001, &["fail", "panic", "hello"]),
        3,
        &[
            ("user 20001", &["Text fail", "Text panic", "Text hello"]),
            (
                "warning",
                &[
                    "handler failed: made up",
                    "handler failed: it panicked: made up",
                ],
            ),
            DONE,
            AS_ASKED,
        ],
    );
}

#[test]
fn a_reply_that_is_refused_is_the_handlers_error() {
    on_each(
        |it| it.push_fault(Fault::once("send_msg", FaultKind::Code(21047))),
        |it| say(it, 20001, &["ping", "ping"]),
        2,
        &[
            (
                "user 20001",
                &["not replied: refused", "Text ping", "replied", "Text ping"],
            ),
            ("warning", &["handler failed: refused"]),
            DONE,
            AS_ASKED,
        ],
    );
}

#[test]
fn a_close_from_a_handler_ends_it() {
    on_each(|_| {}, |_| {}, 0, &[DONE, AS_ASKED]);
}

#[test]
fn trouble_is_told_of_and_delays() {
    on_each(
        |it| {
            it.push_fault(Fault::once(
                "get_sessions",
                FaultKind::Http(StatusCode::BAD_GATEWAY),
            ));
            it.push_fault(Fault::once("fetch_session_msgs", FaultKind::Garbage));
        },
        |it| say(it, 20001, &["hello"]),
        1,
        &[
            ("user 20001", &["Text hello"]),
            ("warning", &["retry", "retry"]),
            DONE,
            AS_ASKED,
        ],
    );
}

#[test]
fn what_cannot_be_read_comes_out_as_it_is() {
    on_each(
        |_| {},
        |it| {
            say(it, 20001, &["hello"]);
            receive(it, NewMessage::new(20001, 1, &json!("no JSON")));
            say(it, 20001, &["bye"]);
        },
        3,
        &[
            (
                "user 20001",
                &["Text hello", "Undecodable no JSON", "Text bye"],
            ),
            DONE,
            AS_ASKED,
        ],
    );
}

#[test]
fn a_dead_login_ends_it_with_the_reason() {
    let dead: &[(&str, &[&str])] = &[("status", &["4"]), ("end", &["login_lost"])];
    on_each(|it| it.log_out(OWN).unwrap(), |_| {}, 1, dead);
    on_each(
        |_| {},
        |it| say(it, 20001, &["log out"]),
        2,
        &[
            ("user 20001", &["Text log out"]),
            ("status", &["1", "4"]),
            ("end", &["login_lost"]),
        ],
    );
}

#[test]
fn what_was_not_handled_comes_after_a_resume() {
    for runtime in Runtime::ALL {
        let numbers: Vec<String> = (0..450).map(|number| number.to_string()).collect();
        let mut bot = Bot {
            server: Arc::new(Server::start(Simulator::default(), 0).unwrap()),
            log: Arc::default(),
            enough: 170,
            connected: |it| {
                let numbers: Vec<String> = (0..450).map(|number| number.to_string()).collect();
                let texts: Vec<&str> = numbers.iter().map(String::as_str).collect();
                say(it, 20001, &texts);
            },
        };
        let checkpoint = bot.run(runtime, None);
        bot.enough = 450;
        bot.connected = |_| {};
        bot.run(runtime, checkpoint.as_ref());
        let log = bot.log.lock().unwrap();
        let expected: Vec<String> = numbers.iter().map(|it| format!("Text {it}")).collect();
        assert_eq!(log["user 20001"], expected, "{runtime:?}");
        assert_eq!(log["status"], ["1", "2", "3", "1", "2", "3"]);
    }
}
