//! The blocking runtime.

use std::sync::Arc;

use bilibili_session::poller::{Checkpoint, Journal, JournalEntry, PollerConfig};
use bilibili_session::session::Update;
use bilibili_session::{ClientConfig, Endpoint, Error, Names, Now, TransportConfig};
use bilibili_session_blocking::{Client, Session, UreqTransport};

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

pub(super) fn call_once<E: Endpoint>(
    service: &Service,
    context: ClientConfig,
    endpoint: E,
) -> Result<E::Output, Error> {
    let transport = UreqTransport::with_config(&service.transport)?;
    let client = Client::new(context, transport);
    client.call(endpoint)
}

pub(super) fn asker<E: Endpoint + 'static>(client: &Client) -> Asker<E> {
    let client = client.clone();
    Arc::new(move |call| client.call(call))
}

fn transport(config: &TransportConfig) -> Result<UreqTransport, Failure> {
    UreqTransport::with_config(config).map_err(Failure::usage)
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
    let updates = Box::new(session.updates());
    Ok(Box::new(Watch { session, updates }))
}

struct Watch {
    session: Session,
    updates: Box<dyn Iterator<Item = Update>>,
}

impl Watcher for Watch {
    fn next(&mut self) -> Option<Update> {
        self.updates.next()
    }

    fn at_hand(&mut self) -> Option<Update> {
        self.session.try_updates().next()
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
        Arc::new(move |event, text| session.reply(event, text))
    }
}
