//! The command from outside, against a simulator in this process.
#![allow(dead_code, unreachable_pub)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[cfg(target_os = "linux")]
pub mod disk;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Arrived, Config, Fault, FaultKind, Login, NewMessage, Simulator};
use serde_json::Value;
use tempfile::TempDir;

/// No condition that is waited for takes this long; a safety net only.
pub const PATIENCE: Duration = Duration::from_secs(90);
pub const RUNTIMES: [&str; 2] = ["blocking", "async-std"];

pub const SESSDATA: &str = "5e55da7a%2C1999999999%2Cplant%2Aed";
pub const BILI_JCT: &str = "0123456789abcdef0123456789abcdef";
pub const BUVID3: &str = "B0B0B0B0-PLANTED-infoc";
pub const BUVID4: &str = "B4B4B4B4-PLANTED-4";
/// Whatever of the credential no output may show.
pub const SECRETS: [&str; 5] = [
    "5e55da7a",
    "plant",
    BILI_JCT,
    "PLANTED",
    "5e55da7a,1999999999,plant*ed",
];

/// A simulator, a folder, and the command with its environment.
pub struct World {
    pub server: Server,
    pub folder: TempDir,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    pub fn new() -> Self {
        let simulator = Simulator::new(Config {
            login: Login {
                sessdata: SESSDATA.to_owned(),
                bili_jct: BILI_JCT.to_owned(),
                ..Login::default()
            },
            ..Config::default()
        });
        Self {
            server: Server::start(simulator, 0).unwrap(),
            folder: TempDir::new().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command with a whole credential.
    pub fn bili(&self, args: &[&str]) -> Command {
        let mut command = bare(args);
        command
            .env("BILI_ORIGIN", self.server.origin())
            .env("BILI_SESSDATA", SESSDATA)
            .env("BILI_JCT", BILI_JCT)
            .env("BILI_BUVID3", BUVID3)
            .env("BILI_BUVID4", BUVID4);
        command
    }

    /// Runs it to its end, with `--json`.
    pub fn json(&self, args: &[&str]) -> Ran {
        run(self.bili(&with_json(args)))
    }

    /// The same, to be fed and watched.
    pub fn watch(&self, args: &[&str]) -> Watch {
        let args: Vec<&str> = [&["watch", "--json", "--interval", "0.2"], args].concat();
        Watch::start(self.bili(&args))
    }

    pub fn text(&self, from: i64, text: &str) -> Arrived {
        self.receive(NewMessage::text(from, text))
    }

    pub fn receive(&self, message: NewMessage) -> Arrived {
        let now = now_us();
        self.server.simulator().receive(now, message).unwrap()
    }

    /// So many texts at once: `1`, `2`, …
    pub fn texts(&self, from: i64, count: usize) {
        let now = now_us();
        let mut simulator = self.server.simulator();
        for n in 1..=count {
            let text = NewMessage::text(from, &n.to_string());
            simulator.receive(now, text).unwrap();
        }
    }

    pub fn fault(&self, path: &str, kind: FaultKind, times: u32) {
        let fault = Fault::once(path, kind).times(times);
        self.server.simulator().push_fault(fault);
    }

    pub fn state(&self) -> Value {
        self.server.simulator().state()
    }

    /// Returns the number of requests that came to paths with this end.
    pub fn requests(&self, end: &str) -> u64 {
        let state = self.state();
        let requests = state["requests"].as_object().unwrap();
        requests
            .iter()
            .filter(|(path, _)| path.ends_with(end))
            .map(|(_, count)| count.as_u64().unwrap())
            .sum()
    }
}

pub fn now_us() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

/// The command with an empty credential.
pub fn bare(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bili"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars() {
        if name.starts_with("BILI_") || name.eq_ignore_ascii_case("https_proxy") {
            command.env_remove(name);
        }
    }
    // Whoever runs the tests may have a language and logins of their own.
    command.env("LC_ALL", "C");
    command.env(
        "BILI_HOME",
        std::env::temp_dir().join("bili-tests-no-logins"),
    );
    command
}

pub fn with_json<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--json"]].concat()
}

