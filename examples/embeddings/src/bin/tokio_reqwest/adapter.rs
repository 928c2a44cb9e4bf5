//! The core on tokio. Copy this file as it is; `transport.rs` has the HTTP.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use bilibili_session::poller::{Checkpoint, Outgoing, Output, Poller, RequestId, Status};
pub use bilibili_session::session::Update;
use bilibili_session::{Call, Endpoint, Error, Now, Step};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

use crate::transport::{Answer, Http};

/// Calls the service with the login of a session, and within its pauses. Clones share both.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Never locked while anything is waited for.
    poller: Mutex<Poller>,
    /// Wakes the session: a call may have met a pause, or the end.
    called: Notify,
}

impl Shared {
    fn poller(&self) -> MutexGuard<'_, Poller> {
        self.poller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Makes one call. Dropping the future gives it up.
    pub async fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        let mut call = Call::new(endpoint);
        let mut step = self.shared.poller().start_call(now(), &mut call);
        loop {
            match step {
                Step::Send(request) => {
                    let answer = self.http.send(request).await;
                    let mut poller = self.shared.poller();
                    step = poller.handle_call_response(now(), &mut call, answer);
                    self.shared.called.notify_one();
                }
                Step::Done(result) => return result,
            }
        }
    }
}

/// Messages as they arrive. Dropping it ends it, with all that is in flight.
#[derive(Debug)]
pub struct Session {
    client: Client,
    in_flight: JoinSet<(RequestId, Answer)>,
}

impl Session {
    /// A session that turns this poller, new or resumed.
    pub fn new(poller: Poller, http: Http) -> Self {
        let shared = Shared {
            poller: Mutex::new(poller),
            called: Notify::new(),
        };
        let shared = Arc::new(shared);
        Self {
            client: Client { http, shared },
            in_flight: JoinSet::new(),
        }
    }

    /// For calls with the login of this session.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The state it is in.
    pub fn status(&self) -> Status {
        self.client.shared.poller().status()
    }

    /// Where it stands, to resume from; `None` before it knows.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.client.shared.poller().checkpoint()
    }

    /// Waits for what comes next; `None` after it was closed. Cancel-safe: what is going on is in
    /// the session, not in the future, so that it can stand in a `select!`.
    pub async fn next(&mut self) -> Result<Option<Update>, Error> {
        let Client { http, shared } = &self.client;
        loop {
            let output = shared.poller().poll_output(now());
            match output {
                Output::Send(Outgoing { id, request, .. }) => {
                    let http = http.clone();
                    self.in_flight
                        .spawn(async move { (id, http.send(request).await) });
                }
                Output::Event(event) => return Ok(Some(event.into())),
                Output::Warning(notice) => return Ok(Some(notice.into())),
                Output::Status(change) => return Ok(Some(change.into())),
                Output::Wait(until) => {
                    let pause = until.saturating_sub(now().monotonic);
                    tokio::select! {
                        // What has come in counts before what has run out.
                        biased;
                        Some(done) = self.in_flight.join_next() => take(&mut shared.poller(), done),
                        () = shared.called.notified() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
                Output::Finished(result) => return result.map(|()| None),
            }
        }
    }

    /// Ends it: [`next`](Self::next) has its last words, and then no more.
    pub fn close(&mut self) {
        self.client.shared.poller().handle_close();
        self.in_flight.abort_all();
    }
}

fn take(poller: &mut Poller, done: Result<(RequestId, Answer), JoinError>) {
    // A request that panicked has no answer, the poller gives it up in time.
    if let Ok((id, answer)) = done {
        // Fails when the poller has given it up: then nobody waits for it.
        let _ = poller.handle_response(now(), id, answer);
    }
}

/// What the clocks show.
pub fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Now {
        monotonic: START.elapsed(),
        wall: SystemTime::now().into(),
    }
}
