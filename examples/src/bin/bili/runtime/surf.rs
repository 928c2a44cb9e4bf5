//! The async-std runtime, each step waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bilibili_session::poller::{Checkpoint, Journal, JournalEntry, PollerConfig};
use bilibili_session::send::{ConfirmedSend, SendReport};
use bilibili_session::session::Update;
use bilibili_session::{ClientConfig, Endpoint, Error, Names, Now, TransportConfig};
use bilibili_session_async_std::{Client, Session, SurfTransport, Updates};
use futures_lite::future::block_on;
use futures_lite::stream::{Stream as _, StreamExt as _};

use super::{LoginHandle, Sender, Watcher};
use crate::failure::Failure;
use crate::names::Asker;
use crate::setup::{Service, Setup};
use crate::watch::Counting;

pub(super) fn client(setup: &Setup) -> Result<Client, Failure> {
    Ok(Client::new(
        setup.context.clone(),
        transport(&setup.transport)?,
    ))
}

pub(super) fn call<E: Endpoint>(client: &Client, endpoint: E) -> Result<E::Output, Error> {
    block_on(client.call(endpoint))
}

pub(super) fn send(client: &Client, message: ConfirmedSend) -> Result<SendReport, Error> {
    block_on(client.send(message))
}

pub(super) fn call_once<E: Endpoint>(
    service: &Service,
    context: ClientConfig,
    endpoint: E,
) -> Result<E::Output, Error> {
    let transport = SurfTransport::with_config(&service.transport)?;
    let client = Client::new(context, transport);
    call(&client, endpoint)
}

pub(super) fn asker<E: Endpoint + 'static>(client: &Client) -> Asker<E> {
    let client = client.clone();
    Arc::new(move |call| block_on(client.call(call)))
}

fn transport(config: &TransportConfig) -> Result<SurfTransport, Failure> {
    SurfTransport::with_config(config).map_err(Failure::usage)
}

pub(super) fn watch(
    setup: &Setup,
    context: ClientConfig,
    config: PollerConfig,
    checkpoint: Option<&Checkpoint>,
    push: bool,
) -> Result<Box<dyn Watcher>, Failure> {
    let transport = transport(&setup.transport)?;
    let session = Session::resume(context, transport, config, checkpoint)?;
    let session = match push {
        true => session
            .with_push(&setup.transport)
            .map_err(Failure::usage)?,
        false => session,
    };
    let updates = session.updates();
    Ok(Box::new(Watch { session, updates }))
}

struct Watch {
    session: Session,
    updates: Updates,
}

impl Watcher for Watch {
    fn next(&mut self) -> Option<Update> {
        block_on(self.updates.next())
    }

    fn at_hand(&mut self) -> Option<Update> {
        // Whoever waits afterwards is woken for what this turn has begun.
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.updates).poll_next(&mut context) {
            Poll::Ready(update) => update,
            Poll::Pending => None,
        }
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        self.session.checkpoint()
    }

    fn save(&mut self, journal: &mut Journal) -> Option<JournalEntry> {
        self.session.save(journal)
    }

    fn result(&self) -> Result<(), Error> {
        self.session.result().unwrap_or(Ok(()))
    }

    fn closer(&self) -> Box<dyn Fn() + Send> {
        let session = self.session.clone();
        Box::new(move || session.close())
    }

    fn counting(&self) -> Counting {
        let session = self.session.clone();
        Arc::new(move || (session.counters(), session.status()))
    }

    fn login_handle(&self) -> LoginHandle {
        let (session, reporting) = (self.session.clone(), self.session.clone());
        LoginHandle {
            set_credential: Box::new(move |credential| session.set_credential(credential)),
            report: Box::new(move |warning| reporting.report(warning)),
        }
    }

    fn asker(&self) -> Asker {
        asker(self.session.client())
    }

    fn tell_names(&self, now: Now, names: &mut Names) {
        self.session.tell_names(now, names);
    }

    fn sender(&self) -> Sender {
        let session = self.session.clone();
        Arc::new(move |event, text| block_on(session.reply(event, text)))
    }
}