/// Outcome of a command.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Each line of stdout.
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        self.stdout.lines().map(parse).collect()
    }

    /// The only line of a command that succeeded.
    pub fn line(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines.remove(0)
    }

    /// The texts of the messages.
    pub fn texts(&self) -> Vec<String> {
        texts(&self.lines())
    }

    #[track_caller]
    pub fn shows_no_secret(&self) {
        for secret in SECRETS {
            assert!(!self.stdout.contains(secret), "{secret}: {self:?}");
            assert!(!self.stderr.contains(secret), "{secret}: {self:?}");
        }
    }
}

#[track_caller]
pub fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let ran = Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    ran.shows_no_secret();
    ran
}

pub fn texts(lines: &[Value]) -> Vec<String> {
    lines
        .iter()
        .filter(|line| line["event"] == "message")
        .map(|line| line["content"]["content"].as_str().unwrap().to_owned())
        .collect()
}

pub fn is_status(line: &Value, status: i64) -> bool {
    line["event"] == "status" && line["status"] == status
}

pub fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..=to).map(|n| n.to_string()).collect()
}

/// A command that runs, read line by line.
pub struct Watch {
    child: Child,
    lines: Receiver<String>,
    /// The lines that were read.
    pub seen: Vec<Value>,
}

impl Watch {
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The next line; `None` at the end.
    #[track_caller]
    pub fn next(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                // A process that was killed may have left half a line.
                let line: Value = serde_json::from_str(&line).ok()?;
                self.seen.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line after {:?}", self.seen.last()),
        }
    }

    /// Reads up to the first line that fits.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut fits: impl FnMut(&Value) -> bool) -> Value {
        while let Some(line) = self.next() {
            if fits(&line) {
                return line;
            }
        }
        panic!("it ended before {what}: {:?}", self.seen);
    }

    #[track_caller]
    pub fn until_connected(&mut self) {
        self.until("status 1", |line| is_status(line, 1));
    }

    /// Reads so many messages.
    #[track_caller]
    pub fn messages(&mut self, count: usize) -> Vec<Value> {
        let read = |_| self.until("a message", |line| line["event"] == "message");
        (0..count).map(read).collect()
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    #[cfg(unix)]
    pub fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    pub fn kill(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while self.next().is_some() {}
        std::mem::take(&mut self.seen)
    }

    /// Reads to the end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        let begun = Instant::now();
        while self.next().is_some() {}
        let code = self.child.wait().unwrap().code();
        let mut stderr = String::new();
        let pipe = self.child.stderr.as_mut().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        for secret in SECRETS {
            assert!(!stderr.contains(secret), "{stderr}");
            let shown = self
                .seen
                .iter()
                .any(|line| line.to_string().contains(secret));
            assert!(!shown, "{secret}: {:?}", self.seen);
        }
        Ended {
            code,
            lines: std::mem::take(&mut self.seen),
            stderr,
            took: begun.elapsed(),
        }
    }

    pub fn close_stdout(&mut self) {
        let (_, gone) = mpsc::channel();
        self.lines = gone;
    }
}

/// A test that fails leaves no process behind.
impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub lines: Vec<Value>,
    pub stderr: String,
    pub took: Duration,
}

impl Ended {
    /// Checks that it ended as it should: statuses 2 and 3, then nothing, exit code 0.
    #[track_caller]
    pub fn gracefully(&self) {
        assert_eq!(self.code, Some(0), "{self:?}");
        let [.., closing, closed] = &self.lines[..] else {
            panic!("{self:?}");
        };
        assert!(is_status(closing, 2) && is_status(closed, 3), "{self:?}");
    }

    pub fn texts(&self) -> Vec<String> {
        texts(&self.lines)
    }
}

pub fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

/// Writes a file that only its owner reads.
#[cfg(unix)]
pub fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    write(path, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
