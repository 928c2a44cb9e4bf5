//! A WebSocket on an async-std stream.

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use async_tungstenite::tungstenite::error::ProtocolError;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::tungstenite::{Error, Message};
use bilibili_session::push::{Handshake, Loss};
use bilibili_session::{TransportConfig, TransportError, TransportErrorKind};
use futures_util::StreamExt as _;

use crate::connect::{Connect, Stream};

/// Largest message that is taken: notices are far smaller.
const LARGEST: usize = 1 << 20;

/// Connects, with the settings that connections have in common.
pub struct Connector(Connect);

/// An open connection.
pub struct Socket(WebSocketStream<Box<dyn Stream>>);

impl bilibili_session_async::Connector for Connector {
    type Socket = Socket;

    fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        Connect::new(config).map(Self)
    }

    async fn connect(&self, handshake: &Handshake) -> Result<Socket, Loss> {
        let (host, port) = (handshake.host(), handshake.port());
        let request = &handshake.request;
        let stream = self.0.open(handshake.is_secure(), host, port).await?;
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
            async_tungstenite::client_async_with_config(upgrade, stream, Some(limits)).await;
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

/// tungstenite's own words are used only where they cannot hold a header.
fn explain(error: Error) -> Loss {
    let message = match error {
        Error::ConnectionClosed | Error::AlreadyClosed => return Loss::Ended,
        Error::Io(error) => return TransportError::from(&error).into(),
        Error::Http(answer) => return Loss::Http(answer.status()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return Loss::Ended,
        Error::Protocol(_) => "what came is not a WebSocket of this protocol",
        Error::Capacity(_) => "a message is too large",
        _ => "the WebSocket failed",
    };
    TransportError::new(TransportErrorKind::Interrupted, message).into()
}
