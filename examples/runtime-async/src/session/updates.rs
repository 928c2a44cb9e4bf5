//! A session as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bilibili_session::session::{Dispatch, Update};
use futures_util::stream::Stream;

use super::Session;
use crate::Runtime;
use crate::engine::Driver;

/// Stream of messages, warnings and status changes of a session: see [`Session::updates`].
///
/// Dropping it loses nothing and ends no request: the requests are the session's, and go on
/// when the next stream of that session is polled. So each turn of a loop may have a stream and
/// a time limit of its own.
#[must_use = "nothing happens unless the stream is polled"]
pub struct Updates<R> {
    session: Session<R>,
    driver: Driver,
}

impl<R: Runtime> Updates<R> {
    pub(crate) fn new(session: Session<R>) -> Self {
        let driver = Driver::new(session.engine());
        Self { session, driver }
    }

    /// Waits for the next update to handle; `None` when the session is over.
    pub(crate) fn poll_dispatch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Dispatch>> {
        let (shared, driver) = (&*self.session.shared, &mut self.driver);
        let transport = shared.client.transport();
        R::poll_turn(cx, |cx| {
            driver.poll_next(cx, &shared.engine, &shared.requests, &transport)
        })
    }
}

impl<R: Runtime> Stream for Updates<R> {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        let dispatch = ready!(self.poll_dispatch(cx));
        let engine = self.session.engine();
        Poll::Ready(dispatch.map(|dispatch| self.driver.deliver(engine, dispatch)))
    }
}

impl<R: Runtime> fmt::Debug for Updates<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
