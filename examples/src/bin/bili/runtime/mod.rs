//! The two runtimes behind one face.

mod blocking;
mod surf;

use std::cell::Cell;

use bilibili_session::endpoints::{Nav, SendMsg, SentMsg};
use bilibili_session::error::BuildError;
use bilibili_session::poller::{Checkpoint, Journal, JournalEntry, PollerConfig, Warning};
use bilibili_session::send::{ConfirmedSend, SendReport};
use bilibili_session::session::Update;
use bilibili_session::{
    Auth, ClientConfig, Credential, Endpoint, Error, Event, Identity, Names, Now,
};

use crate::args::RuntimeName;
use crate::failure::Failure;
use crate::names::Asker;
use crate::setup::{Service, Setup};
use crate::watch::Counting;

/// Client of the runtime that was asked for: one call after the other.
pub(crate) struct Runtime {
    context: ClientConfig,
    client: Client,
    /// Set once nav has confirmed the uid that was given.
    is_checked: Cell<bool>,
}

enum Client {
    Blocking(bilibili_session_blocking::Client),
    AsyncStd(bilibili_session_async_std::Client),
}

impl Runtime {
    pub(crate) fn new(setup: &Setup) -> Result<Self, Failure> {
        let client = match setup.runtime {
            RuntimeName::Blocking => Client::Blocking(blocking::client(setup)?),
            RuntimeName::AsyncStd => Client::AsyncStd(surf::client(setup)?),
        };
        Ok(Self {
            context: setup.context.clone(),
            client,
            is_checked: Cell::new(false),
        })
    }

    pub(crate) fn context(&self) -> &ClientConfig {
        &self.context
    }

    /// Makes one call. A uid that was given is the login's own, or nothing is asked but that.
    pub(crate) fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        endpoint.check(&self.context)?;
        // A call that needs the identity checks it by itself.
        if E::Auth::without_identity().is_some()
            && self.context.credential().uid().is_some()
            && !self.is_checked.get()
        {
            self.login()?;
        }
        self.send(endpoint)
    }

    /// Sends a message, whose outcome is read back where no answer tells.
    pub(crate) fn send_confirmed(
        &self,
        message: SendMsg,
        verify: bool,
    ) -> Result<SendReport, Error> {
        message.check(&self.context)?;
        let message = ConfirmedSend::new(message).verify(verify);
        match &self.client {
            Client::Blocking(client) => client.send(message),
            Client::AsyncStd(client) => surf::send(client, message),
        }
    }

    /// Returns the identity of the login.
    pub(crate) fn login(&self) -> Result<Identity, Error> {
        let identity = self.send(Nav)?.into_identity()?;
        self.context.check_uid(identity.uid)?;
        self.is_checked.set(true);
        Ok(identity)
    }

    /// Fails when nothing can be written with this login.
    pub(crate) fn check_can_write(&self) -> Result<(), Error> {
        match self.context.credential().can_write() {
            true => Ok(()),
            false => Err(BuildError::MissingBiliJct.into()),
        }
    }

    /// Returns a function that makes calls of one kind, from any thread.
    pub(crate) fn asker<E: Endpoint + 'static>(&self) -> Asker<E> {
        match &self.client {
            Client::Blocking(client) => blocking::asker(client),
            Client::AsyncStd(client) => surf::asker(client),
        }
    }

    fn send<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        match &self.client {
            Client::Blocking(client) => client.call(endpoint),
            Client::AsyncStd(client) => surf::call(client, endpoint),
        }
    }
}

/// Makes one call with a login of its own.
pub(crate) fn call_once<E: Endpoint>(
    service: &Service,
    context: ClientConfig,
    endpoint: E,
) -> Result<E::Output, Error> {
    match service.runtime {
        RuntimeName::Blocking => blocking::call_once(service, context, endpoint),
        RuntimeName::AsyncStd => surf::call_once(service, context, endpoint),
    }
}

/// Messages as they arrive, on the runtime that was asked for.
pub(crate) trait Watcher {
    /// Waits for the next update; `None` once the session is over.
    fn next(&mut self) -> Option<Update>;

    /// Returns the next update, if there is one without waiting.
    fn at_hand(&mut self) -> Option<Update>;

    /// Returns the checkpoint, which covers everything that [`next`](Self::next) and
    /// [`at_hand`](Self::at_hand) have returned.
    fn checkpoint(&self) -> Option<Checkpoint>;

    /// Returns the text that brings a file up to date, which then covers the same as the
    /// checkpoint.
    fn save(&mut self, journal: &mut Journal) -> Option<JournalEntry>;

    /// Returns the result of the session.
    fn result(&self) -> Result<(), Error>;

    /// Returns a function that ends the session, from any thread.
    fn closer(&self) -> Box<dyn Fn() + Send>;

    /// Returns a function that answers a message with a text, from any thread.
    fn sender(&self) -> Sender;

    /// Returns a function that asks for names, from any thread.
    fn asker(&self) -> Asker;

    /// Tells what lists have shown of names since the last call.
    fn tell_names(&self, now: Now, names: &mut Names);

    /// Returns what reads the session's counters, from any thread.
    fn counting(&self) -> Counting;

    /// Returns what tells the session of its login, from any thread.
    fn login_handle(&self) -> LoginHandle;
}

/// Function that tells a session of its login.
pub(crate) struct LoginHandle {
    /// Goes on with these cookies.
    pub(crate) set_credential: Box<dyn Fn(Credential) -> Result<(), Error> + Send>,
    /// Hands out a notice.
    pub(crate) report: Box<dyn Fn(Warning) + Send>,
}

/// Answers a message with a text, once, also if an earlier process did.
pub(crate) type Sender =
    std::sync::Arc<dyn Fn(&Event, &str) -> Result<SentMsg, Error> + Send + Sync>;

/// Begins to watch, with the push channel if that is wanted.
pub(crate) fn watch(
    setup: &Setup,
    context: ClientConfig,
    config: PollerConfig,
    checkpoint: Option<&Checkpoint>,
    push: bool,
) -> Result<Box<dyn Watcher>, Failure> {
    match setup.runtime {
        RuntimeName::Blocking => blocking::watch(setup, context, config, checkpoint, push),
        RuntimeName::AsyncStd => surf::watch(setup, context, config, checkpoint, push),
    }
}
