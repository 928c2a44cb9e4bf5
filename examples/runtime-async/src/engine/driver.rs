//! The loop that drives the machine of a session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bilibili_session::session::{Dispatch, Output, Update};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::task::AtomicWaker;

use super::{Engine, Requests};
use crate::clock::Clock;
use crate::transport::AnyTransport;

/// One of those that drive a session: a stream, or the loop that calls handlers.
pub(crate) struct Driver {
    timer: Timer,
    /// Wakes whoever polls this.
    own: Arc<AtomicWaker>,
}

impl Driver {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self {
            timer: Timer::default(),
            own: engine.drivers.watch(),
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
            requests.drive(engine, &self.own);
            let output = engine.machine().poll_output(engine.now());
            #[cfg(feature = "push")]
            engine.follow_push();
            match output {
                Output::Send(outgoing) => requests.send(Arc::clone(transport), outgoing),
                Output::Handle(dispatch) => return Poll::Ready(Some(dispatch)),
                Output::Wait(until) => {
                    let wait = until.saturating_sub(engine.now().monotonic);
                    ready!(self.timer.poll(cx, engine.clock, until, wait));
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

    /// Delivers an update to a stream. Another driver may wait for it; this one needs no waking.
    pub(crate) fn deliver(&self, engine: &Engine, dispatch: Dispatch) -> Update {
        let update = engine.machine().deliver(dispatch);
        engine.drivers.wake_but(Some(&self.own));
        update
    }
}

/// A timer that goes on from poll to poll while the same time is waited for, or a later one: with each answer the time moves
/// on, and a timer of a runtime is dearer to set than to wait for in vain. So two are kept: the next round comes soon, and
/// before it ends a request may take long.
#[derive(Default)]
pub(crate) struct Timer(BTreeMap<Duration, BoxFuture<'static, ()>>);

impl Timer {
    /// Waits until the time has come, which is so far away.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
        until: Duration,
        wait: Duration,
    ) -> Poll<()> {
        loop {
            let Some((&set, running)) = self.0.range_mut(..=until).next_back() else {
                while self.0.len() > 1 {
                    self.0.pop_first();
                }
                self.0.insert(until, clock.sleep(wait));
                continue;
            };
            ready!(running.poll_unpin(cx));
            self.0.remove(&set);
            if set == until {
                return Poll::Ready(());
            }
        }
    }
}
