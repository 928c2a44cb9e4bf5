//! The blocking runtime.

use std::sync::Arc;

use bilibili_session::Error;
use bilibili_session::poller::{Checkpoint, Journal, JournalEntry, PollerConfig};
use bilibili_session::session::Update;
use bilibili_session_blocking::{Client, Session, UreqTransport};

use super::{Sender, Watcher};
use crate::failure::Failure;
use crate::setup::Setup;

pub(super) fn client(setup: &Setup) -> Result<Client, Failure> {
    Ok(Client::new(setup.context.clone(), transport(setup)?))
}

fn transport(setup: &Setup) -> Result<UreqTransport, Failure> {
    UreqTransport::with_config(&setup.transport).map_err(Failure::usage)
}

pub(super) fn watch(
    setup: &Setup,
    config: PollerConfig,
    checkpoint: Option<&Checkpoint>,
    push: bool,
) -> Result<Box<dyn Watcher>, Failure> {
    let (context, transport) = (setup.context.clone(), transport(setup)?);
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

    fn sender(&self) -> Sender {
        let client = self.session.client().clone();
        Arc::new(move |to, text| client.send_text(to, text))
    }
}
