//! Connections that die without a word, as those of a computer that has changed its network.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bilibili_session::{TransportConfig, TransportErrorKind};
use bilibili_session_tokio::{ReqwestTransport, Transport as _};
use http::Request;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::certificates::Authority;
use super::front::Front;
use super::polling::Polling;
use super::{PATIENCE, RUNTIMES, TIMEOUT};

/// One request waits in vain, however many connections were kept.
#[test]
fn connections_that_die_silently_cost_one_timeout() {
    for runtime in RUNTIMES {
        let front = Front::start(None);
        let mut polling = Polling::start(&format!("http://{}", front.address), runtime, None);
        polling.until("status 1", |line| line["status"] == 1);
        let begun = Instant::now();
        let connections = || front.shared.connections.load(Ordering::SeqCst);
        for round in 0.. {
            if connections() >= 3 {
                break;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{runtime}: nothing is sent side by side"
            );
            let text = format!("round {round}");
            for sender in 20001..=20008 {
                front.message_of(sender, &text);
            }
            for _ in 20001..=20008 {
                polling.until("message", |line| line["event"] == text);
            }
        }

        front.fall_silent();
        front.message("behind");
        polling.until("message", |line| line["event"] == "behind");
        assert_eq!(front.shared.hits.load(Ordering::SeqCst), 1, "{runtime}");
    }
}

/// One connection of HTTP/2 carries all requests, and is never idle while there are any.
#[test]
fn a_connection_of_http_2_that_dies_silently_is_replaced() {
    let authority = Authority::new();
    let mut config = ServerConfig::clone(&authority.server("127.0.0.1"));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let is_silent = Arc::new(AtomicBool::new(false));
    let first_is_silent = Arc::clone(&is_silent);
    thread::spawn(move || {
        let never = Arc::new(AtomicBool::new(false));
        let silent = std::iter::once(first_is_silent).chain(std::iter::repeat(never));
        for (socket, is_silent) in listener.incoming().flatten().zip(silent) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // How the connection ends is for the client to see.
            thread::spawn(move || answer_http_2(StreamOwned::new(connection, socket), &is_silent));
        }
    });

    let config = TransportConfig::new()
        .root_certificates(authority.pem)
        .timeout(TIMEOUT);
    let transport = ReqwestTransport::with_config(&config).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let get = || {
        let (transport, request) = (
            transport.clone(),
            Request::get(&url).body(Vec::new()).unwrap(),
        );
        runtime.spawn(async move { transport.send(request).await })
    };
    assert_eq!(runtime.block_on(get()).unwrap().unwrap().body(), b"{}");

    is_silent.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let mut waiting = Vec::new();
    // Each uses the connection anew before the one before it has given up.
    while !waiting.iter().any(tokio::task::JoinHandle::is_finished) {
        waiting.push(get());
        thread::sleep(Duration::from_millis(100));
    }
    let after = loop {
        assert!(begun.elapsed() < PATIENCE, "it is used for ever");
        match runtime.block_on(get()).unwrap() {
            Ok(answer) => break answer,
            Err(error) => assert_eq!(error.kind, TransportErrorKind::Timeout),
        }
    };
    assert_eq!(after.body(), b"{}");
}

/// Answers each request with `{}`, and with nothing while it is silent.
fn answer_http_2(mut stream: impl Read + Write, is_silent: &AtomicBool) -> io::Result<()> {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const ACK_OR_END_OF_STREAM: u8 = 1;
    const END_OF_HEADERS: u8 = 4;
    /// `:status: 200`, the eighth entry of the static table.
    const STATUS_200: &[u8] = &[0x88];

    fn frame(kind: u8, flags: u8, id: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &id, payload].concat()
    }

    stream.read_exact(&mut [0; 24])?;
    stream.write_all(&frame(SETTINGS, 0, [0; 4], &[]))?;
    stream.flush()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [high, middle, low, kind, flags, ref id @ ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload)?;
        if is_silent.load(Ordering::SeqCst) {
            continue;
        }
        let answer = match kind {
            SETTINGS | PING if flags & ACK_OR_END_OF_STREAM == 0 => {
                let payload = if kind == PING { payload } else { Vec::new() };
                frame(kind, ACK_OR_END_OF_STREAM, [0; 4], &payload)
            }
            HEADERS => {
                let head = frame(HEADERS, END_OF_HEADERS, *id, STATUS_200);
                [head, frame(DATA, ACK_OR_END_OF_STREAM, *id, b"{}")].concat()
            }
            _ => continue,
        };
        stream.write_all(&answer)?;
        stream.flush()?;
    }
}
