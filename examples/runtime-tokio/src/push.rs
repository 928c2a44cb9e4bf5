//! A WebSocket on a tokio stream.

use std::io;
use std::sync::Arc;

use bilibili_session::push::{Handshake, Loss};
use bilibili_session::{TransportConfig, TransportError, TransportErrorKind, Tunnel};
use futures_util::{SinkExt as _, StreamExt as _};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::tls;

/// Largest message that is taken: notices are far smaller.
const LARGEST: usize = 1 << 20;

/// Connects, with the settings that connections have in common.
pub struct Connector {
    tls: TlsConnector,
    proxy: Option<Tunnel>,
}

/// An open connection.
pub struct Socket(WebSocketStream<Box<dyn Stream>>);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl bilibili_session_async::Connector for Connector {
    type Socket = Socket;

    fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        Ok(Self {
            tls: Arc::new(tls::client_config(config)?).into(),
            proxy: config.proxy.as_deref().map(Tunnel::parse).transpose()?,
        })
    }

    async fn connect(&self, handshake: &Handshake) -> Result<Socket, Loss> {
        let (host, port) = (handshake.host(), handshake.port());
        let request = &handshake.request;
        let stream = match &self.proxy {
            None => dial(host, port).await?,
            Some(proxy) => {
                let mut stream = dial(proxy.host(), proxy.port()).await?;
                open_tunnel(proxy, &mut stream, host, port).await?;
                stream
            }
        };
        let stream: Box<dyn Stream> = match handshake.is_secure() {
            true => {
                let name = host.to_owned();
                let name = ServerName::try_from(name).map_err(|error| {
                    TransportError::new(TransportErrorKind::Tls, error.to_string())
                })?;
                Box::new(self.tls.connect(name, stream).await.map_err(lost)?)
            }
            false => Box::new(stream),
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
        let opened =
            tokio_tungstenite::client_async_with_config(upgrade, stream, Some(limits)).await;
        opened.map(|(socket, _)| Socket(socket)).map_err(explain)
    }
}

impl bilibili_session_async::Socket for Socket {
    async fn send(&mut self, frame: Vec<u8>) -> Result<(), Loss> {
        let sent = self.0.send(Message::Binary(frame.into())).await;
        sent.map_err(explain)
    }

    async fn receive(&mut self) -> Result<Option<Vec<u8>>, Loss> {
        match self.0.next().await {
            Some(Ok(Message::Close(_))) | None => Err(Loss::Ended),
            Some(Ok(Message::Binary(frame))) => Ok(Some(frame.into())),
            Some(came) => came.map(|_| None).map_err(explain),
        }
    }
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, Loss> {
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream
        .map_err(|error| TransportError::new(TransportErrorKind::Connect, error.to_string()))?;
    stream.set_nodelay(true).map_err(lost)?;
    Ok(stream)
}

/// Asks a proxy for a way to the host.
async fn open_tunnel(
    proxy: &Tunnel,
    stream: &mut TcpStream,
    host: &str,
    port: u16,
) -> Result<(), Loss> {
    let request = proxy.request(host, port);
    stream.write_all(&request).await.map_err(lost)?;
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    loop {
        let read = stream.read(&mut bytes).await.map_err(lost)?;
        head.extend_from_slice(bytes.get(..read).unwrap_or_default());
        if let Some(opened) = Tunnel::read(&head, read == 0) {
            return Ok(opened?);
        }
    }
}

fn lost(error: io::Error) -> Loss {
    TransportError::from(&error).into()
}

/// tungstenite's own words are used only where they cannot hold a header.
fn explain(error: Error) -> Loss {
    let message = match error {
        Error::ConnectionClosed | Error::AlreadyClosed => return Loss::Ended,
        Error::Io(error) => return lost(error),
        Error::Http(answer) => return Loss::Http(answer.status()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return Loss::Ended,
        Error::Protocol(_) => "what came is not a WebSocket of this protocol",
        Error::Capacity(_) => "a message is too large",
        _ => "the WebSocket failed",
    };
    TransportError::new(TransportErrorKind::Interrupted, message).into()
}
