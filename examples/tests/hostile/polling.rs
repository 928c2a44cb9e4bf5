//! The session that polls, in a process of its own.

use std::future::ready;
use std::io::{self, BufRead as _, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use bilibili_session::poller::PollerConfig;
use bilibili_session::session::Update;
use bilibili_session::{ClientConfig, Credential, Hosts, TransportConfig};
use bilibili_session_simulator::Simulator;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{PATIENCE, TIMEOUT};

const ORIGIN: &str = "HOSTILE_TEST_ORIGIN";
const RUNTIME: &str = "HOSTILE_TEST_RUNTIME";
const ROOTS: &str = "HOSTILE_TEST_ROOTS";

/// The part that another process of this test runs; by itself it does nothing.
#[test]
fn the_one_that_polls() {
    let Ok(origin) = std::env::var(ORIGIN) else {
        return;
    };
    let login = Simulator::default().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build()
        .unwrap();
    let context = ClientConfig::new(credential).hosts(Hosts::origin(&origin).unwrap());
    let config = PollerConfig::new()
        .interval(Duration::from_millis(200))
        .request_timeout(TIMEOUT * 3);
    let roots = std::env::var(ROOTS).ok();
    let mut transport = TransportConfig::new().timeout(TIMEOUT);
    if let Some(roots) = roots {
        transport = transport.root_certificates(roots);
    }
    let report = |update| match update {
        Update::Event(event) => say(json!({"event": event.text()})),
        Update::Feed(event) => say(json!({"feed": event.to_string()})),
        Update::Warning(warning) => {
            say(json!({"warning": warning.kind(), "message": warning.to_string()}));
        }
        Update::Status(change) => say(json!({"status": change.status.code()})),
    };
    match &*std::env::var(RUNTIME).unwrap() {
        "blocking" => {
            use bilibili_session_blocking::{Session, UreqTransport};
            let transport = UreqTransport::with_config(&transport).unwrap();
            let session = Session::new(context, transport, config).unwrap();
            session.updates().for_each(report);
        }
        "async-std" => {
            use bilibili_session_async_std::{Session, SurfTransport};
            let transport = SurfTransport::with_config(&transport).unwrap();
            let session = Session::new(context, transport, config).unwrap();
            let all = session.updates().map(report).for_each(ready);
            async_std::task::block_on(all);
        }
        _ => {
            use bilibili_session_tokio::{ReqwestTransport, Session};
            let transport = ReqwestTransport::with_config(&transport).unwrap();
            let session = Session::new(context, transport, config).unwrap();
            let all = session.updates().map(report).for_each(ready);
            tokio::runtime::Runtime::new().unwrap().block_on(all);
        }
    }
}

/// On a line of its own, whatever the harness of tests prints around it.
fn say(line: Value) {
    println!("\n>{line}");
    io::stdout().flush().unwrap();
}

/// Another process of this test, that polls.
pub(crate) struct Polling {
    child: Child,
    lines: Receiver<Value>,
    pub(crate) seen: Vec<Value>,
}

impl Polling {
    pub(crate) fn start(origin: &str, runtime: &str, roots: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "polling::the_one_that_polls", "--nocapture"])
            .env(ORIGIN, origin)
            .env(RUNTIME, runtime)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(roots) = roots {
            command.env(ROOTS, roots);
        }
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let Some(line) = line.strip_prefix('>') else {
                    continue;
                };
                if send.send(serde_json::from_str(line).unwrap()).is_err() {
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

    pub(crate) fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no {what}: {error}; {:?}", self.seen));
            self.seen.push(line.clone());
            if fits(&line) {
                return line;
            }
        }
    }

    /// The most memory that it ever had.
    pub(crate) fn peak_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let line = line.unwrap().trim().trim_end_matches(" kB");
        line.parse().unwrap()
    }
}

/// A test that fails leaves no process behind.
impl Drop for Polling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
