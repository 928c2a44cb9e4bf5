//! One life of the bot, on either runtime.

use bilibili_session::poller::Checkpoint;
use bilibili_session::{ClientConfig, Event, TransportConfig};
use bilibili_session_async_std::SurfTransport;
use bilibili_session_blocking::UreqTransport;
use futures_lite::future::block_on;

use crate::ledger::Ledger;
use crate::{Failure, Runtime, TIMEOUT, config};

/// A session with handlers that write everything down and answer every tenth private text.
pub(crate) enum Bot {
    Blocking(
        bilibili_session_blocking::Session,
        bilibili_session_blocking::Running,
    ),
    AsyncStd(
        bilibili_session_async_std::Session,
        bilibili_session_async_std::Running,
    ),
}

impl Bot {
    pub(crate) fn start(
        runtime: Runtime,
        context: &ClientConfig,
        checkpoint: Option<&Checkpoint>,
        ledger: &Ledger,
    ) -> Result<Self, Failure> {
        Ok(match runtime {
            Runtime::Blocking => {
                let session = blocking(context.clone(), checkpoint, ledger)?;
                let running = session.run()?;
                Self::Blocking(session, running)
            }
            Runtime::AsyncStd => {
                let session = async_std(context.clone(), checkpoint, ledger)?;
                let running = session.run();
                Self::AsyncStd(session, running)
            }
        })
    }

    /// Returns whether the session ended by itself, which is a failure.
    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Self::Blocking(session, _) => session.result().is_some(),
            Self::AsyncStd(session, _) => session.result().is_some(),
        }
    }

    /// Closes the session and waits for it; the message in hand is finished.
    pub(crate) fn end(self) -> Result<Option<Checkpoint>, Failure> {
        match self {
            Self::Blocking(session, running) => {
                session.close();
                running.join()?;
                Ok(session.checkpoint())
            }
            Self::AsyncStd(session, running) => {
                session.close();
                block_on(running)?;
                Ok(session.checkpoint())
            }
        }
    }
}

fn blocking(
    context: ClientConfig,
    checkpoint: Option<&Checkpoint>,
    ledger: &Ledger,
) -> Result<bilibili_session_blocking::Session, Failure> {
    use bilibili_session_blocking::Session;
    let transport = UreqTransport::with_config(&TransportConfig::new().timeout(TIMEOUT))?;
    let session = Session::resume(context, transport, config(), checkpoint)?;
    let book = ledger.clone();
    session.on_any(move |event: &Event, session| {
        book.event(event);
        if Ledger::wants_reply(event) {
            let sent = session.reply(event, "read");
            book.reply(sent.is_ok());
        }
    });
    let book = ledger.clone();
    session.on_warning(move |warning, _| book.warning(warning));
    let book = ledger.clone();
    session.on_status(move |change, _| book.status(change));
    Ok(session)
}

fn async_std(
    context: ClientConfig,
    checkpoint: Option<&Checkpoint>,
    ledger: &Ledger,
) -> Result<bilibili_session_async_std::Session, Failure> {
    use bilibili_session_async_std::Session;
    let transport = SurfTransport::with_config(&TransportConfig::new().timeout(TIMEOUT))?;
    let session = Session::resume(context, transport, config(), checkpoint)?;
    let book = ledger.clone();
    session.on_any(move |event, session| {
        let book = book.clone();
        async move {
            book.event(&event);
            if Ledger::wants_reply(&event) {
                let sent = session.reply(&event, "read").await;
                book.reply(sent.is_ok());
            }
        }
    });
    let book = ledger.clone();
    session.on_warning(move |warning, _| {
        book.warning(&warning);
        std::future::ready(())
    });
    let book = ledger.clone();
    session.on_status(move |change, _| {
        book.status(&change);
        std::future::ready(())
    });
    Ok(session)
}
