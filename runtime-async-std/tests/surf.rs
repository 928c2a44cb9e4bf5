//! Properties of the transport over surf alone.
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use async_std::future::timeout;
use async_std::task::block_on;
use bilibili_session::TransportErrorKind;
use bilibili_session_async_std::{SurfTransport, Transport, TransportConfig};
use http::Request;

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
