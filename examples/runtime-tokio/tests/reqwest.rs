//! Properties of the transport over reqwest alone.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bilibili_session::TransportErrorKind;
use bilibili_session_tokio::{ReqwestTransport, Transport};
use http::Request;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Far more than any machine is late, far less than the time of an exchange.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_exchange_that_is_dropped_ends_at_once() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = [0; 16];
        socket.read_exact(&mut head).await.unwrap();
        (socket, head)
    };
    let transport = ReqwestTransport::new().unwrap();
    let request = Request::get(format!("http://{address}/")).body(Vec::new());
    let (mut socket, head) = tokio::select! {
        answer = transport.send(request.unwrap()) => unreachable!("{answer:?}"),
        asked = server => asked,
    };
    assert_eq!(&head, b"GET / HTTP/1.1\r\n");
    // The exchange is gone by now: its connection ends, or is reset.
    let rest = timeout(SOON, socket.read_to_end(&mut Vec::new())).await;
    assert!(rest.is_ok(), "it is still open");
}

#[tokio::test]
async fn what_reqwest_cannot_send_is_an_error() {
    let transport = ReqwestTransport::new().unwrap();
    let request = Request::get("/no/host").body(Vec::new()).unwrap();
    let error = transport.send(request).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Other);
}
