//! Calling handlers.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bilibili_session::Error;
use bilibili_session::session::{Dispatch, Update, handler_panicked};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::Session;
use super::updates::Updates;
use crate::engine::{lock, within};

/// Looks whether an update concerns it, and begins to handle it if so.
pub(crate) type Handler = Arc<Mutex<dyn FnMut(&Update, &Session) -> Option<Handling> + Send>>;

type Handling = BoxFuture<'static, Result<(), String>>;

/// Calls the handlers for everything that the session tells, until it is over.
pub(crate) async fn call_handlers(session: &Session) {
    let mut updates = Updates::new(session.clone());
    let mut at_work = FuturesUnordered::new();
    let drive = |cx: &mut Context<'_>| {
        loop {
            while let Poll::Ready(Some(())) = at_work.poll_next_unpin(cx) {}
            match updates.poll_dispatch(cx) {
                Poll::Ready(Some(dispatch)) => {
                    at_work.push(Work::new(session.clone(), dispatch).call())
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    };
    poll_fn(drive).await;
}

/// An update whose handlers are at work. Dropped in the middle, it is to be handled again.
struct Work {
    session: Session,
    dispatch: Option<Dispatch>,
}

impl Work {
    const fn new(session: Session, dispatch: Dispatch) -> Self {
        let dispatch = Some(dispatch);
        Self { session, dispatch }
    }

    /// Calls one handler after the other.
    async fn call(mut self) {
        let mut failures = Vec::new();
        for handler in self.session.handlers() {
            failures.extend(self.failure_of(&handler).await);
        }
        if let Some(dispatch) = self.dispatch.take() {
            let engine = self.session.engine();
            engine.change(|machine| machine.handle_done(dispatch, failures));
        }
    }

    /// Calls one handler: how it failed, if it did.
    async fn failure_of(&self, handler: &Handler) -> Option<String> {
        let mut work = pin!(async { self.begin(handler)?.await.err() });
        let mut was_refused = false;
        let failure = poll_fn(|cx| {
            let (step, refused) = within(self.session.key(), || work.as_mut().poll(cx));
            was_refused |= refused;
            step.unwrap_or_else(|payload| Poll::Ready(Some(handler_panicked(&*payload))))
        });
        let failure = failure.await;
        failure.or_else(|| was_refused.then(|| Error::WithinHandler.to_string()))
    }

    fn begin(&self, handler: &Handler) -> Option<Handling> {
        let update = self.dispatch.as_ref()?.update();
        lock(handler)(update, &self.session)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(dispatch) = self.dispatch.take() {
            let engine = self.session.engine();
            engine.change(|machine| machine.handle_dropped(&dispatch));
        }
    }
}
