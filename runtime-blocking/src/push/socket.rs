//! A WebSocket on a blocking stream.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bilibili_session::push::{Handshake, Loss};
use bilibili_session::{TransportConfig, TransportError, TransportErrorKind, Tunnel};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

/// Largest message that is taken: notices are far smaller.
const LARGEST: usize = 1 << 20;

/// Most time that a frame may take to be sent: they are small.
const SENDING: Duration = Duration::from_secs(10);

/// A wait of zero would be one for ever.
const SHORTEST: Duration = Duration::from_millis(1);

/// Connects, with the settings that connections have in common.
pub(super) struct Connector {
    tls: Arc<ClientConfig>,
    proxy: Option<Tunnel>,
}

/// An open connection.
pub(super) struct Socket(WebSocket<Stream>);

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connector {
    pub(super) fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        let mut roots = RootCertStore::empty();
        match &config.root_certificates {
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let added = certificate.map(|it| roots.add(it));
                    if !matches!(added, Ok(Ok(()))) {
                        return Err(refuse("the root certificates cannot be read"));
                    }
                }
                if roots.is_empty() {
                    return Err(refuse("there is no certificate in the root certificates"));
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TransportError::new(TransportErrorKind::Tls, error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let proxy = config.proxy.as_deref().map(Tunnel::parse).transpose()?;
        Ok(Self {
            tls: Arc::new(tls),
            proxy,
        })
    }

    /// Connects within this time; `keep` gets the stream as soon as there is one.
    pub(super) fn connect(
        &self,
        handshake: &Handshake,
        limit: Duration,
        keep: impl Fn(TcpStream),
    ) -> Result<Socket, Loss> {
        let until = Instant::now() + limit;
        let (host, port) = (handshake.host(), handshake.port());
        let request = &handshake.request;
        let stream = match &self.proxy {
            None => dial(host, port, until)?,
            Some(proxy) => dial(proxy.host(), proxy.port(), until)?,
        };
        stream.set_nodelay(true).map_err(lost)?;
        stream.set_read_timeout(Some(left(until)?)).map_err(lost)?;
        stream.set_write_timeout(Some(SENDING)).map_err(lost)?;
        keep(stream.try_clone().map_err(lost)?);
        if let Some(proxy) = &self.proxy {
            open_tunnel(proxy, &stream, host, port)?;
        }
        let stream = match handshake.is_secure() {
            true => self.secure(stream, host)?,
            false => Stream::Plain(stream),
        };
        let limits = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        let mut upgrade = request
            .uri()
            .clone()
            .into_client_request()
            .map_err(explain)?;
        let headers = request.headers().clone();
        upgrade.headers_mut().extend(headers);
        match tungstenite::client::client_with_config(upgrade, stream, Some(limits)) {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(HandshakeError::Interrupted(_)) => Err(Loss::NoAnswer),
            Err(HandshakeError::Failure(error)) => Err(explain(error)),
        }
    }

    fn secure(&self, stream: TcpStream, host: &str) -> Result<Stream, Loss> {
        let tls = |error: String| Loss::from(TransportError::new(TransportErrorKind::Tls, error));
        let name = host.to_owned();
        let name = ServerName::try_from(name).map_err(|error| tls(error.to_string()))?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), name);
        let connection = connection.map_err(|error| tls(error.to_string()))?;
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, stream))))
    }
}

impl Socket {
    pub(super) fn send(&mut self, frame: Vec<u8>) -> Result<(), Loss> {
        self.0.send(Message::Binary(frame.into())).map_err(explain)
    }

    /// Returns what comes within this time, if anything does.
    pub(super) fn receive(&mut self, limit: Duration) -> Result<Option<Message>, Loss> {
        let tcp = match self.0.get_ref() {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => &stream.sock,
        };
        tcp.set_read_timeout(Some(limit.max(SHORTEST)))
            .map_err(lost)?;
        match self.0.read() {
            Ok(Message::Close(_)) => Err(Loss::Ended),
            Ok(message) => Ok(Some(message)),
            Err(Error::Io(error)) if is_timeout(&error) => Ok(None),
            Err(error) => Err(explain(error)),
        }
    }
}

fn dial(host: &str, port: u16, until: Instant) -> Result<TcpStream, Loss> {
    let mut error = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs().map_err(unreachable)? {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(failed) => error = failed,
        }
    }
    Err(unreachable(error))
}

/// Asks a proxy for a way to the host.
fn open_tunnel(proxy: &Tunnel, mut stream: &TcpStream, host: &str, port: u16) -> Result<(), Loss> {
    stream.write_all(&proxy.request(host, port)).map_err(lost)?;
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    loop {
        let read = stream.read(&mut bytes).map_err(lost)?;
        head.extend_from_slice(bytes.get(..read).unwrap_or_default());
        if let Some(opened) = Tunnel::read(&head, read == 0) {
            return Ok(opened?);
        }
    }
}

fn left(until: Instant) -> Result<Duration, Loss> {
    let left = until.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(Loss::NoAnswer),
        false => Ok(left),
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn lost(error: io::Error) -> Loss {
    match is_timeout(&error) {
        true => Loss::NoAnswer,
        false => TransportError::from(&error).into(),
    }
}

fn unreachable(error: io::Error) -> Loss {
    match is_timeout(&error) {
        true => Loss::NoAnswer,
        false => TransportError::new(TransportErrorKind::Connect, error.to_string()).into(),
    }
}

/// tungstenite's own words are used only where they cannot hold a header.
fn explain(error: Error) -> Loss {
    let message = match error {
        Error::ConnectionClosed | Error::AlreadyClosed => return Loss::Ended,
        Error::Io(error) => return lost(error),
        Error::Http(answer) => return Loss::Http(answer.status()),
        Error::Protocol(error) => match error {
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake => return Loss::Ended,
            _ => "what came is not a WebSocket of this protocol",
        },
        Error::Capacity(_) => "a message is too large",
        _ => "the WebSocket failed",
    };
    TransportError::new(TransportErrorKind::Interrupted, message).into()
}

fn refuse(message: &str) -> TransportError {
    TransportError::new(TransportErrorKind::Other, message)
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
