//! The core on tokio. Copy this file as it is; `transport.rs` has the HTTP.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use bilibili_session::poller::{Outgoing, Output, Poller, RequestId};
pub use bilibili_session::session::Update;
use bilibili_session::{Account, Call, Context, Endpoint, Error, Now, Step};
use tokio::task::{JoinError, JoinSet};

use crate::transport::{Answer, Http};

/// Calls the service. Clones share connections and keys.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
    account: Arc<Mutex<Account>>,
}

impl Client {
    /// A client that has sent nothing yet.
    pub fn new(context: Context, http: Http) -> Self {
        let account = Arc::new(Mutex::new(Account::new(context)));
        Self { http, account }
    }

    /// Makes one call. Dropping the future gives it up.
    pub async fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        let mut call = Call::new(endpoint);
        let mut step = call.start(&mut self.account(), now());
        loop {
            match step {
                Step::Send(request) => {
                    let answer = self.http.send(request).await;
                    step = call.handle_response(&mut self.account(), now(), answer);
                }
                Step::Done(result) => return result,
            }
        }
    }

    /// Never held while anything is waited for.
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages as they arrive. Dropping it ends it, with all that is in flight.
#[derive(Debug)]
pub struct Session {
    /// For its status and its checkpoint.
    pub poller: Poller,
    http: Http,
    in_flight: JoinSet<(RequestId, Answer)>,
}

impl Session {
    /// A session that turns this poller, new or resumed.
    pub fn new(poller: Poller, http: Http) -> Self {
        let in_flight = JoinSet::new();
        Self {
            poller,
            http,
            in_flight,
        }
    }

    /// Waits for what comes next; `None` after it was closed. Cancel-safe: what is going on is in
    /// the session, not in the future, so that it can stand in a `select!`.
    pub async fn next(&mut self) -> Result<Option<Update>, Error> {
        loop {
            match self.poller.poll_output(now()) {
                Output::Send(Outgoing { id, request, .. }) => {
                    let http = self.http.clone();
                    self.in_flight
                        .spawn(async move { (id, http.send(request).await) });
                }
                Output::Event(event) => return Ok(Some(event.into())),
                Output::Notice(notice) => return Ok(Some(notice.into())),
                Output::Status(change) => return Ok(Some(change.into())),
                Output::Wait(until) => {
                    let pause = until.saturating_sub(now().monotonic);
                    tokio::select! {
                        // What has come in counts before what has run out.
                        biased;
                        Some(done) = self.in_flight.join_next() => self.take(done),
                        () = tokio::time::sleep(pause) => self.poller.handle_timeout(now()),
                    }
                }
                Output::Finished(result) => return result.map(|()| None),
            }
        }
    }

    /// Ends it: [`next`](Self::next) has its last words, and then no more.
    pub fn close(&mut self) {
        self.poller.handle_close();
        self.in_flight.abort_all();
    }

    fn take(&mut self, done: Result<(RequestId, Answer), JoinError>) {
        // A request that panicked has no answer, the poller gives it up in time.
        if let Ok((id, answer)) = done {
            // Fails when the poller has given it up: then nobody waits for it.
            let _ = self.poller.handle_response(now(), id, answer);
        }
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
