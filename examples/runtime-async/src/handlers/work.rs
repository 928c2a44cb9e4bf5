//! Calls of handlers.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use bilibili_session::session::{Dispatch, HandlerId};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Handling;
use crate::engine::lock;
use crate::session::Updates;
use crate::{Runtime, Session};

/// Calls the handlers for everything that the session tells, until it is over.
pub(crate) async fn call_handlers<R: Runtime>(session: &Session<R>) {
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
pub(crate) struct Work<R: Runtime> {
    session: Session<R>,
    dispatch: Option<Dispatch>,
}

impl<R: Runtime> Work<R> {
    pub(crate) const fn new(session: Session<R>, dispatch: Dispatch) -> Self {
        let dispatch = Some(dispatch);
        Self { session, dispatch }
    }

    /// Calls one handler after the other.
    pub(crate) async fn call(mut self) {
        let mut failures = Vec::new();
        let ids = lock(&self.session.shared.handlers).ids();
        for id in ids {
            let handling = pin!(async {
                match self.begin(id) {
                    Some(handling) => handling.await,
                    None => Ok(()),
                }
            });
            failures.extend(self.session.engine().failure_of(handling).await);
        }
        if let Some(dispatch) = self.dispatch.take() {
            let engine = self.session.engine();
            engine.change(|machine| machine.handle_done(dispatch, failures));
        }
    }

    fn begin(&self, id: HandlerId) -> Option<Handling> {
        let handler = lock(&self.session.shared.handlers).get(id).cloned()?;
        lock(&handler)(self.dispatch.as_ref()?.update(), &self.session)
    }
}

impl<R: Runtime> Drop for Work<R> {
    fn drop(&mut self) {
        if let Some(dispatch) = self.dispatch.take() {
            let engine = self.session.engine();
            engine.change(|machine| machine.handle_dropped(&dispatch));
        }
    }
}
