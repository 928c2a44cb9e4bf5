//! Properties of the transport over surf alone.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use async_std::future::timeout;
use async_std::task::block_on;
use bilibili_session::TransportErrorKind;
use bilibili_session_async_std::{SurfTransport, Transport, TransportConfig};
use http::Request;

/// Reads a request without a body; `false` at the end of the connection.
fn read_request(socket: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read(&mut byte) {
            Ok(1) => head.extend(byte),
            _ => return false,
        }
    }
    true
}

/// Makes an answer of so many bytes in all, its head included.
fn answer(length: usize) -> Vec<u8> {
    let head = |body: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {body:06}\r\n\r\n");
    let mut answer = head(length - head(0).len()).into_bytes();
    answer.resize(length, b'x');
    answer
}

fn get(address: SocketAddr) -> Request<Vec<u8>> {
    let request = Request::get(format!("http://{address}/"));
    request.body(Vec::new()).unwrap()
}

/// Whoever waits for an answer is woken for it, however it is cut into pieces: also where they end with the buffer that it
/// is read into, where somebody else polled before, and where the connection was used by another task.
#[test]
fn whoever_waits_is_woken() {
    const LENGTHS: [usize; 8] = [100, 8_191, 8_192, 8_193, 16_384, 24_576, 100_000, 262_144];
    const PIECES: [usize; 4] = [usize::MAX, 8_192, 16_384, 1_000];
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_nodelay(true).unwrap();
        for length in LENGTHS {
            for piece in PIECES {
                assert!(read_request(&mut socket), "a second connection");
                let answer = answer(length);
                for piece in answer.chunks(piece.min(answer.len())) {
                    // So that pieces do not meet on the way.
                    thread::sleep(Duration::from_millis(1));
                    socket.write_all(piece).unwrap();
                }
            }
        }
    });
    let transport = SurfTransport::new().unwrap();
    for length in LENGTHS {
        for piece in PIECES {
            let mut exchange = pin!(transport.send(get(address)));
            let mut nobody = Context::from_waker(Waker::noop());
            for _ in 0..piece % 3 {
                assert!(exchange.as_mut().poll(&mut nobody).is_pending());
            }
            let answer = block_on(timeout(Duration::from_secs(10), exchange));
            let body = answer.unwrap().unwrap().into_body();
            assert!(body.len() < length && body.len() + 60 > length);
        }
    }
    server.join().unwrap();
}

/// A server that ends each connection after its answer and does not say so costs another connection, and no answer.
#[test]
fn a_connection_that_ends_at_once_fails_no_request() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut answered = 0;
        while answered < 20 {
            let (mut socket, _) = listener.accept().unwrap();
            if read_request(&mut socket) {
                socket.write_all(&answer(100)).unwrap();
                answered += 1;
            }
        }
    });
    let transport = SurfTransport::new().unwrap();
    for _ in 0..20 {
        let answer = block_on(timeout(
            Duration::from_secs(10),
            transport.send(get(address)),
        ));
        assert!(answer.unwrap().is_ok());
    }
    server.join().unwrap();
}

#[test]
fn an_exchange_that_is_dropped_ends_with_its_time() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        // The end of the connection, or a reset; no timeout.
        let mut request = Vec::new();
        let end = socket.read_to_end(&mut request);
        (request, end.is_ok_and(|length| length > 0))
    });
    let config = TransportConfig::new().timeout(Duration::from_secs(1));
    let transport = SurfTransport::with_config(&config).unwrap();
    let request = Request::get(format!("http://{address}/")).body(Vec::new());
    let exchange = transport.send(request.unwrap());
    assert!(block_on(timeout(Duration::from_millis(300), exchange)).is_err());
    let (request, is_over) = server.join().unwrap();
    assert!(request.starts_with(b"GET / HTTP/1.1\r\n"));
    assert!(is_over);
}

#[test]
fn what_surf_cannot_hold_is_an_error() {
    let transport = SurfTransport::new().unwrap();
    for request in [
        Request::get("gopher://127.0.0.1:1/"),
        Request::get("/no/host"),
        Request::builder()
            .method("MADE-UP")
            .uri("http://127.0.0.1:1/"),
    ] {
        let answer = block_on(transport.send(request.body(Vec::new()).unwrap()));
        assert_eq!(answer.unwrap_err().kind, TransportErrorKind::Other);
    }
}
