//! A session as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_std::task::sleep;
use bilibili_session::poller::{Outgoing, Output, RequestId};
use bilibili_session::session::Update;
use bilibili_session::{TransportError, TransportErrorKind};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};
use futures_util::task::AtomicWaker;
use futures_util::{FutureExt, StreamExt};

use crate::clock::now;
use crate::session::Session;
use crate::transport::{Answer, send_caught};

/// Everything a session has to tell, until it is closed: see [`Session::updates`].
///
/// The requests are part of the stream: they go on when it is asked for its next item, side
/// by side, and end when it is dropped.
#[must_use = "nothing happens unless the stream is polled"]
pub struct Updates {
    session: Session,
    /// Whether what is handed out goes to handlers, so that the session remembers it.
    for_handlers: bool,
    in_flight: FuturesUnordered<BoxFuture<'static, (RequestId, Answer)>>,
    /// Which requests these are, to give them back.
    ids: Vec<RequestId>,
    timer: Option<(Duration, BoxFuture<'static, ()>)>,
    closed: Arc<AtomicWaker>,
}

impl Updates {
    pub(crate) fn new(session: Session, for_handlers: bool) -> Self {
        let closed = Arc::default();
        session.watch(&closed);
        Self {
            session,
            for_handlers,
            in_flight: FuturesUnordered::new(),
            ids: Vec::new(),
            timer: None,
            closed,
        }
    }

    fn send(&mut self, outgoing: Outgoing) {
        let Outgoing { id, request, .. } = outgoing;
        let exchange = send_caught(self.session.client().transport(), request);
        self.ids.push(id);
        self.in_flight
            .push(exchange.map(move |answer| (id, answer)).boxed());
    }

    /// Whether the time has come that the poller wants to wait for.
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

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        let this = self.get_mut();
        // First: a close that comes from now on is noticed.
        this.closed.register(cx.waker());
        loop {
            // What has come in counts before what has run out.
            while let Poll::Ready(Some((id, answer))) = this.in_flight.poll_next_unpin(cx) {
                this.ids.retain(|known| *known != id);
                this.session.take(id, answer);
            }
            let update = match this.session.poll_output(this.for_handlers) {
                Output::Send(outgoing) => {
                    this.send(outgoing);
                    continue;
                }
                Output::Event(event) => Update::Event(event),
                Output::Notice(notice) => Update::Notice(notice),
                Output::Status(change) => Update::Status(change),
                Output::Wait(until) => match this.poll_timer(cx, until) {
                    Poll::Ready(()) => {
                        this.session.handle_timeout();
                        continue;
                    }
                    Poll::Pending => return Poll::Pending,
                },
                Output::Finished(_) => {
                    this.in_flight.clear();
                    return Poll::Ready(None);
                }
            };
            return Poll::Ready(Some(update));
        }
    }
}

/// Ends its requests, and says so, for the case that the session goes on in another stream.
impl Drop for Updates {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            let error =
                TransportError::new(TransportErrorKind::Interrupted, "the stream was dropped");
            self.session.take(id, Err(error));
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
