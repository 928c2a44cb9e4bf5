//! The counts of a watch (`--stats`, `--metrics`), scripts for shells, and man pages.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use bilibili_session_simulator::FaultKind;
use rustix::process::{Pid, Signal, kill_process};
use support::*;

/// Returns the status line and the body of an answer.
fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn interrupt(child: &Child) {
    let pid = Pid::from_child(child);
    kill_process(pid, Signal::INT).unwrap();
}

#[test]
fn what_was_counted_is_served_and_printed() {
    for runtime in RUNTIMES {
        let world = World::new();
        let args = ["watch", "--json", "--interval", "0.2", "--stats"];
        let args = [&args[..], &["--metrics", "0", "--runtime", runtime]].concat();
        let mut command = world.bili(&args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut until = |event: &str| {
            let is_event = |line: &String| line.contains(&format!(r#""event":"{event}""#));
            stdout.find_map(|line| line.ok().filter(is_event)).unwrap()
        };
        let after_scheme = |line: String| {
            let (_, url) = line.split_once("metrics: http://")?;
            Some(url.to_owned())
        };
        let url = stderr.find_map(|line| after_scheme(line.unwrap()));
        let url = url.expect("an address on stderr");
        let address = url.strip_suffix("/metrics").unwrap();
        until("status");
        world.fault(
            "new_sessions",
            FaultKind::Http(http::StatusCode::BAD_GATEWAY),
            1,
        );
        until("notice");
        world.texts(20001, 3);
        for _ in 0..3 {
            until("message");
        }

        let (head, body) = get(address, "/metrics");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(
            head.contains("content-type: text/plain; version=0.0.4"),
            "{head}"
        );
        let value = |name: &str| {
            let line = body.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {body}"))
                .trim()
                .parse::<f64>()
                .unwrap()
        };
        assert_eq!(
            value(r#"bilibili_session_events_total{kind="message"}"#),
            3.0
        );
        assert_eq!(
            value(r#"bilibili_session_requests_total{outcome="fault"}"#),
            1.0
        );
        assert!(value(r#"bilibili_session_requests_total{outcome="ok"}"#) >= 3.0);
        assert!(value("bilibili_session_rounds_total") >= 2.0);
        assert_eq!(value("bilibili_session_event_delay_seconds_count"), 3.0);
        assert_eq!(
            value(r#"bilibili_session_event_delay_seconds_bucket{le="+Inf"}"#),
            3.0
        );
        assert_eq!(value("bilibili_session_status"), 1.0);
        let (head, _) = get(address, "/");
        assert!(head.starts_with("HTTP/1.1 404"), "{head}");

        interrupt(&child);
        let printed: Vec<String> = stderr.map(Result::unwrap).collect();
        assert!(child.wait().unwrap().success());
        let printed = printed.join("\n");
        assert!(printed.contains("messages    3"), "{printed}");
        assert!(printed.contains("(1 fault)"), "{printed}");
        assert!(printed.contains("delay       half within"), "{printed}");
        for secret in [SESSDATA, BILI_JCT] {
            assert!(!printed.contains(secret) && !body.contains(secret));
        }
    }
}

#[test]
fn a_port_that_is_taken_is_2() {
    let world = World::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = run(world.bili(&["watch", "--metrics", &port]));
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("cannot be served"), "{}", ran.stderr);
}

#[test]
fn shells_and_man_know_each_command() {
    let script = run(bare(&["completions", "bash"]));
    assert_eq!(script.code, Some(0));
    assert!(script.stdout.contains("mark-read") && script.stdout.contains("--checkpoint"));
    let folder = tempfile::TempDir::new().unwrap();
    let ran = run(bare(&["man", folder.path().to_str().unwrap()]));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let page = std::fs::read_to_string(folder.path().join("bili-watch.1")).unwrap();
    assert!(
        page.contains("checkpoint") && page.contains("Examples"),
        "{page}"
    );
    let ran = run(bare(&["man", "/nonexistent/folder"]));
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}
