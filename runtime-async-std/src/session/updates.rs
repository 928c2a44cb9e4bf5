//! A session as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_std::task::sleep;
use bilibili_session::poller::{Outgoing, RequestId};
use bilibili_session::session::{Task, Turn, Update};
use bilibili_session::{TransportError, TransportErrorKind};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};
use futures_util::task::AtomicWaker;
use futures_util::{FutureExt, StreamExt};

use super::Session;
use crate::clock::now;
use crate::transport::{Answer, send_caught};

/// Everything a session has to tell, until it is closed: see [`Session::updates`].
///
/// The requests are part of the stream: they go on when it is asked for its next item, side
/// by side, and end when it is dropped.
#[must_use = "nothing happens unless the stream is polled"]
pub struct Updates {
    session: Session,
    in_flight: FuturesUnordered<BoxFuture<'static, (RequestId, Answer)>>,
    /// Which requests these are, to give them back.
    ids: Vec<RequestId>,
    timer: Option<(Duration, BoxFuture<'static, ()>)>,
    nudged: Arc<AtomicWaker>,
}

impl Updates {
    pub(crate) fn new(session: Session) -> Self {
        let nudged = Arc::default();
        session.watch(&nudged);
        Self {
            session,
            in_flight: FuturesUnordered::new(),
            ids: Vec::new(),
            timer: None,
            nudged,
        }
    }

    /// What is to be handled next; `None` when it is over.
    pub(crate) fn poll_task(&mut self, cx: &mut Context<'_>) -> Poll<Option<Task>> {
        // First: a nudge that comes from now on is noticed.
        self.nudged.register(cx.waker());
        loop {
            // What has come in counts before what has run out.
            while let Poll::Ready(Some((id, answer))) = self.in_flight.poll_next_unpin(cx) {
                self.ids.retain(|known| *known != id);
                self.session.machine().handle_response(now(), id, answer);
            }
            let turn = self.session.machine().poll(now());
            match turn {
                Turn::Send(outgoing) => self.send(outgoing),
                Turn::Handle(task) => return Poll::Ready(Some(task)),
                Turn::Wait(until) => {
                    std::task::ready!(self.poll_timer(cx, until));
                    self.session.machine().handle_timeout(now());
                }
                Turn::Busy => return Poll::Pending,
                Turn::Finished(_) => {
                    self.in_flight.clear();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn send(&mut self, outgoing: Outgoing) {
        let Outgoing { id, request, .. } = outgoing;
        let exchange = send_caught(self.session.client().transport(), request);
        self.ids.push(id);
        self.in_flight
            .push(exchange.map(move |answer| (id, answer)).boxed());
    }

    /// Whether the time has come.
    fn poll_timer(&mut self, cx: &mut Context<'_>, until: Duration) -> Poll<()> {
        let timer = match &mut self.timer {
            Some((set, timer)) if *set == until => timer,
            _ => {
                let wait = until.saturating_sub(now().monotonic);
                &mut self.timer.insert((until, sleep(wait).boxed())).1
            }
        };
        let polled = timer.poll_unpin(cx);
        if polled.is_ready() {
            self.timer = None;
        }
        polled
    }
}

impl Stream for Updates {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        let task = self.poll_task(cx);
        task.map(|task| Some(self.session.machine().hand_out(task?)))
    }
}

/// Ends its requests, and says so, for the case that the session goes on in another stream.
impl Drop for Updates {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            let error =
                TransportError::new(TransportErrorKind::Interrupted, "the stream was dropped");
            let mut machine = self.session.machine();
            machine.handle_response(now(), id, Err(error));
        }
    }
}

impl std::fmt::Debug for Updates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Updates")
            .field("in_flight", &self.ids.len())
            .finish_non_exhaustive()
    }
}
