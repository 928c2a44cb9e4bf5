//! One bot on both runtimes: the same handlers, the same service, the same log.
//!
//! What happens in one conversation is compared in its order, and so is what is told beside the
//! messages; the async runtime handles different conversations side by side.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bilibili_session::poller::{Checkpoint, Notice, PollerConfig, Status, StatusChange};
use bilibili_session::{Content, Context, Credential, Error, Event, EventType, Hosts, UnixMicros};
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Fault, FaultKind, NewMessage, Simulator};
use http::StatusCode;
use serde_json::json;

const OWN: i64 = 10001;
const GROUP: i64 = 221_300;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Runtime {
    Blocking,
    AsyncStd,
}

/// What the bot was called for: `status`, `notice`, `end`, or a conversation, and what happened there.
type Log = BTreeMap<String, Vec<String>>;

/// The bot's rules, which its handlers on both runtimes follow.
#[derive(Clone)]
struct Bot {
    server: Arc<Server>,
    log: Arc<Mutex<Log>>,
    /// It closes when it has seen so many messages.
    enough: usize,
    /// What happens when it is connected.
    connected: fn(&mut Simulator),
}

/// What a text asks for.
enum Wanted {
    Nothing,
    Reply,
    Failure,
    Panic,
}

impl Bot {
    fn note(&self, place: impl ToString, what: impl Into<String>) {
        let mut log = self.log.lock().unwrap();
        log.entry(place.to_string()).or_default().push(what.into());
    }

    fn wanted(event: &Event) -> Wanted {
        match event.text() {
            Some("ping") => Wanted::Reply,
            Some("fail") => Wanted::Failure,
            Some("panic") => Wanted::Panic,
            _ => Wanted::Nothing,
        }
    }

    fn replied(&self, event: &Event, result: Result<(), Error>) -> Result<(), String> {
        let words = match &result {
            Ok(()) => "replied".to_owned(),
            Err(error) => format!("not replied: {}", error.class()),
        };
        self.note(event.conversation, words);
        result.map_err(|error| error.class().to_string())
    }

    /// Called last for each message; whether it was the last one.
    fn saw(&self, event: &Event) -> bool {
        let words = match &event.content {
            Content::Undecodable { raw, .. } => format!("Undecodable {raw}"),
            _ => format!(
                "{:?} {}",
                event.event_type(),
                event.text().unwrap_or_default()
            ),
        };
        self.note(event.conversation, words);
        if event.text() == Some("log out") {
            self.server.simulator().log_out(OWN).unwrap();
        }
        let log = self.log.lock().unwrap();
        let seen = log
            .values()
            .flatten()
            .filter(|line| line.starts_with(char::is_uppercase))
            .count();
        seen == self.enough
    }

    fn status(&self, change: &StatusChange) {
        self.note("status", change.status.code().to_string());
        if change.status == Status::Connected {
            (self.connected)(&mut self.server.simulator());
        }
    }

    fn notice(&self, notice: &Notice) {
        let words = match notice {
            Notice::HandlerFailed { reason, .. } => format!("handler failed: {reason}"),
            notice => notice.kind().to_owned(),
        };
        self.note("notice", words);
    }

    fn context(&self) -> Context {
        let login = self.server.simulator().login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build();
        Context::new(credential.unwrap()).hosts(Hosts::origin(&self.server.origin()).unwrap())
    }

    /// Runs until it ends; where it stands then.
    fn run(&self, runtime: Runtime, from: Option<&Checkpoint>) -> Option<Checkpoint> {
        let config = PollerConfig::new().interval(Duration::from_millis(40));
        let (end, checkpoint) = match runtime {
            Runtime::Blocking => self.on_threads(config, from),
            Runtime::AsyncStd => self.on_async_std(config, from),
        };
        let end = match end {
            Ok(()) => "as asked".to_owned(),
            Err(error) => error.class().to_string(),
        };
        self.note("end", end);
        checkpoint
    }

    fn on_threads(
        &self,
        config: PollerConfig,
        from: Option<&Checkpoint>,
    ) -> (Result<(), Error>, Option<Checkpoint>) {
        use bilibili_session_blocking::{Session, UreqTransport};
        let (context, transport) = (self.context(), UreqTransport::new());
        let session = match from {
            Some(checkpoint) => Session::resume(context, transport, config, checkpoint),
            None => Session::new(context, transport, config),
        };
        let session = session.unwrap();
        let bot = self.clone();
        session.on(EventType::Text, move |event, session| {
            match Self::wanted(event) {
                Wanted::Nothing => Ok(()),
                Wanted::Reply => bot.replied(event, session.reply(event, "pong").map(drop)),
                Wanted::Failure => Err("made up".to_owned()),
                Wanted::Panic => panic!("made up"),
            }
        });
        let bot = self.clone();
        session.on_any(move |event, session| {
            if bot.saw(event) {
                session.close();
            }
        });
        let bot = self.clone();
        session.on_notice(move |notice, _| bot.notice(notice));
        let bot = self.clone();
        session.on_status(move |change, session| {
            bot.status(change);
            if change.status == Status::Connected && bot.enough == 0 {
                session.close();
            }
        });
        (session.start(), session.checkpoint())
    }

