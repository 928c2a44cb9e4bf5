//! A session in virtual time.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};

use bilibili_session::Now;
use bilibili_session::session::{Driven, Output, SessionMachine, Sleep, Update};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::Session;
use crate::Runtime;
use crate::handlers::Work;

/// A session that is driven by hand, in a time that it is told: see [`Session::by_hand`].
#[derive(Debug)]
pub struct ByHand<R: Runtime> {
    session: Session<R>,
    at_work: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl<R: Runtime> ByHand<R> {
    pub(super) fn new(session: Session<R>) -> Self {
        let at_work = FuturesUnordered::new();
        Self { session, at_work }
    }

    /// Polls the handlers until none of them can go on by itself.
    fn drive_handlers(&mut self) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Arc::clone(&woken).into();
        let mut cx = Context::from_waker(&waker);
        while woken.0.swap(false, Ordering::AcqRel) {
            while let Poll::Ready(Some(())) = self.at_work.poll_next_unpin(&mut cx) {}
        }
    }
}

/// Set when a handler can go on.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl<R: Runtime> Driven for ByHand<R> {
    fn poll_output(&mut self, now: Now, handled: &mut dyn FnMut(&Update)) -> Output {
        let engine = self.session.engine();
        engine.set_time(now);
        // The machine may have changed by hand since.
        engine.drivers.wake_but(None);
        loop {
            self.drive_handlers();
            // A statement of its own: no lock is held while handlers run.
            let output = self.session.engine().machine().poll_output(now);
            let Output::Handle(dispatch) = output else {
                return output;
            };
            handled(dispatch.update());
            let work = Work::new(self.session.clone(), dispatch);
            self.at_work.push(work.call().boxed());
        }
    }

    fn set_sleep(&mut self, sleep: Sleep) {
        self.session.engine().set_sleep(sleep);
    }

    fn machine(&self) -> impl Deref<Target = SessionMachine> {
        self.session.engine().machine()
    }

    fn machine_mut(&mut self) -> impl DerefMut<Target = SessionMachine> {
        self.session.engine().machine()
    }
}
