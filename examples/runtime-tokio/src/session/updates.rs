//! A session as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bilibili_session::session::{Dispatch, Update};
use futures_util::stream::Stream;
use tokio::task::coop::poll_proceed;

use super::Session;
use crate::engine::Driver;

/// Stream of messages, warnings and status changes of a session: see [`Session::updates`].
///
/// Dropping it loses nothing and ends no request: the requests are the session's, and go on
/// when the next stream of that session is polled. So each turn of a loop may have a stream and
/// a time limit of its own.
#[must_use = "nothing happens unless the stream is polled"]
pub struct Updates {
    session: Session,
    driver: Driver,
}

impl Updates {
    pub(crate) fn new(session: Session) -> Self {
        let driver = Driver::new(session.engine());
        Self { session, driver }
    }

    /// Waits for the next update to handle; `None` when the session is over.
    pub(crate) fn poll_dispatch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Dispatch>> {
        // Where there is always more, the other tasks of the thread have their turn as well.
        let turn = ready!(poll_proceed(cx));
        let shared = &*self.session.shared;
        let transport = shared.client.transport();
        let next = self
            .driver
            .poll_next(cx, &shared.engine, &shared.requests, &transport);
        if next.is_ready() {
            turn.made_progress();
        }
        next
    }
}

impl Stream for Updates {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        let dispatch = ready!(self.poll_dispatch(cx));
        let engine = self.session.engine();
        Poll::Ready(dispatch.map(|dispatch| self.driver.deliver(engine, dispatch)))
    }
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
