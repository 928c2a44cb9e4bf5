//! Connections of the push channel.

mod frames;

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, header};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Shared, lock};
use crate::Push;
use frames::Asked;

/// Connections look so often for what there is to push.
const TICK: Duration = Duration::from_millis(10);

/// Returns the proof that the handshake was understood.
pub(super) fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()
}

/// Serves a connection whose handshake is over, until one side ends it.
pub(super) async fn serve(stream: TcpStream, read: Vec<u8>, uid: i64, shared: Shared) {
    let socket = WebSocketStream::from_partially_read(stream, read, Role::Server, None).await;
    let connection = Connection {
        socket,
        listening: None,
        uid,
        shared,
        is_known: false,
    };
    // How it ended is the client's affair, or what was asked for.
    let _ = connection.run().await;
}

struct Connection {
    socket: WebSocketStream<TcpStream>,
    /// Set from the subscription on.
    listening: Option<Listening>,
    uid: i64,
    shared: Shared,
    /// The login was accepted.
    is_known: bool,
}

/// Time in which a connection listens.
struct Listening {
    shared: Shared,
    /// Number of pushes seen.
    seen: u64,
}

impl Listening {
    fn begin(shared: &Shared) -> Self {
        Self {
            seen: lock(&shared.simulator).world.pushes.begin(),
            shared: shared.clone(),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        lock(&self.shared.simulator).world.pushes.end();
    }
}

/// The connection is to end.
struct Over;

impl From<Error> for Over {
    fn from(_: Error) -> Self {
        Self
    }
}

impl Connection {
    async fn run(mut self) -> Result<(), Over> {
        loop {
            match tokio::time::timeout(TICK, self.socket.next()).await {
                Ok(Some(Ok(Message::Binary(frame)))) => self.answer(&frame).await?,
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_)) | None) => return Ok(()),
                Err(_) => {}
            }
            self.push().await?;
        }
    }

    async fn answer(&mut self, frame: &[u8]) -> Result<(), Over> {
        let habits = lock(&self.shared.simulator).world.pushes.habits.clone();
        if habits.is_silent {
            return Ok(());
        }
        let Some((asked, number)) = frames::read(frame) else {
            return Ok(());
        };
        let code = match asked {
            Asked::Auth => {
                self.is_known = habits.auth_code == 0;
                habits.auth_code
            }
            // Nobody listens who is not known.
            _ if !self.is_known => -101,
            Asked::Subscribe => {
                self.listening = Some(Listening::begin(&self.shared));
                0
            }
            Asked::Heartbeat => 0,
        };
        let answer = frames::answer(&asked, number, code);
        Ok(self.socket.send(Message::Binary(answer.into())).await?)
    }

    async fn push(&mut self) -> Result<(), Over> {
        let Some(listening) = &mut self.listening else {
            return Ok(());
        };
        let pushes = {
            let simulator = lock(&self.shared.simulator);
            let pushes = simulator.world.pushes.after(&mut listening.seen, self.uid);
            match simulator.world.pushes.habits.is_silent {
                true => pushes.into_iter().filter(|it| *it == Push::Drop).collect(),
                false => pushes,
            }
        };
        for push in pushes {
            let frame = match push {
                Push::Notice(notice) => frames::notice(self.uid, &notice),
                Push::Kick => frames::kick(self.uid),
                Push::Garbage(bytes) => bytes,
                Push::Drop => return Err(Over),
            };
            self.socket.send(Message::Binary(frame.into())).await?;
        }
        Ok(())
    }
}
