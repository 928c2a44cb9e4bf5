//! The loop that drives the machine of a session.

use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use async_std::task::sleep;
use bilibili_session::session::{Dispatch, Output, Update};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;

use super::{Engine, Requests};
use crate::transport::AnyTransport;

/// One of those that drive a session: a stream, or the loop that calls handlers.
pub(crate) struct Driver {
    timer: Option<(Duration, BoxFuture<'static, ()>)>,
    /// Wakes whoever polls this.
    own: Arc<AtomicWaker>,
    /// Wakes all drivers of the session.
    all: Waker,
}

impl Driver {
    pub(crate) fn new(engine: &Engine) -> Self {
        let own = Arc::default();
        engine.watch(&own);
        Self {
            timer: None,
            own,
            all: engine.waker(),
        }
    }

    /// Drives the machine until there is an update to handle; `None` when the session is over.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        engine: &Engine,
        requests: &Requests,
        transport: &AnyTransport,
    ) -> Poll<Option<Dispatch>> {
        if engine.check_wait().is_err() {
            return Poll::Ready(None);
        }
        // First: what wakes from now on is noticed.
        self.own.register(cx.waker());
        loop {
            // What has come in counts before what has run out.
            requests.drive(engine, &self.all);
            let output = engine.machine().poll(engine.now());
            match output {
                Output::Send(outgoing) => requests.send(Arc::clone(transport), outgoing),
                Output::Handle(dispatch) => return Poll::Ready(Some(dispatch)),
                Output::Wait(until) => {
                    let wait = until.saturating_sub(engine.now().monotonic);
                    ready!(self.poll_timer(cx, until, wait));
                }
                // Somebody else has something in hand, and wakes when that is over.
                Output::Busy => return Poll::Pending,
                Output::Finished(_) => {
                    requests.end();
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Hands an update to a stream. Another driver may wait for it; this one needs no waking.
    pub(crate) fn hand_out(&self, engine: &Engine, dispatch: Dispatch) -> Update {
        let update = engine.machine().hand_out(dispatch);
        engine.drivers.wake_but(Some(&self.own));
        update
    }

    /// Waits until the time has come.
    fn poll_timer(&mut self, cx: &mut Context<'_>, until: Duration, wait: Duration) -> Poll<()> {
        let running = match &mut self.timer {
            Some((set, running)) if *set == until => running,
            timer => &mut timer.insert((until, sleep(wait).boxed())).1,
        };
        ready!(running.poll_unpin(cx));
        self.timer = None;
        Poll::Ready(())
    }
}
