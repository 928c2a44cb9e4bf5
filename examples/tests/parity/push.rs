//! The push channel of a session: through a proxy, over TLS, and its end.

use std::io::{Read as _, Write as _, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bilibili_session::poller::{PollerConfig, Warning};
use bilibili_session::session::Update;
use bilibili_session::{ClientConfig, Credential, Hosts, TransportConfig};
use bilibili_session_blocking::now;
use bilibili_session_simulator::server::Server;
use bilibili_session_simulator::{NewMessage, Simulator};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::runtime::{Session, on_every_runtime};
use super::world::{SOON, World};

on_every_runtime! {
    a_push_leads_to_the_message_also_through_a_proxy,
    it_ends_with_the_session,
    certificates_are_checked,
    settings_that_cannot_be_used_are_refused,
}

/// So rarely that no round comes in turn.
fn seldom() -> PollerConfig {
    PollerConfig::new()
        .push(true)
        .interval(Duration::from_secs(1000))
}

fn context(server: &Server) -> ClientConfig {
    let login = server.simulator().login();
    let credential = Credential::builder().sessdata(login.sessdata).build();
    ClientConfig::new(credential.unwrap()).hosts(Hosts::origin(&server.origin()).unwrap())
}

/// A session over a server, with the push channel.
fn session<S: Session>(server: &Server, push: &TransportConfig) -> S {
    let transport = TransportConfig::new();
    let session = S::over_http(context(server), &transport, seldom(), None);
    session.with_push(push).unwrap()
}

/// Waits for this.
#[track_caller]
fn until(mut fits: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !fits() {
        assert!(begun.elapsed() < SOON, "it did not come to that");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A proxy that leads to one place, wherever it is asked to; it tells of what it is asked.
fn proxy(to: SocketAddr) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            tell.send(head(&mut client)).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let server = TcpStream::connect(to).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                thread::spawn(move || {
                    // Either end ends both.
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    (address, asked)
}

/// The head of a request.
fn head(stream: &mut impl std::io::Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn a_push_leads_to_the_message_also_through_a_proxy<S: Session>() {
    let server = Server::start(Simulator::default(), 0).unwrap();
    let (address, asked) = proxy(server.address());
    let through = TransportConfig::new().proxy(format!("http://me:word@{address}"));
    for push in [TransportConfig::new(), through] {
        let session: S = session(&server, &push);
        let mut texts = Vec::new();
        for update in session.updates() {
            match update {
                Update::Warning(warning) => {
                    let Warning::Push {
                        connected, reason, ..
                    } = &*warning
                    else {
                        panic!("{warning}");
                    };
                    assert_eq!((*connected, reason), (true, &None));
                    until(|| server.simulator().push_listeners() == 1);
                    let message = NewMessage::text(20001, "hi");
                    let mut simulator = server.simulator();
                    simulator.receive(now().wall.0, message).unwrap();
                }
                Update::Event(event) => {
                    texts.push(event.text().unwrap().to_owned());
                    session.close();
                }
                Update::Feed(_) | Update::Status(_) => {}
            }
        }
        assert_eq!(texts, ["hi"]);
        until(|| server.simulator().push_listeners() == 0);
    }
    let place = server.address();
    assert_eq!(
        asked.try_iter().collect::<Vec<_>>(),
        [format!(
            "CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic bWU6d29yZA==\r\n\r\n"
        )]
    );
}

fn it_ends_with_the_session<S: Session>() {
    let server = Server::start(Simulator::default(), 0).unwrap();
    // By a close that nobody looks at, and by being dropped.
    for closes in [true, false] {
        let session: S = session(&server, &TransportConfig::new());
        let mut updates = session.updates();
        until(|| updates.next().unwrap().warning().is_some());
        until(|| server.simulator().push_listeners() == 1);
        if closes {
            session.close();
            until(|| server.simulator().push_listeners() == 0);
        }
        drop((updates, session));
        until(|| server.simulator().push_listeners() == 0);
    }
}

fn certificates_are_checked<S: Session>() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let authority = Issuer::new(params, key);
    let trusted = TransportConfig::new().root_certificates(pem);
    for (name, push, words) in [
        ("localhost", &trusted, "HTTP 403"),
        ("other.test", &trusted, "certificate"),
        ("localhost", &TransportConfig::new(), "certificate"),
    ] {
        let (port, heads) = forbidding(name, &authority);
        let world = World::default();
        let origin = Hosts::origin(&format!("https://localhost:{port}")).unwrap();
        let context = world.context().hosts(origin);
        let session = S::new(context, world.transport(), seldom());
        let session = session.with_push(push).unwrap();
        let warning = session.updates().find_map(|it| it.warning().cloned());
        let warning = warning.unwrap();
        assert_eq!(warning.kind(), "push");
        assert!(warning.to_string().contains(words), "{name}: {warning}");
        session.close();
        let heads = heads.lock().unwrap();
        let is_trusted = words.contains("403");
        assert_eq!(heads.len(), usize::from(is_trusted), "{name}");
        for head in &*heads {
            assert!(head.starts_with("GET /sub HTTP/1.1\r\n"), "{head}");
            let head = head.to_ascii_lowercase();
            for line in [
                format!("host: localhost:{port}"),
                "sec-websocket-protocol: proto".to_owned(),
                "origin: https://message.bilibili.com".to_owned(),
            ] {
                assert_eq!(
                    head.matches(&format!("\r\n{line}\r\n")).count(),
                    1,
                    "{head}"
                );
            }
            assert_eq!(head.matches("\r\ncookie: sessdata=").count(), 1, "{head}");
        }
    }
}

/// A server with a certificate of this name that forbids everything; and what it was asked.
fn forbidding(name: &str, authority: &Issuer<'_, KeyPair>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        );
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&heads);
    thread::spawn(move || {
        for client in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, client.unwrap());
            let mut first = [0];
            // A client that does not trust it goes away.
            if stream.read_exact(&mut first).is_err() {
                continue;
            }
            let head = format!("{}{}", char::from(first[0]), head(&mut stream));
            seen.lock().unwrap().push(head);
            let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).unwrap();
            stream.conn.send_close_notify();
            // The client may be gone by now.
            let _ = stream.flush();
        }
    });
    (port, heads)
}

fn settings_that_cannot_be_used_are_refused<S: Session>() {
    let world = World::default();
    for push in [
        TransportConfig::new().proxy("socks5://127.0.0.1:1"),
        TransportConfig::new().proxy("https://127.0.0.1:1"),
        TransportConfig::new().root_certificates("no PEM"),
    ] {
        let session: S = world.session();
        assert!(session.with_push(&push).is_err());
    }
}
