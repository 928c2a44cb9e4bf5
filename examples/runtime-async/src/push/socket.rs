//! The WebSockets of an async runtime, for the push channel.

use std::future::Future;

use bilibili_session::push::{Handshake, Loss};
use bilibili_session::{TransportConfig, TransportError};

use crate::Spawn;

/// WebSockets of an async runtime: for [`Session::with_push`](crate::Session::with_push).
pub trait PushRuntime: Spawn {
    /// Opens connections.
    type Connector: Connector;
}

/// Connects the push channel, with the settings that all its connections have in common.
pub trait Connector: Sized + Send + Sync + 'static {
    /// An open connection.
    type Socket: Socket;

    /// Creates a connector with these settings of TLS and proxy.
    ///
    /// # Errors
    /// Fails when the proxy's address or the certificates cannot be used.
    fn new(config: &TransportConfig) -> Result<Self, TransportError>;

    /// Opens a WebSocket with this request, all headers included. The future is dropped when that takes too long.
    ///
    /// # Errors
    /// Fails with a [`Loss`] that holds no header.
    fn connect(
        &self,
        handshake: &Handshake,
    ) -> impl Future<Output = Result<Self::Socket, Loss>> + Send;
}

/// An open WebSocket. Dropping it ends the connection.
pub trait Socket: Send + 'static {
    /// Sends a binary frame. The future is dropped when that takes too long, and the socket after it.
    ///
    /// # Errors
    /// Fails when the connection is lost.
    fn send(&mut self, frame: Vec<u8>) -> impl Future<Output = Result<(), Loss>> + Send;

    /// Waits for the next binary frame; `None` for anything else that shows the connection to be
    /// alive, such as a ping. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Fails when the connection is lost, or the other side has ended it.
    fn receive(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, Loss>> + Send;
}
