//! The core on tokio. Copy this file as it is; `transport.rs` has the HTTP, `push.rs` the push channel.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use bilibili_session::call::{self, Call};
use bilibili_session::poller::{Checkpoint, Hint, Outgoing, Output, Poller, RequestId, Status};
pub use bilibili_session::session::Update;
use bilibili_session::{Endpoint, Error, Now};
use tokio::sync::Notify;
use tokio::task::JoinSet;

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
    /// Wakes the session and the calls that wait: a call may have met a pause, or the end, and keys may have come.
    changed: Notify,
}

impl Shared {
    fn poller(&self) -> MutexGuard<'_, Poller> {
        lock(&self.poller)
    }

    /// Takes an answer at once, also when nobody waits in `next`: a call may wait for it.
    fn take(&self, id: RequestId, answer: Answer) {
        // Fails when the poller has given it up: then nobody waits for it.
        let _ = self.poller().handle_response(now(), id, answer);
        self.changed.notify_waiters();
    }
}

fn lock(poller: &Mutex<Poller>) -> MutexGuard<'_, Poller> {
    poller.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes the others at its end.
struct Wake<'a>(&'a Notify);

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

impl Client {
    /// Makes one call. Dropping the future gives it up.
    pub async fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        let Shared { poller, changed } = &*self.shared;
        // Dropped after the call, for which others may wait.
        let _wake = Wake(changed);
        let mut call = Call::new(endpoint);
        loop {
            // First: no change from now on is missed.
            let change = changed.notified();
            let output = lock(poller).poll_call(now(), &mut call);
            match output {
                call::Output::Send(request) => {
                    let answer = self.http.send(request).await;
                    lock(poller).handle_call_response(now(), &mut call, answer);
                    changed.notify_waiters();
                }
                call::Output::Wait(until) => {
                    let wait = until.saturating_sub(now().monotonic);
                    let _ = tokio::time::timeout(wait, change).await;
                }
                call::Output::Done(result) => return result,
            }
        }
    }
}

impl Client {
    /// Tells the session of this client that something may have changed: it looks at once.
    pub fn hint(&self, hint: Hint) {
        self.shared.poller().handle_hint(now(), hint);
        self.shared.changed.notify_waiters();
    }
}

/// Messages as they arrive. Dropping it ends it, with all that is in flight.
#[derive(Debug)]
pub struct Session {
    client: Client,
    in_flight: JoinSet<()>,
}

impl Session {
    /// A session that turns this poller, new or resumed.
    pub fn new(poller: Poller, http: Http) -> Self {
        let shared = Shared {
            poller: Mutex::new(poller),
            changed: Notify::new(),
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

    /// Returns a checkpoint to resume from; `None` before the baseline is taken.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.client.shared.poller().checkpoint()
    }

    /// Waits for what comes next; `None` after it was closed. Cancel-safe: what is going on is in
    /// the session, not in the future, so that it can stand in a `select!`.
    pub async fn next(&mut self) -> Result<Option<Update>, Error> {
        let Client { http, shared } = &self.client;
        loop {
            // First: no change from now on is missed.
            let change = shared.changed.notified();
            let output = shared.poller().poll_output(now());
            match output {
                Output::Send(Outgoing { id, request, .. }) => {
                    let (http, shared) = (http.clone(), Arc::clone(shared));
                    self.in_flight.spawn(async move {
                        let answer = http.send(request).await;
                        shared.take(id, answer);
                    });
                }
                Output::Event(event) => return Ok(Some(event.into())),
                Output::Feed(event) => return Ok(Some(event.into())),
                Output::Warning(warning) => return Ok(Some(warning.into())),
                Output::Status(change) => return Ok(Some(change.into())),
                Output::Wait(until) => {
                    let pause = until.saturating_sub(now().monotonic);
                    tokio::select! {
                        // What has come in counts before what has run out.
                        biased;
                        // One that panicked has no answer, the poller gives it up in time.
                        Some(_) = self.in_flight.join_next() => {}
                        () = change => {}
                        () = tokio::time::sleep(pause) => {},
                    }
                }
                Output::Finished(result) => return result.map(|()| None),
            }
        }
    }

    /// Ends it: [`next`](Self::next) has its last words, and then no more.
    pub fn close(&mut self) {
        self.client.shared.poller().handle_close();
        self.client.shared.changed.notify_waiters();
        self.in_flight.abort_all();
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
