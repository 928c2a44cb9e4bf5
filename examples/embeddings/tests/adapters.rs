//! The adapters do what a transport must do, as far as they go.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::endpoints::SendMsg;
use bilibili_session::poller::{Poller, PollerConfig, Status};
use bilibili_session::push::PushMachine;
use bilibili_session::{Error, TransportConfig};
use bilibili_session_embeddings::{context, now_us, often};
use bilibili_session_simulator::conformance::{Suite, repeat_in_other_environments};
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{Fault, FaultKind, NewMessage, Simulator};
use isahc::HttpClient;
use isahc::config::Configurable;
use isahc::tls::{TlsConfig, TrustStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use transport::Http;

#[allow(dead_code, unreachable_pub, reason = "a part of a program")]
#[path = "../src/bin/tokio_reqwest/adapter.rs"]
mod adapter;

#[allow(dead_code, unreachable_pub, reason = "a part of a program")]
#[path = "../src/bin/tokio_reqwest/transport.rs"]
mod transport;

#[allow(dead_code, unreachable_pub, reason = "a part of a program")]
#[path = "../src/bin/tokio_reqwest/push.rs"]
mod push;

#[allow(dead_code, unreachable_pub, reason = "a part of a program")]
#[path = "../src/bin/smol/transport.rs"]
mod by_isahc;

#[allow(dead_code, unreachable_pub, reason = "a part of a program")]
#[path = "../src/bin/plain_loop/http.rs"]
mod by_hand;

/// Cases of https.
const NEEDS_TLS: [&str; 7] = [
    "trusted_authority",
    "unknown_authority",
    "wrong_name",
    "expired_certificate",
    "timeout_within_the_handshake",
    "through_a_proxy",
    "proxy_that_refuses",
];

#[test]
fn reqwest_conforms() {
    let report = Suite::new(|settings| {
        let http = reqwest(settings);
        // With a thread of its own, that sees a server close a connection that is idle.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        move |request| runtime.block_on(http.send(request))
    })
    .run();
    assert!(report.is_ok(), "{report}");
}

fn reqwest(settings: &TransportConfig) -> Http {
    let mut builder = reqwest::Client::builder().timeout(settings.timeout);
    if let Some(pem) = &settings.root_certificates {
        let certificate = reqwest::Certificate::from_pem(pem).unwrap();
        builder = builder.tls_certs_only([certificate]);
    }
    builder = match &settings.proxy {
        Some(url) => builder.proxy(reqwest::Proxy::all(url).unwrap()),
        None => builder.no_proxy(),
    };
    let body_limit = usize::try_from(settings.body_limit).unwrap();
    Http::with(builder, body_limit).unwrap()
}

/// The program sets no proxy.
#[test]
fn isahc_conforms() {
    let report = Suite::new(|config| {
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &config.root_certificates {
            let certificate = CertificateDer::from_pem_slice(pem).unwrap();
            let trusted = TrustStore::builder().certificate_from_der(certificate);
            tls = tls.trust_store(trusted.build());
        }
        let (timeout, tls) = (config.timeout, tls.build());
        let builder = || {
            HttpClient::builder()
                .timeout(timeout)
                .tls_config(tls.clone())
        };
        let http = by_isahc::Http::with(builder, config.body_limit).unwrap();
        move |request| smol::block_on(http.send(request))
    })
    .skip("through_a_proxy")
    .skip("proxy_that_refuses")
    .run();
    assert!(report.is_ok(), "{report}");
}

#[test]
fn http_by_hand_conforms_but_for_tls() {
    let suite = Suite::new(|settings| {
        let (timeout, body_limit) = (settings.timeout, settings.body_limit);
        move |request| by_hand::exchange(&request, timeout, body_limit)
    });
    let report = NEEDS_TLS.into_iter().fold(suite, Suite::skip).run();
    assert!(report.is_ok(), "{report}");
}

#[test]
fn the_environment_decides_nothing() {
    for test in ["reqwest_conforms", "isahc_conforms"] {
        assert_eq!(repeat_in_other_environments(test), Ok(()));
    }
}

/// `next` is given up again and again, and loses nothing; both it and calls can be spawned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_cancel_safe() {
    let server = Server::start(Simulator::default(), 0).unwrap();
    let context = context(&server, server.simulator().login()).unwrap();
    let http = Http::new().unwrap();
    let poller = Poller::new(context, often()).unwrap();
    let mut session = adapter::Session::new(poller, http);
    let client = session.client();
    let simulator = server.shared();
    let receive = move |range: std::ops::Range<u32>| {
        let mut simulator = simulator.lock().unwrap();
        for number in range {
            let message = NewMessage::text(20001 + i64::from(number % 7), &number.to_string());
            simulator.receive(now_us(), message).unwrap();
        }
    };
    let listen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.len() < 200 {
            let update = tokio::select! {
                biased;
                update = session.next() => update.unwrap().unwrap(),
                () = tokio::task::yield_now() => continue,
            };
            match update {
                adapter::Update::Event(event) => seen.push(event.text().unwrap().to_owned()),
                adapter::Update::Status(change) if change.status == Status::Connected => {
                    receive(0..100);
                }
                _ => {}
            }
            if seen.len() == 50 {
                receive(100..200);
            }
        }
        session.close();
        while let Some(update) = session.next().await.unwrap() {
            assert!(!matches!(update, adapter::Update::Event(_)), "{update:?}");
        }
        seen
    });
    let call = client.call(SendMsg::text(bilibili_session::Uid(20001), "hello"));
    let seen = listen.await.unwrap();
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
    fn spawned<F: Future<Output: Send> + Send>(future: F) -> F {
        future
    }
    spawned(call).await.unwrap();
    assert_eq!(server.simulator().sent().count(), 1);
}

