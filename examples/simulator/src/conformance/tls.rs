//! Answers come from the server that was asked, and nobody in between listens.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bilibili_session::TransportConfig;
use bilibili_session::TransportErrorKind::{Connect, Interrupted, Other, Tls};
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::cases::{failed, get_with, same};
use super::peer::{Peer, Script, listen, read_head};
use super::trouble::times_out;
use super::{Make, usual};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A certificate authority made for one case.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            pem,
            issuer: Issuer::new(params, key),
        })
    }

    /// Returns the TLS configuration of a server of this name.
    fn server(
        &self,
        name: &str,
        expired: bool,
    ) -> Result<Arc<ServerConfig>, Box<dyn std::error::Error>> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        if expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )?;
        Ok(Arc::new(config))
    }

    fn peer(&self, name: &str, expired: bool) -> Result<Peer, String> {
        let config = self
            .server(name, expired)
            .map_err(|error| error.to_string())?;
        Peer::over(Script::Answer(OK.to_vec()), move |socket| {
            let connection =
                ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            Ok(Box::new(StreamOwned::new(connection, socket)))
        })
    }

    fn trusted(&self) -> TransportConfig {
        usual().root_certificates(self.pem.as_str())
    }
}

fn authority() -> Result<Authority, String> {
    Authority::new().map_err(|error| error.to_string())
}

fn secure(peer: &Peer) -> String {
    format!("https://{}", peer.authority())
}

pub(super) fn trusted_authority(make: &Make<'_>) -> Result<(), String> {
    let authority = authority()?;
    let peer = authority.peer("127.0.0.1", false)?;
    let answer = get_with(make, &authority.trusted(), &secure(&peer))?;
    let answer = answer.map_err(|error| format!("refused: {error}"))?;
    same("the body", answer.body().as_slice(), b"ok".as_slice())
}

pub(super) fn unknown_authority(make: &Make<'_>) -> Result<(), String> {
    let peer = authority()?.peer("127.0.0.1", false)?;
    for settings in [usual(), authority()?.trusted()] {
        failed(get_with(make, &settings, &secure(&peer))?, &[Tls])?;
    }
    same("the requests that came", peer.received().len(), 0)
}

pub(super) fn wrong_name(make: &Make<'_>) -> Result<(), String> {
    let authority = authority()?;
    let peer = authority.peer("api.example.test", false)?;
    let answer = get_with(make, &authority.trusted(), &secure(&peer))?;
    failed(answer, &[Tls])?;
    same("the requests that came", peer.received().len(), 0)
}

pub(super) fn expired_certificate(make: &Make<'_>) -> Result<(), String> {
    let authority = authority()?;
    let peer = authority.peer("127.0.0.1", true)?;
    let answer = get_with(make, &authority.trusted(), &secure(&peer))?;
    failed(answer, &[Tls])?;
    same("the requests that came", peer.received().len(), 0)
}

pub(super) fn timeout_within_the_handshake(make: &Make<'_>) -> Result<(), String> {
    let peer = Peer::new(Script::Hang)?;
    times_out(make, authority()?.trusted(), &secure(&peer))
}

pub(super) fn no_tls_where_it_is_expected(make: &Make<'_>) -> Result<(), String> {
    let address = listen(|mut socket| {
        socket.write_all(OK)?;
        io::copy(&mut socket, &mut io::sink()).map(drop)
    })?;
    let answer = get_with(make, &authority()?.trusted(), &format!("https://{address}"))?;
    failed(answer, &[Tls, Interrupted, Connect, Other])
}

/// The head of the last request that a proxy got.
type RequestKind = Arc<Mutex<Vec<u8>>>;

/// Starts a proxy that reports its request and answers this; a tunnel if the answer begins with 200.
fn proxy(answer: &'static [u8]) -> Result<(String, RequestKind), String> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let address = listen(move |mut client| {
        let head = read_head(&mut client)?;
        let target = String::from_utf8_lossy(&head)
            .split(' ')
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        *log.lock().unwrap_or_else(PoisonError::into_inner) = head;
        client.write_all(answer)?;
        if !answer.starts_with(b"HTTP/1.1 200") {
            return client.shutdown(Shutdown::Both);
        }
        let server = TcpStream::connect(target)?;
        let (mut up, mut down) = (server.try_clone()?, client.try_clone()?);
        thread::spawn(move || {
            let _ = io::copy(&mut up, &mut down);
            down.shutdown(Shutdown::Both)
        });
        let (mut from, mut to) = (client, server);
        io::copy(&mut from, &mut to)?;
        to.shutdown(Shutdown::Both)
    })?;
    Ok((format!("http://user:p%40ss@{address}"), asked))
}

pub(super) fn through_a_proxy(make: &Make<'_>) -> Result<(), String> {
    let authority = authority()?;
    let peer = authority.peer("127.0.0.1", false)?;
    let (proxy, asked) = proxy(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let settings = authority.trusted().proxy(proxy);
    let answer = get_with(make, &settings, &secure(&peer))?;
    let answer = answer.map_err(|error| error.to_string())?;
    same("the body", answer.body().as_slice(), b"ok".as_slice())?;
    let asked = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let asked = String::from_utf8_lossy(&asked).into_owned();
    let line = format!("CONNECT {} HTTP/1.1", peer.authority());
    same(
        "what the proxy was asked",
        asked.lines().next(),
        Some(line.as_str()),
    )?;
    let known = asked
        .to_lowercase()
        .contains("\r\nproxy-authorization: basic ");
    same("the proxy knows who asks", known, true)?;
    same(
        "the proxy knows the password",
        asked.contains("dXNlcjpwQHNz"),
        true,
    )?;
    for secret in ["c00kie", "w_rid"] {
        same("the proxy sees a secret", asked.contains(secret), false)?;
    }
    Ok(())
}

pub(super) fn proxy_that_refuses(make: &Make<'_>) -> Result<(), String> {
    let authority = authority()?;
    let peer = authority.peer("127.0.0.1", false)?;
    let (proxy, _) =
        proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")?;
    let settings = authority.trusted().proxy(proxy);
    failed(get_with(make, &settings, &secure(&peer))?, &[Connect])?;
    same("the requests that came", peer.received().len(), 0)
}
