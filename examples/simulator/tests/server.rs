//! The HTTP front, over real sockets, by a client that only knows `std::net`.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{DateHeader, Fault, FaultKind, Simulator};
use http::StatusCode;

const NAV: &str = "/x/web-interface/nav";

fn start() -> Server {
    Server::start(Simulator::default(), 0).unwrap()
}

fn ask(server: &Server, method: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    stream
}

/// Head and body, as far as they came, and how it ended.
fn answer(mut stream: TcpStream) -> (String, String, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let ended = stream
        .read_to_end(&mut bytes)
        .err()
        .map(|error| error.kind());
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    (head.to_owned(), body.to_owned(), ended)
}

fn promised(head: &str) -> usize {
    head.lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap()
}

#[test]
fn it_answers_on_loopback_with_its_own_date() {
    let server =
        Server::start_with_clock(Simulator::default(), 0, || 1_700_000_000_000_000).unwrap();
    assert!(server.address().ip().is_loopback());
    assert_eq!(server.origin(), format!("http://{}", server.address()));
    let (head, body, _) = answer(ask(&server, "GET", NAV, ""));
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let date = "Tue, 14 Nov 2023 22:13:20 GMT";
    assert_eq!(head.matches(date).count(), 1, "{head}");
    assert_eq!(promised(&head), body.len());
}

#[test]
fn the_model_alone_says_whether_there_is_a_date() {
    let server = start();
    server.simulator().quirks_mut().date = DateHeader::Absent;
    let (head, _, _) = answer(ask(&server, "GET", NAV, ""));
    assert!(!head.to_ascii_lowercase().contains("\ndate:"), "{head}");
}

#[test]
fn a_taken_port_is_an_error() {
    let server = start();
    assert_eq!(
        Server::start(Simulator::default(), server.address().port())
            .unwrap_err()
            .kind(),
        ErrorKind::AddrInUse
    );
}

#[test]
fn one_connection_carries_many_requests() {
    let server = start();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    for _ in 0..3 {
        write!(stream, "GET {NAV} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let mut body = vec![0; promised(&String::from_utf8(head).unwrap())];
        stream.read_exact(&mut body).unwrap();
        assert!(body.starts_with(b"{\"code\":-101"));
    }
    assert_eq!(server.simulator().requests(NAV), 3);
}

#[test]
fn control_requests_reach_the_simulator() {
    let server = start();
    let (head, body, _) = answer(ask(
        &server,
        "POST",
        "/_simulator/message",
        r#"{"from":20001,"content":{"content":"你好"}}"#,
    ));
    assert!(
        head.starts_with("HTTP/1.1 200") && body.contains("msg_key"),
        "{head} {body}"
    );
    assert_eq!(
        server.simulator().state()["conversations"][0]["messages"],
        1
    );
    assert!(
        answer(ask(&server, "POST", "/_simulator/message", "{"))
            .0
            .starts_with("HTTP/1.1 400")
    );
}

#[test]
fn a_reset_is_a_reset() {
    let server = start();
    server
        .simulator()
        .push_fault(Fault::once("nav", FaultKind::Reset));
    assert_eq!(
        answer(ask(&server, "GET", NAV, "")),
        (
            String::new(),
            String::new(),
            Some(ErrorKind::ConnectionReset)
        )
    );
    assert!(
        answer(ask(&server, "GET", NAV, ""))
            .0
            .starts_with("HTTP/1.1 200")
    );
}

#[test]
fn a_truncated_answer_promises_more_than_it_brings() {
    let server = start();
    for _ in 0..20 {
        server
            .simulator()
            .push_fault(Fault::once("nav", FaultKind::Truncated));
        let (head, body, _) = answer(ask(&server, "GET", NAV, ""));
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(body.len(), promised(&head) / 2);
    }
}

#[test]
fn statuses_and_codes_come_as_they_are() {
    let server = start();
    server.simulator().push_fault(Fault::once(
        "nav",
        FaultKind::Http(StatusCode::PRECONDITION_FAILED),
    ));
    let (head, body, _) = answer(ask(&server, "GET", NAV, ""));
    assert!(head.starts_with("HTTP/1.1 412") && body.starts_with("<!DOCTYPE html>"));
    server
        .simulator()
        .push_fault(Fault::once("nav", FaultKind::Code(-352)));
    assert!(
        answer(ask(&server, "GET", NAV, ""))
            .1
            .contains("\"code\":-352")
    );
}

#[test]
fn a_hanging_answer_holds_up_nobody_and_ends_with_the_server() {
    let server = start();
    server
        .simulator()
        .push_fault(Fault::once("nav", FaultKind::Hang));
    let mut hanging = ask(&server, "GET", NAV, "");
    // The request has arrived when the fault is used up.
    while server.simulator().requests(NAV) == 0 {
        thread::yield_now();
    }
    assert!(
        answer(ask(&server, "GET", NAV, ""))
            .0
            .starts_with("HTTP/1.1 200")
    );
    hanging
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let waiting = hanging.read(&mut [0; 1]).unwrap_err().kind();
    assert!(
        matches!(waiting, ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "still open: {waiting}"
    );
    hanging.set_read_timeout(None).unwrap();
    drop(server);
    assert_eq!(answer(hanging).0, "", "closed without an answer");
}

#[test]
fn a_late_answer_does_come() {
    let server = start();
    let delay = Duration::from_millis(60);
    server
        .simulator()
        .push_fault(Fault::once("nav", FaultKind::Delay(delay)));
    let asked = std::time::Instant::now();
    assert!(
        answer(ask(&server, "GET", NAV, ""))
            .0
            .starts_with("HTTP/1.1 200")
    );
    assert!(asked.elapsed() >= delay);
}

#[test]
fn clients_side_by_side_and_clients_that_go_away() {
    let server = start();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..25 {
                    if n % 5 == 0 {
                        // Half a request, then gone; and a whole one whose answer nobody reads.
                        write!(
                            TcpStream::connect(server.address()).unwrap(),
                            "POST {NAV} HTTP/1.1\r\nContent-Le"
                        )
                        .unwrap();
                        drop(ask(&server, "GET", "/x/nobody/reads/this", ""));
                    }
                    assert!(
                        answer(ask(&server, "GET", NAV, ""))
                            .0
                            .starts_with("HTTP/1.1 200")
                    );
                }
            });
        }
    });
    assert_eq!(server.simulator().requests(NAV), 200);
}

#[test]
fn what_is_no_http_is_survived() {
    let server = start();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .write_all(b"\x16\x03\x01 this is no http\r\n\r\n")
        .unwrap();
    let _ = answer(stream);
    assert!(
        answer(ask(&server, "GET", NAV, ""))
            .0
            .starts_with("HTTP/1.1 200")
    );
}