    fn on_async_std(
        &self,
        config: PollerConfig,
        from: Option<&Checkpoint>,
    ) -> (Result<(), Error>, Option<Checkpoint>) {
        use bilibili_session_async_std::{Session, SurfTransport};
        let (context, transport) = (self.context(), SurfTransport::new().unwrap());
        let session = match from {
            Some(checkpoint) => Session::resume(context, transport, config, checkpoint),
            None => Session::new(context, transport, config),
        };
        let session = session.unwrap();
        let bot = self.clone();
        session.on(EventType::Text, move |event, session| {
            let bot = bot.clone();
            async move {
                match Self::wanted(&event) {
                    Wanted::Nothing => Ok(()),
                    Wanted::Reply => {
                        let sent = session.reply(&event, "pong").await;
                        bot.replied(&event, sent.map(drop))
                    }
                    Wanted::Failure => Err("made up".to_owned()),
                    Wanted::Panic => panic!("made up"),
                }
            }
        });
        let bot = self.clone();
        session.on_any(move |event, session| {
            let bot = bot.clone();
            async move {
                if bot.saw(&event) {
                    session.close();
                }
            }
        });
        let bot = self.clone();
        session.on_notice(move |notice, _| {
            let bot = bot.clone();
            async move { bot.notice(&notice) }
        });
        let bot = self.clone();
        session.on_status(move |change, session| {
            let bot = bot.clone();
            async move {
                bot.status(&change);
                if change.status == Status::Connected && bot.enough == 0 {
                    session.close();
                }
            }
        });
        let end = async_std::task::block_on(session.start());
        (end, session.checkpoint())
    }
}

fn receive(simulator: &mut Simulator, message: NewMessage) {
    let now = UnixMicros::from(SystemTime::now()).0;
    simulator.receive(now, message).unwrap();
}

fn say(simulator: &mut Simulator, from: i64, texts: &[&str]) {
    for text in texts {
        receive(simulator, NewMessage::text(from, text));
    }
}

/// Runs it on both, against a service of its own each time.
#[track_caller]
fn both(
    before: fn(&mut Simulator),
    connected: fn(&mut Simulator),
    enough: usize,
    expected: &[(&str, &[&str])],
) -> Vec<Bot> {
    let expected: Log = expected
        .iter()
        .map(|(place, lines)| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            ((*place).to_owned(), lines)
        })
        .collect();
    let run = |runtime| {
        let server = Server::start(Simulator::default(), 0).unwrap();
        before(&mut server.simulator());
        let bot = Bot {
            server: Arc::new(server),
            log: Arc::default(),
            enough,
            connected,
        };
        bot.run(runtime, None);
        assert_eq!(*bot.log.lock().unwrap(), expected, "{runtime:?}");
        bot
    };
    [Runtime::Blocking, Runtime::AsyncStd].map(run).into()
}

const DONE: (&str, &[&str]) = ("status", &["1", "2", "3"]);
const AS_ASKED: (&str, &[&str]) = ("end", &["as asked"]);

#[test]
fn messages_of_users_and_groups_are_handled_and_answered() {
    let bots = both(
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
    both(
        |_| {},
        |it| say(it, 20001, &["fail", "panic", "hello"]),
        3,
        &[
            ("user 20001", &["Text fail", "Text panic", "Text hello"]),
            (
                "notice",
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
    both(
        |it| it.push_fault(Fault::once("send_msg", FaultKind::Code(-509))),
        |it| say(it, 20001, &["ping", "ping"]),
        2,
        &[
            (
                "user 20001",
                &[
                    "not replied: throttled",
                    "Text ping",
                    "replied",
                    "Text ping",
                ],
            ),
            ("notice", &["handler failed: throttled"]),
            DONE,
            AS_ASKED,
        ],
    );
}

#[test]
fn a_close_from_a_handler_ends_it() {
    both(|_| {}, |_| {}, 0, &[DONE, AS_ASKED]);
}

#[test]
fn trouble_is_told_of_and_delays() {
    both(
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
            ("notice", &["retry", "retry"]),
            DONE,
            AS_ASKED,
        ],
    );
}

#[test]
fn what_cannot_be_read_comes_out_as_it_is() {
    both(
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
    both(|it| it.log_out(OWN).unwrap(), |_| {}, 1, dead);
    both(
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
    for runtime in [Runtime::Blocking, Runtime::AsyncStd] {
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
