//! One call at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bilibili_session::endpoints::{SendMsg, SentMsg};
use bilibili_session::{Account, Call, Context, ConversationId, Endpoint, Error, Step};

use crate::clock::now;
use crate::transport::{AnyTransport, Transport, send_caught};

/// Calls the service. Dropping the future of a call ends the call.
///
/// Clones share the account's keys and the transport; calls of several tasks run side by side.
///
/// ```no_run
/// use bilibili_session::{Context, Credential, endpoints::GetSessions};
/// use bilibili_session_async_std::{Client, SurfTransport};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let credential = Credential::parse("SESSDATA=…; bili_jct=…")?;
/// let client = Client::new(Context::new(credential), SurfTransport::new()?);
/// for conversation in client.call(GetSessions::new()).await?.session_list {
///     println!("{conversation:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    account: Arc<Mutex<Account>>,
    transport: AnyTransport,
}

impl Client {
    /// A client that has sent nothing yet.
    pub fn new(context: Context, transport: impl Transport + 'static) -> Self {
        Self::with(context, Arc::new(transport))
    }

    pub(crate) fn with(context: Context, transport: AnyTransport) -> Self {
        Self {
            account: Arc::new(Mutex::new(Account::new(context))),
            transport,
        }
    }

    /// Makes one call: its request, the keys first if they are missing, and one retry
    /// with fresh keys if the signature was refused.
    ///
    /// # Errors
    /// Fails when the request cannot be built, no whole answer came, or the service refused.
    pub async fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        let mut call = Call::new(endpoint);
        let mut step = call.start(&mut self.account(), now());
        loop {
            match step {
                Step::Send(request) => {
                    let answer = send_caught(self.transport(), request).await;
                    step = call.handle_response(&mut self.account(), now(), answer);
                }
                Step::Done(result) => return result,
            }
        }
    }

    /// Sends a text to this user or group.
    ///
    /// # Errors
    /// Fails like [`call`](Self::call).
    pub async fn send_text(
        &self,
        to: impl Into<ConversationId>,
        text: &str,
    ) -> Result<SentMsg, Error> {
        self.call(SendMsg::text(to, text)).await
    }

    pub(crate) fn transport(&self) -> AnyTransport {
        Arc::clone(&self.transport)
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
