//! A session as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_std::task::sleep;
use bilibili_session::session::{Dispatch, Output, Update};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::Stream;
use futures_util::task::AtomicWaker;

use super::Session;

/// Everything a session has to tell, until it is closed: see [`Session::updates`].
///
/// Dropping it loses nothing and ends no request: the requests are the session's, and go on
/// when the next stream of that session is polled. So each turn of a loop may have a stream and
/// a time limit of its own.
#[must_use = "nothing happens unless the stream is polled"]
pub struct Updates {
    session: Session,
    timer: Option<(Duration, BoxFuture<'static, ()>)>,
    /// Wakes whoever polls this.
    driver: Arc<AtomicWaker>,
    /// Wakes all drivers of the session.
    all: Waker,
}

impl Updates {
    pub(crate) fn new(session: Session) -> Self {
        let driver = Arc::default();
        session.engine().watch(&driver);
        Self {
            all: session.engine().waker(),
            session,
            timer: None,
            driver,
        }
    }

    /// What is to be handled next; `None` when it is over.
    pub(crate) fn poll_dispatch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Dispatch>> {
        if self.session.engine().check_wait().is_err() {
            return Poll::Ready(None);
        }
        // First: what wakes from now on is noticed.
        self.driver.register(cx.waker());
        let (engine, requests) = self.session.works();
        loop {
            // What has come in counts before what has run out.
            requests.drive(engine, &self.all);
            let output = engine.machine().poll(engine.now());
            match output {
                Output::Send(outgoing) => {
                    requests.send(self.session.client().transport(), outgoing);
                }
                Output::Handle(dispatch) => return Poll::Ready(Some(dispatch)),
                Output::Wait(until) => {
                    let wait = until.saturating_sub(engine.now().monotonic);
                    std::task::ready!(poll_timer(&mut self.timer, cx, until, wait));
                    engine.machine().handle_timeout(engine.now());
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
}

/// Whether the time has come.
fn poll_timer(
    timer: &mut Option<(Duration, BoxFuture<'static, ()>)>,
    cx: &mut Context<'_>,
    until: Duration,
    wait: Duration,
) -> Poll<()> {
    let running = match timer {
        Some((set, running)) if *set == until => running,
        _ => &mut timer.insert((until, sleep(wait).boxed())).1,
    };
    let polled = running.poll_unpin(cx);
    if polled.is_ready() {
        *timer = None;
    }
    polled
}

impl Stream for Updates {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        let dispatch = std::task::ready!(self.poll_dispatch(cx));
        // Another one may wait behind it.
        let hand_out = |dispatch| {
            let engine = self.session.engine();
            engine.change_by(&self.driver, |machine| machine.hand_out(dispatch))
        };
        Poll::Ready(dispatch.map(hand_out))
    }
}

impl std::fmt::Debug for Updates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Updates")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
