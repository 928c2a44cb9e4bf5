//! The other side: a simulator that messages arrive at, and that keeps failing.
//!
//! Lines on stdin order it to `begin` and to `end`; it answers each on stdout with a JSON line.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Fault, FaultKind, NewMessage, Rng, Simulator};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// Address and login of the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) origin: String,
    pub(crate) sessdata: String,
    pub(crate) bili_jct: String,
}

/// Numbers of messages that arrived.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// By conversation, how many; the texts count from 1.
    pub(crate) messages: BTreeMap<String, u64>,
    pub(crate) faults: u64,
}

/// Messages that the service was sent, at the very end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) replies: usize,
}

const TICK: Duration = Duration::from_millis(100);
/// A fault in so many ticks, on average.
const TICKS_PER_FAULT: u64 = 30;
const USERS: [i64; 6] = [20001, 20002, 20003, 20004, 20005, 20006];
const GROUPS: [i64; 3] = [300_001, 300_002, 300_003];

pub(crate) fn serve(rate: f64, seed: u64) -> Result<(), Failure> {
    let server = Server::start(Simulator::default(), 0)?;
    let login = server.simulator().login();
    say(&Place {
        origin: server.origin(),
        sessdata: login.sessdata,
        bili_jct: login.bili_jct,
    })?;
    let orders = orders();
    // Whoever asked is gone: so is this.
    let Ok(_begin) = orders.recv() else {
        return Ok(());
    };
    let mut traffic = Traffic {
        random: Rng::new(seed),
        totals: Totals::default(),
        waiting: 0.0,
        last_fault: None,
    };
    loop {
        match orders.recv_timeout(TICK) {
            Err(RecvTimeoutError::Timeout) => traffic.tick(&server, rate)?,
            Ok(_end) => break,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
    server.simulator().clear_faults();
    say(&traffic.totals)?;
    // An order, or the end of them.
    let _ = orders.recv();
    let replies = server.simulator().sent().count();
    say(&Sent { replies })
}

fn say(line: &impl Serialize) -> Result<(), Failure> {
    let mut out = stdout();
    writeln!(out, "{}", serde_json::to_string(line)?)?;
    Ok(out.flush()?)
}

/// Reads each line of stdin; ends when that does.
fn orders() -> Receiver<String> {
    let (send, orders) = mpsc::channel();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    orders
}

struct Traffic {
    random: Rng,
    totals: Totals,
    /// Messages that are due.
    waiting: f64,
    last_fault: Option<usize>,
}

impl Traffic {
    fn tick(&mut self, server: &Server, rate: f64) -> Result<(), Failure> {
        self.waiting += rate * TICK.as_secs_f64();
        // Mostly one after the other; sometimes what gathered in half a minute, at once.
        let patience = match self.random.below(20) {
            0 => rate * 30.0,
            1..5 => rate * 3.0,
            _ => 1.0,
        };
        if self.waiting >= patience || self.waiting > rate * 10.0 {
            while self.waiting >= 1.0 {
                self.waiting -= 1.0;
                self.message(server)?;
            }
        }
        if self.random.below(TICKS_PER_FAULT) == 0 {
            self.fault(server);
        }
        Ok(())
    }

    fn message(&mut self, server: &Server) -> Result<(), Failure> {
        let user = self.random.pick(&USERS, 0);
        let (name, group) = match self.random.below(3) {
            0 => {
                let group = self.random.pick(&GROUPS, 0);
                (format!("group {group}"), Some(group))
            }
            _ => (format!("user {user}"), None),
        };
        let count = self.totals.messages.entry(name).or_default();
        *count += 1;
        let message = NewMessage {
            group,
            ..NewMessage::text(user, &count.to_string())
        };
        server.simulator().receive(now_us()?, message)?;
        Ok(())
    }

    fn fault(&mut self, server: &Server) {
        let (lists, pages, sending) = ("new_sessions", "fetch_session_msgs", "send_msg");
        let status = http::StatusCode::INTERNAL_SERVER_ERROR;
        let kinds = [
            (lists, FaultKind::Http(status)),
            (lists, FaultKind::Reset),
            (lists, FaultKind::Hang),
            (lists, FaultKind::Truncated),
            (lists, FaultKind::Garbage),
            (lists, FaultKind::DataNull),
            (lists, FaultKind::Body(vec![b'['; 200_000])),
            (pages, FaultKind::Http(http::StatusCode::BAD_GATEWAY)),
            (pages, FaultKind::Reset),
            (pages, FaultKind::Hang),
            (pages, FaultKind::Truncated),
            (pages, FaultKind::Garbage),
            (pages, FaultKind::EmptyPage),
            (pages, FaultKind::Delay(Duration::from_millis(700))),
            (pages, FaultKind::Code(-403)),
            (pages, FaultKind::Code(-500)),
            (sending, FaultKind::Http(status)),
            ("nav", FaultKind::Reset),
        ];
        let which = usize::try_from(self.random.below(kinds.len() as u64 + 1)).unwrap_or_default();
        // Three empty pages in a row mean something: that the service does not deliver.
        if self.last_fault.replace(which) == Some(which) {
            return;
        }
        self.totals.faults += 1;
        let mut simulator = server.simulator();
        // One waits at a time: were they to gather while nothing is asked, no pause would help.
        simulator.clear_faults();
        match kinds.into_iter().nth(which) {
            Some((path, kind)) => simulator.push_fault(Fault::once(path, kind)),
            None => simulator.rotate_keys(),
        }
    }
}

fn now_us() -> Result<i64, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_micros())?)
}
