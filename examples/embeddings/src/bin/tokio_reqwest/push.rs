//! The push channel, by tokio-tungstenite. Copy this file as it is; without it all comes as well, only later.

use std::sync::Arc;
use std::time::Duration;

use bilibili_session::push::{Handshake, Loss, Output, PushMachine};
use bilibili_session::{TransportError, TransportErrorKind};
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use crate::adapter::{Client, now};

/// Largest message that is taken: notices are far smaller.
const LARGEST: usize = 1 << 20;

/// Most time that a frame may take to be sent: they are small.
const SENDING: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// TLS that trusts what the system trusts.
pub fn tls() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions()?;
    let config = builder.with_platform_verifier()?.with_no_client_auth();
    Ok(Arc::new(config))
}

/// Listens, and tells the session of this client when to look. Dropping the future ends it; it ends
/// by itself only when the machine was closed.
pub async fn listen(mut machine: PushMachine, client: Client, tls: Arc<ClientConfig>) {
    let mut socket: Option<Socket> = None;
    loop {
        match machine.poll_output(now()) {
            Output::Connect(handshake) => match connect(&handshake, &tls).await {
                Ok(open) => {
                    socket = Some(open);
                    machine.handle_connected(now());
                }
                Err(loss) => machine.handle_lost(now(), loss),
            },
            Output::Send(frame) => {
                if let Some(socket) = &mut socket
                    && let Err(loss) = send(socket, frame).await
                {
                    machine.handle_lost(now(), loss);
                }
            }
            Output::Hint(hint) => client.hint(hint),
            // Reports for a log. Nothing rests on the channel.
            Output::Connected | Output::Lost(_) => {}
            Output::Disconnect => socket = None,
            Output::Wait(until) => {
                let span = until.saturating_sub(now().monotonic);
                let came = match &mut socket {
                    Some(socket) => timeout(span, socket.next()).await,
                    None => {
                        tokio::time::sleep(span).await;
                        continue;
                    }
                };
                match came {
                    // Its time is over, and nothing came.
                    Err(_) => {}
                    Ok(Some(Ok(Message::Binary(frame)))) => machine.handle_frame(now(), &frame),
                    Ok(None | Some(Ok(Message::Close(_)))) => {
                        machine.handle_lost(now(), Loss::Ended);
                    }
                    Ok(Some(Ok(_))) => machine.handle_alive(now()),
                    Ok(Some(Err(error))) => machine.handle_lost(now(), explain(error)),
                }
            }
            Output::Closed => return,
        }
    }
}

async fn connect(handshake: &Handshake, tls: &Arc<ClientConfig>) -> Result<Socket, Loss> {
    let uri = handshake.request.uri().clone();
    let mut request = uri.into_client_request().map_err(explain)?;
    let headers = handshake.request.headers().clone();
    request.headers_mut().extend(headers);
    let limits = WebSocketConfig::default()
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST));
    let tls = Connector::Rustls(Arc::clone(tls));
    let connecting =
        tokio_tungstenite::connect_async_tls_with_config(request, Some(limits), true, Some(tls));
    let limit = handshake.deadline.saturating_sub(now().monotonic);
    let connected = timeout(limit, connecting).await;
    let (socket, _) = connected.map_err(|_| Loss::NoAnswer)?.map_err(explain)?;
    Ok(socket)
}

async fn send(socket: &mut Socket, frame: Vec<u8>) -> Result<(), Loss> {
    let sent = timeout(SENDING, socket.send(Message::Binary(frame.into()))).await;
    sent.map_err(|_| Loss::NoAnswer)?.map_err(explain)
}

/// tungstenite's own words are left out: they may hold a header.
fn explain(error: Error) -> Loss {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Loss::Ended,
        Error::Io(error) => TransportError::from(&error).into(),
        Error::Http(answer) => Loss::Http(answer.status()),
        _ => TransportError::new(TransportErrorKind::Interrupted, "the WebSocket failed").into(),
    }
}
