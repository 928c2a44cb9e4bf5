//! Servers and networks that mean harm, over real sockets, against a session that polls.
//!
//! The server answers as the simulator says until a case is armed; then the next answers are
//! hostile, while a message waits behind. The session must say so, in bounded time and memory,
//! go on, and bring the message. Each case polls from a process of its own, so that what the
//! system says of that process is what the case costs.
//!
//! `cargo test -p bilibili-session-examples --test hostile -- --nocapture` prints a table.
#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod cases;
mod certificates;
mod front;
mod polling;
mod silence;

use std::io;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use cases::{Case, case, cases, text};
use front::Front;
use polling::Polling;

const RUNTIMES: [&str; 3] = ["blocking", "async-std", "tokio"];
/// Limit of one exchange.
const TIMEOUT: Duration = Duration::from_secs(2);
/// No condition that is waited for takes this long; a safety net only.
const PATIENCE: Duration = Duration::from_secs(90);
/// A body of 16 MiB, which is the limit, while it grows; or what is read out of a smaller one.
const MOST_MEMORY_KIB: u64 = 128 << 10;

struct Row {
    name: &'static str,
    runtime: &'static str,
    said: String,
    took: Duration,
    peak_kib: u64,
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.took.as_secs_f64();
        let mib = self.peak_kib as f64 / 1024.0;
        let Self { name, runtime, .. } = self;
        let said = self.said.replace('|', "\\|");
        let said: String = match said.char_indices().nth(110) {
            Some((end, _)) => format!("{}…", &said[..end]),
            None => said,
        };
        write!(
            f,
            "| {name} | {runtime} | {said} | {seconds:.1} | {mib:.1} |"
        )
    }
}

const TABLE: &str =
    "| what the server does | runtime | what the session said | s | MiB |\n|---|---|---|---|---|";

fn run(case: &Case, runtime: &'static str) -> Row {
    let front = Front::start(None);
    let origin = format!("http://{}", front.address);
    if case.at_start {
        front.arm(case.path, case.script.clone());
    }
    let mut polling = Polling::start(&origin, runtime, None);
    let mut begun = Instant::now();
    let mut idle = polling.peak_kib();
    if !case.at_start {
        polling.until("status 1", |line| line["status"] == 1);
        idle = polling.peak_kib();
        front.arm(case.path, case.script.clone());
        begun = Instant::now();
    }
    let arrived = |line: &Value| line["event"] == "behind";
    if !case.at_start {
        front.message("behind");
    }
    let row = |said: &Value, polling: &Polling, took| Row {
        name: case.name,
        runtime,
        said: said.as_str().unwrap_or("(nothing)").to_owned(),
        took,
        peak_kib: polling.peak_kib().saturating_sub(idle),
    };
    let first = polling.until("warning", |line| {
        line["warning"].is_string() || arrived(line)
    });
    let took = begun.elapsed();
    let mut row = row(&first["message"], &polling, took);
    if case.at_start {
        polling.until("status 1", |line| line["status"] == 1);
        front.message("behind");
    }
    if !arrived(&first) {
        polling.until("message", arrived);
    } else {
        assert!(case.may_pass, "{}: nothing was said", case.name);
    }
    // It polls on.
    front.message("and on");
    polling.until("message", |line| line["event"] == "and on");
    row.peak_kib = polling.peak_kib().saturating_sub(idle);

    let name = case.name;
    assert!(
        front.shared.hits.load(Ordering::SeqCst) > 0,
        "{name}: not hit"
    );
    assert_eq!(front.shared.cookies.lock().unwrap().len(), 1, "{name}");
    let times = polling.seen.iter().filter(|line| arrived(line)).count();
    assert_eq!(times, 1, "{name}: {:?}", polling.seen);
    println!("{row}");
    assert!(row.peak_kib < MOST_MEMORY_KIB, "{row}");
    assert!(!row.said.contains("certificate"), "without TLS: {row}");
    row
}

#[test]
fn hostile_answers() {
    let cases = cases();
    let work: Vec<(&Case, &'static str)> = cases
        .iter()
        .flat_map(|case| RUNTIMES.map(|runtime| (case, runtime)))
        .collect();
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    println!("{TABLE}");
    // They wait most of the time, so more of them than there are processors.
    let failed: Vec<bool> = thread::scope(|scope| {
        let worker = || {
            let mut failed = false;
            while let Some((case, runtime)) = work.get(next.fetch_add(1, Ordering::SeqCst)) {
                let ran = std::panic::catch_unwind(|| run(case, runtime));
                match ran {
                    Ok(row) => rows.lock().unwrap().push(row),
                    Err(_) => {
                        println!("{} on {runtime} failed", case.name);
                        failed = true;
                    }
                }
            }
            failed
        };
        let workers: Vec<_> = (0..6).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let rows = rows.into_inner().unwrap();
    let peak = rows.iter().map(|row| row.peak_kib).max().unwrap();
    let longest = rows.iter().map(|row| row.took).max().unwrap();
    println!(
        "{} cases; at the most {longest:.1?} and {} MiB",
        rows.len(),
        peak >> 10
    );
    assert!(!failed.contains(&true));
}

/// The answer names another place: nothing goes there, no cookie and no request.
#[test]
fn redirects_elsewhere() {
    let elsewhere = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    elsewhere.set_nonblocking(true).unwrap();
    for (runtime, status) in [("blocking", 302), ("async-std", 307), ("tokio", 303)] {
        for host in ["127.0.0.1", "localhost", "user:word@127.0.0.1"] {
            let to = format!(
                "location: http://{host}:{port}/x\r\nrefresh: 0; url=http://{host}:{port}/\r\nalt-svc: h2=\"{host}:{port}\"\r\n"
            );
            let answer = format!("HTTP/1.1 {status} Elsewhere\r\n{to}content-length: 0\r\n\r\n");
            run(&case("a redirect to another host", text(&answer)), runtime);
        }
    }
    let nobody = elsewhere.accept().map_err(|error| error.kind());
    assert_eq!(nobody.map(drop), Err(io::ErrorKind::WouldBlock));
}
