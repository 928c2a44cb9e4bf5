//! The bot, its rules, and what it runs on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bilibili_session::poller::{Checkpoint, PollerConfig, Status, StatusChange, Warning};
use bilibili_session::session::HandlerResult;
use bilibili_session::{
    ClientConfig, Content, Credential, Error, Event, EventType, Hosts, TransportConfig, UnixMicros,
};
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{NewMessage, Simulator};

use super::runtime::{Client as _, Session, ends};

pub(crate) const OWN: i64 = 10001;
pub(crate) const GROUP: i64 = 221_300;

const INTERVAL: Duration = Duration::from_millis(40);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Runtime {
    Blocking,
    AsyncStd,
    Tokio,
}

impl Runtime {
    pub(crate) const ALL: [Self; 3] = [Self::Blocking, Self::AsyncStd, Self::Tokio];
}

/// The calls of the bot: `status`, `warning`, `end`, or a conversation, and what happened there.
pub(crate) type Log = BTreeMap<String, Vec<String>>;

/// The bot's rules, which its handlers on all runtimes follow.
#[derive(Clone)]
pub(crate) struct Bot {
    pub(crate) server: Arc<Server>,
    pub(crate) log: Arc<Mutex<Log>>,
    /// Number of messages after which the bot closes.
    pub(crate) enough: usize,
    /// Called when the bot is connected.
    pub(crate) connected: fn(&mut Simulator),
}

/// The wish of a text.
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

    fn replied(&self, event: &Event, result: Result<(), Error>) -> HandlerResult {
        let words = match &result {
            Ok(()) => "replied".to_owned(),
            Err(error) => format!("not replied: {}", in_words(error)),
        };
        self.note(event.conversation, words);
        result.map_err(|error| error.class().to_string().into())
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

    /// In a pause it looks for what is asked meanwhile, makes a call, and closes the session.
    fn warning(
        &self,
        warning: &Warning,
        call: impl FnOnce() -> Result<(), Error> + Send + 'static,
        close: impl FnOnce() + Send + 'static,
    ) {
        match warning {
            Warning::HandlerFailed { reason, .. } => {
                self.note("warning", format!("handler failed: {reason}"));
            }
            Warning::RiskControl { .. }
            | Warning::Throttled { .. }
            | Warning::SendsPaused { .. } => {
                self.note("pause", warning.kind());
                let bot = self.clone();
                std::thread::spawn(move || {
                    // What is on its way may still come.
                    std::thread::sleep(5 * INTERVAL);
                    let before = bot.requests("");
                    std::thread::sleep(10 * INTERVAL);
                    let asked = bot.requests("") > before;
                    bot.note(
                        "pause",
                        if asked {
                            "asking goes on"
                        } else {
                            "nothing is asked"
                        },
                    );
                    let before = bot.requests("");
                    let words = match call() {
                        Ok(()) => "called".to_owned(),
                        Err(error) if bot.requests("") == before => {
                            format!("not called: {}", in_words(&error))
                        }
                        Err(error) => format!("refused: {error}"),
                    };
                    bot.note("pause", words);
                    close();
                });
            }
            warning => self.note("warning", warning.kind()),
        }
    }

    /// Returns the number of requests that came to paths with this part.
    pub(crate) fn requests(&self, part: &str) -> u64 {
        self.server.simulator().requests_matching(part)
    }

    pub(crate) fn context(&self) -> ClientConfig {
        let login = self.server.simulator().login();
        let credential = Credential::builder()
            .sessdata(login.sessdata)
            .bili_jct(login.bili_jct)
            .build();
        ClientConfig::new(credential.unwrap()).hosts(Hosts::origin(&self.server.origin()).unwrap())
    }

    /// Runs until it ends; where it stands then.
    pub(crate) fn run(&self, runtime: Runtime, from: Option<&Checkpoint>) -> Option<Checkpoint> {
        match runtime {
            Runtime::Blocking => self.run_on::<bilibili_session_blocking::Session>(from),
            Runtime::AsyncStd => self.run_on::<bilibili_session_async_std::Session>(from),
            Runtime::Tokio => self.run_on::<bilibili_session_tokio::Session>(from),
        }
    }

    fn run_on<S: Session>(&self, from: Option<&Checkpoint>) -> Option<Checkpoint> {
        let config = PollerConfig::new().interval(INTERVAL);
        let session = S::over_http(self.context(), &TransportConfig::new(), config, from);
        let bot = self.clone();
        session.on(EventType::Text, move |event, session| {
            match Self::wanted(event) {
                Wanted::Nothing => Ok(()),
                Wanted::Reply => bot.replied(event, session.reply(event, "pong").map(drop)),
                Wanted::Failure => Err("made up".into()),
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
        session.on_warning(move |warning, session| {
            let (client, session) = (session.client(), session.clone());
            bot.warning(
                warning,
                move || client.get_sessions(),
                move || session.close(),
            );
        });
        let bot = self.clone();
        session.on_status(move |change, session| {
            bot.status(change);
            if change.status == Status::Connected && bot.enough == 0 {
                session.close();
            }
        });
        let end = match session.start() {
            Ok(()) => "as asked".to_owned(),
            Err(error) => error.class().to_string(),
        };
        self.note("end", end);
        session.checkpoint()
    }
}

/// The class of an error, and of a pause about how long it lasts.
fn in_words(error: &Error) -> String {
    let Error::Paused(paused) = error else {
        return error.class().to_string();
    };
    let length = match paused.remaining.as_secs() {
        10..60 => "seconds",
        240..600 => "minutes",
        86_000..=86_400 => "a day",
        _ => return format!("{error:?}"),
    };
    format!("{} for {length}", paused.class)
}

pub(crate) fn receive(simulator: &mut Simulator, message: NewMessage) {
    let now = UnixMicros::from(SystemTime::now()).0;
    simulator.receive(now, message).unwrap();
}

pub(crate) fn say(simulator: &mut Simulator, from: i64, texts: &[&str]) {
    for text in texts {
        receive(simulator, NewMessage::text(from, text));
    }
}

/// Runs it on each, against a service of its own each time.
#[track_caller]
pub(crate) fn on_each(
    before: impl Fn(&mut Simulator),
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
        let running = bot.clone();
        ends(move || running.run(runtime, None));
        assert_eq!(*bot.log.lock().unwrap(), expected, "{runtime:?}");
        bot
    };
    Runtime::ALL.map(run).into()
}
