//! One call at a time.

use std::sync::Arc;

use bilibili_session::call::{Call, Output};
use bilibili_session::endpoints::{SendMsg, SentMsg};
use bilibili_session::send::{ConfirmedSend, SendReport};
use bilibili_session::{
    AuthState, CallMachine, ClientConfig, ConversationId, Endpoint, Error, TransportError,
};
use http::Response;

use crate::clock::now;
use crate::engine::Engine;
use crate::transport::{Transport, send_caught};
use crate::watched::Watched;

/// Calls the service, each call waiting for its answer.
///
/// Clones share the account's keys and the transport; calls of several threads
/// run side by side. The client [of a session](crate::Session::client) shares that session's
/// keys and pauses as well.
///
/// ```no_run
/// use bilibili_session::{ClientConfig, Credential, endpoints::GetSessions};
/// use bilibili_session_blocking::{Client, UreqTransport};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let credential = Credential::parse("SESSDATA=…; bili_jct=…")?;
/// let client = Client::new(ClientConfig::new(credential), UreqTransport::new());
/// for conversation in client.call(GetSessions::new())?.session_list {
///     println!("{conversation:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    login: Login,
    transport: Arc<dyn Transport>,
}

/// Login of a client, which holds the keys that its calls are signed with.
#[derive(Clone)]
enum Login {
    Own(Arc<Watched<AuthState>>),
    OfSession(Arc<Engine>),
}

impl Client {
    /// Creates a client that has sent nothing yet.
    pub fn new(context: ClientConfig, transport: impl Transport + 'static) -> Self {
        Self {
            login: Login::Own(Arc::new(Watched::new(AuthState::new(context)))),
            transport: Arc::new(transport),
        }
    }

    pub(crate) fn of_session(engine: Arc<Engine>, transport: Arc<dyn Transport>) -> Self {
        Self {
            login: Login::OfSession(engine),
            transport,
        }
    }

    /// Makes one call: its request, the keys first if they are missing, and one retry
    /// with fresh keys if the signature was refused.
    ///
    /// # Errors
    /// Fails when the request cannot be built, no whole answer came, or the service refused.
    /// Within a session, a risk control or throttling that a call meets is a pause for the whole
    /// session, and what is called meanwhile fails at once with [`Error::Paused`].
    pub fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        self.drive(Call::new(endpoint))
    }

    /// Sends a message, or makes a reply, whose outcome is known: where no answer tells, the
    /// conversation is read back. See [`send`](bilibili_session::send).
    ///
    /// # Errors
    /// Fails with [`Error::UnknownOutcome`] where the conversation does not tell either, and like
    /// [`call`](Self::call) where the message was not sent.
    pub fn send(&self, message: impl Into<ConfirmedSend>) -> Result<SendReport, Error> {
        self.drive(message.into())
    }

    /// Sends a text to this user or group.
    ///
    /// # Errors
    /// Fails like [`send`](Self::send).
    pub fn send_text(&self, to: impl Into<ConversationId>, text: &str) -> Result<SentMsg, Error> {
        Ok(self.send(SendMsg::text(to, text))?.message)
    }

    fn drive<M: CallMachine>(&self, mut call: M) -> Result<M::Output, Error> {
        loop {
            match self.login.poll_output(&mut call) {
                Output::Send(request) => {
                    let answer = send_caught(&*self.transport, request);
                    self.login.handle_response(&mut call, answer);
                }
                // The wait is over already.
                Output::Wait(_) => {}
                Output::Done(result) => return result,
            }
        }
    }

    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.transport)
    }
}

impl Login {
    /// Returns the next thing to do for a call; waits meanwhile where it is not its turn.
    fn poll_output<M: CallMachine>(&self, call: &mut M) -> Output<M::Output> {
        match self {
            Self::Own(account) => account.poll(now, |account, now| call.poll_with(account, now)),
            Self::OfSession(engine) => engine.poll_call(call),
        }
    }

    fn handle_response<M: CallMachine>(
        &self,
        call: &mut M,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        match self {
            Self::Own(account) => {
                account.change(|account| call.handle_with(account, now(), answer));
            }
            // It may be the end, a pause, or keys for all.
            Self::OfSession(engine) => {
                engine.change(|machine| machine.handle_call_response(engine.now(), call, answer));
            }
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