/// The interval is so long that no round comes in turn: what comes out was looked for.
#[tokio::test]
async fn a_push_leads_to_a_look_at_once() {
    let server = Server::start(Simulator::default(), 0).unwrap();
    let context = context(&server, server.simulator().login()).unwrap();
    let config = PollerConfig::new().interval(Duration::from_secs(1_000));
    let poller = Poller::new(context.clone(), config).unwrap();
    let mut session = adapter::Session::new(poller, Http::new().unwrap());
    while session.status() != Status::Connected {
        session.next().await.unwrap().unwrap();
    }
    let machine = PushMachine::new(context, 1);
    let listening = push::listen(machine, session.client(), push::tls().unwrap());
    let listening = tokio::spawn(listening);
    for text in ["one", "two"] {
        while server.simulator().push_listeners() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let message = NewMessage::text(20001, text);
        server.simulator().receive(now_us(), message).unwrap();
        let event = loop {
            if let adapter::Update::Event(event) = session.next().await.unwrap().unwrap() {
                break event;
            }
        };
        assert_eq!(event.text(), Some(text));
        // The next one comes by another connection.
        server.simulator().drop_pushes();
    }
    listening.abort();
}

/// A call shares the login and the pauses of its session, which wakes to tell of them.
#[tokio::test]
async fn a_session_sees_at_once_what_its_calls_meet() {
    let server = Server::start(Simulator::default(), 0).unwrap();
    let context = context(&server, server.simulator().login()).unwrap();
    let config = PollerConfig::new().interval(Duration::from_secs(600));
    let poller = Poller::new(context, config).unwrap();
    let mut session = adapter::Session::new(poller, Http::new().unwrap());
    while session.status() != Status::Connected {
        session.next().await.unwrap().unwrap();
    }
    let refuse = Fault::once("send_msg", FaultKind::Code(-352));
    server.simulator().push_fault(refuse);
    let client = session.client();
    let calls = tokio::spawn(async move {
        let send = async || {
            let message = SendMsg::text(bilibili_session::Uid(20001), "hello");
            client.call(message).await.unwrap_err()
        };
        [send().await, send().await]
    });
    let warning = loop {
        let update = session.next().await.unwrap().unwrap();
        if let Some(warning) = update.warning() {
            break warning.kind();
        }
    };
    assert_eq!(warning, "risk_control");
    let [refused, paused] = calls.await.unwrap();
    assert_eq!(refused.code(), Some(-352));
    assert!(matches!(paused, Error::Paused(_)), "{paused}");
    let state = server.simulator().state();
    let mut requests = state["requests"].as_object().unwrap().iter();
    let nav = requests.find(|(path, _)| path.contains("nav")).unwrap();
    assert_eq!(nav.1, 1, "one login");
}
