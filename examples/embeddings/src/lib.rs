//! Somebody to talk to: shared by the programs of this package, and needed by no program that is copied.
//!
//! Each program ends by itself where it has the simulator to itself, so that it can be run as a test.
#![allow(
    clippy::print_stderr,
    reason = "a program says on stderr whom it talks to"
)]

use std::error::Error;
use std::ffi::OsString;
use std::time::{Duration, SystemTime};
use std::{env, process, thread};

use bilibili_session::poller::PollerConfig;
use bilibili_session::{ClientConfig, Credential, Hosts, UnixMicros};
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{ControlError, Login, NewMessage, Simulator};

/// The lines of a rehearsal, each of which a program is to answer with a text that quotes it.
const LINES: [(i64, &str); 4] = [
    (20001, "你好"),
    (20002, "hello"),
    (20001, "在吗？"),
    (20001, "再见"),
];

/// The group in which somebody writes a line that is not to be answered.
const GROUP: i64 = 221_300;

/// Far more than any machine needs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The account that the environment names, or, where it names none, a simulator that plays the other side.
///
/// The variables are those of the `bili` command: `BILI_SESSDATA`, `BILI_JCT`, `BILI_BUVID3`, `BILI_BUVID4` and
/// `BILI_UID` for the login, `BILI_ORIGIN` for another server in place of the service.
#[derive(Debug)]
pub struct Rehearsal {
    context: ClientConfig,
    server: Option<Server>,
}

impl Rehearsal {
    /// Reads the environment.
    ///
    /// # Errors
    /// Fails when the variables are no login, or the simulator finds no port.
    pub fn from_env() -> Result<Self, Box<dyn Error>> {
        if variable("BILI_SESSDATA").is_empty() && variable("BILI_ORIGIN").is_empty() {
            let server = simulator()?;
            let login = server.simulator().login();
            return Ok(Self {
                context: context(&server, login)?,
                server: Some(server),
            });
        }
        let credential = Credential::builder()
            .sessdata(variable("BILI_SESSDATA"))
            .bili_jct(variable("BILI_JCT"))
            .buvid3(variable("BILI_BUVID3"))
            .buvid4(variable("BILI_BUVID4"))
            .uid(variable("BILI_UID"))
            .build()
            .map_err(|error| error.to_string())?;
        let hosts = match variable("BILI_ORIGIN") {
            origin if origin.is_empty() => Hosts::official(),
            origin => Hosts::origin(&origin).map_err(|error| error.to_string())?,
        };
        Ok(Self {
            context: ClientConfig::new(credential).hosts(hosts),
            server: None,
        })
    }

    /// The login and whom to ask.
    pub fn context(&self) -> ClientConfig {
        self.context.clone()
    }

    /// Every 6 s, or in a rehearsal many times a second.
    pub fn config(&self) -> PollerConfig {
        match self.server {
            Some(_) => often(),
            None => PollerConfig::new(),
        }
    }

    /// The others begin to write. To be called when the poller is connected: it tells of what arrives from then on.
    ///
    /// # Errors
    /// Fails when the simulator takes no message.
    pub fn begin(&self) -> Result<(), ControlError> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        let mut simulator = server.simulator();
        for (from, text) in LINES {
            simulator.receive(now_us(), NewMessage::text(from, text))?;
        }
        let aside = NewMessage::text(20003, "大家好").in_group(GROUP);
        simulator.receive(now_us(), aside).map(drop)
    }

    /// Returns whether all was answered that was to be; never with an account of one's own.
    pub fn is_over(&self) -> bool {
        self.server
            .as_ref()
            .is_some_and(|server| server.simulator().sent().count() >= LINES.len())
    }

    /// Checks that each was answered once, in order, and nobody else was written to.
    ///
    /// # Errors
    /// Says what was sent instead.
    pub fn check(&self) -> Result<(), Box<dyn Error>> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        let mut sent: Vec<(i64, String)> = server
            .simulator()
            .sent()
            .map(|message| (message.receiver_id, message.content.clone()))
            .collect();
        // Stable sorts: within a conversation the order stays, between them there is none.
        sent.sort_by_key(|(to, _)| *to);
        let mut lines = LINES;
        lines.sort_by_key(|(from, _)| *from);
        let fits = |(line, reply): (&(i64, &str), &(i64, String))| {
            line.0 == reply.0 && reply.1.contains(line.1)
        };
        if sent.len() != lines.len() || !lines.iter().zip(&sent).all(fits) {
            return Err(format!("these replies went out: {sent:?}").into());
        }
        eprintln!("{} messages were answered", sent.len());
        Ok(())
    }
}

/// A simulator on a port that the system chooses. It gives the process two minutes.
///
/// # Errors
/// Fails when there is no port or no thread.
pub fn simulator() -> std::io::Result<Server> {
    let server = Server::start(Simulator::default(), 0)?;
    eprintln!("no credential: this is the simulator, with made-up users");
    thread::Builder::new().spawn(|| {
        thread::sleep(PATIENCE);
        eprintln!("not over after {PATIENCE:?}");
        process::exit(1);
    })?;
    Ok(server)
}

/// An account of this simulator.
///
/// # Errors
/// Fails when the login has a character that no cookie can have.
pub fn context(server: &Server, login: Login) -> Result<ClientConfig, Box<dyn Error>> {
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build()?;
    Ok(ClientConfig::new(credential).hosts(Hosts::origin(&server.origin())?))
}

/// The pace of a rehearsal; the service itself is asked no more often than every 3 s.
pub fn often() -> PollerConfig {
    PollerConfig::new().interval(Duration::from_millis(50))
}

/// The time as the simulator wants it: microseconds since the epoch.
pub fn now_us() -> i64 {
    UnixMicros::from(SystemTime::now()).0
}

/// Empty where it is not set.
fn variable(name: &str) -> String {
    env::var_os(name)
        .map(OsString::into_encoded_bytes)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
