//! The core on smol. Copy this file as it is; `transport.rs` has the HTTP.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use bilibili_session::call;
use bilibili_session::poller::{Outgoing, Output, Poller, RequestId};
use bilibili_session::session::Update;
use bilibili_session::{CallMachine, Error, Now};
use smol::channel::{self, Receiver, Sender};
use smol::{Task, Timer, future};

use crate::transport::{Answer, Http};

/// Messages as they arrive. Dropping it ends it, with all that is in flight.
#[derive(Debug)]
pub struct Session {
    /// For its status and its checkpoint.
    pub poller: Poller,
    http: Http,
    /// A task ends when it is dropped.
    in_flight: BTreeMap<RequestId, Task<()>>,
    outbox: Sender<(RequestId, Answer)>,
    inbox: Receiver<(RequestId, Answer)>,
}

impl Session {
    /// A session that turns this poller, new or resumed.
    pub fn new(poller: Poller, http: Http) -> Self {
        let (outbox, inbox) = channel::unbounded();
        Self {
            poller,
            http,
            in_flight: BTreeMap::new(),
            outbox,
            inbox,
        }
    }

    /// Waits for what comes next; `None` after it was closed. What is going on is in the session, not in the future:
    /// dropping that loses nothing.
    pub async fn next(&mut self) -> Result<Option<Update>, Error> {
        loop {
            match self.poller.poll_output(now()) {
                Output::Send(outgoing) => self.send(outgoing),
                Output::Event(event) => return Ok(Some(event.into())),
                Output::Feed(event) => return Ok(Some(event.into())),
                Output::Warning(warning) => return Ok(Some(warning.into())),
                Output::Status(change) => return Ok(Some(change.into())),
                Output::Wait(until) => self.wait(until).await,
                Output::Finished(result) => return result.map(|()| None),
            }
        }
    }

    /// Makes a call, or a row of calls, with the login of the session, and within its pauses. Dropping the future gives it up.
    pub async fn call<M: CallMachine>(&mut self, mut call: M) -> Result<M::Output, Error> {
        loop {
            match self.poller.poll_call(now(), &mut call) {
                call::Output::Send(request) => {
                    let answer = self.http.send(request).await;
                    self.poller.handle_call_response(now(), &mut call, answer);
                }
                // For its turn, or for the keys that the poller has asked for.
                call::Output::Wait(until) => self.wait(until).await,
                call::Output::Done(result) => return result,
            }
        }
    }

    /// Waits for an answer to the poller, or until this time.
    async fn wait(&mut self, until: Duration) {
        let answer = async { self.inbox.recv().await.ok() };
        let pause = async {
            Timer::after(until.saturating_sub(now().monotonic)).await;
            None
        };
        // What has come in counts before what has run out: `or` asks its first side first.
        if let Some((id, answer)) = future::or(answer, pause).await {
            self.in_flight.remove(&id);
            // Fails when the poller has given it up: then nobody waits for it.
            let _ = self.poller.handle_response(now(), id, answer);
        }
    }

    /// Ends it: [`next`](Self::next) has its last words, and then no more.
    pub fn close(&mut self) {
        self.poller.handle_close();
        self.in_flight.clear();
    }

    fn send(&mut self, outgoing: Outgoing) {
        let Outgoing { id, request, .. } = outgoing;
        let (http, outbox) = (self.http.clone(), self.outbox.clone());
        let exchange = async move {
            let answer = http.send(request).await;
            // Fails when the session is gone.
            let _ = outbox.send((id, answer)).await;
        };
        self.in_flight.insert(id, smol::spawn(exchange));
    }
}

/// Returns the time that the clocks show.
pub fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Now {
        monotonic: START.elapsed(),
        wall: SystemTime::now().into(),
    }
}
