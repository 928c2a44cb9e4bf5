//! The core on tokio and reqwest. Copy this file as it is.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bilibili_session::poller::{
    ConfigError, Notice, Outgoing, Output, Poller, PollerConfig, RequestId, StatusChange,
};
use bilibili_session::{
    Account, Call, Context, Endpoint, Error, Event, Now, Step, TransportError, TransportErrorKind,
    UnixMicros,
};
use http::{Request, Response};
use tokio::task::{JoinError, JoinSet};

/// What comes of a request.
pub type Answer = Result<Response<Vec<u8>>, TransportError>;

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

/// What a session has to tell.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time, and moved once")]
pub enum Update {
    /// A message arrived.
    Event(Event),
    /// Something went wrong and was dealt with.
    Notice(Notice),
    /// The state changed.
    Status(StatusChange),
}

/// Messages as they arrive. Dropping it ends it, with all that is in flight.
#[derive(Debug)]
pub struct Session {
    http: Http,
    poller: Poller,
    in_flight: JoinSet<(RequestId, Answer)>,
}

impl Session {
    /// A session that begins now. Its poller's checkpoint is what another one could be resumed from.
    pub fn new(context: Context, http: Http, config: PollerConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            http,
            poller: Poller::new(context, config)?,
            in_flight: JoinSet::new(),
        })
    }

    /// Waits for what comes next; `None` after it was closed. Cancel-safe: what is going on is in
    /// the session, not in the future, so that it can stand in a `select!`.
    pub async fn next(&mut self) -> Result<Option<Update>, Error> {
        loop {
            // What has come in counts before what has run out.
            while let Some(done) = self.in_flight.try_join_next() {
                self.take(done);
            }
            match self.poller.poll_output(now()) {
                Output::Send(Outgoing { id, request, .. }) => {
                    let http = self.http.clone();
                    self.in_flight
                        .spawn(async move { (id, http.send(request).await) });
                }
                Output::Event(event) => return Ok(Some(Update::Event(event))),
                Output::Notice(notice) => return Ok(Some(Update::Notice(notice))),
                Output::Status(change) => return Ok(Some(Update::Status(change))),
                Output::Wait(until) => {
                    let pause = until.saturating_sub(now().monotonic);
                    tokio::select! {
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

/// The transport: it carries bytes, what they mean is decided in the core.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    body_limit: usize,
}

impl Http {
    /// 30 s for an exchange, 16 MiB for a body, no proxy.
    pub fn new() -> reqwest::Result<Self> {
        let builder = reqwest::Client::builder().timeout(Duration::from_secs(30));
        Self::with(builder.no_proxy(), 16 << 20)
    }

    /// With a timeout, a proxy and certificates of one's own.
    pub fn with(builder: reqwest::ClientBuilder, body_limit: usize) -> reqwest::Result<Self> {
        let client = builder
            // Cookies go nowhere else, and nothing is sent twice.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .build()?;
        Ok(Self { client, body_limit })
    }

    /// Sends a request, and waits for the whole answer.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Answer {
        let request = request.try_into().map_err(explain)?;
        let mut answer = self.client.execute(request).await.map_err(explain)?;
        let mut response = Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        while let Some(chunk) = answer.chunk().await.map_err(explain)? {
            if response.body().len() + chunk.len() > self.body_limit {
                let message = format!("more than {} bytes", self.body_limit);
                return Err(TransportError::new(
                    TransportErrorKind::BodyTooLarge,
                    message,
                ));
            }
            response.body_mut().extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

/// reqwest's words are left out: they hold the address, and its query.
fn explain(error: reqwest::Error) -> TransportError {
    use TransportErrorKind::{Connect, Interrupted, Other, Tls};
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    // rustls reports what it refuses as invalid data.
    let is_tls = |cause: &io::Error| cause.kind() == io::ErrorKind::InvalidData;
    let is_tls = causes.filter_map(|cause| cause.downcast_ref()).any(is_tls);
    let (kind, message) = if error.is_timeout() {
        return TransportError::timeout();
    } else if is_tls {
        (Tls, "TLS failed")
    } else if error.is_connect() {
        (Connect, "the host could not be reached")
    } else if error.is_builder() {
        (Other, "reqwest cannot send such a request")
    } else {
        (Interrupted, "no whole answer came")
    };
    TransportError::new(kind, message)
}

/// What the clocks show.
pub fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    Now {
        monotonic: START.elapsed(),
        wall: UnixMicros(0).plus(wall.unwrap_or_default()),
    }
}
