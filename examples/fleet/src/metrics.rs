//! Counters as Prometheus reads them, on loopback.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;

use crate::error::Error;

type Labels = [(&'static str, &'static str); 1];

/// Bounds of the durations of commits, in seconds.
const BOUNDS: [f64; 8] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Counters of a worker.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    watched: Gauge,
    pub(crate) events: Counter,
    pub(crate) requests: Counter,
    pub(crate) fenced: Counter,
    pub(crate) commit_failures: Counter,
    commits: Histogram,
    commit_entries: Counter,
    warnings: Family<Labels, Counter>,
    replies: Family<Labels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("bili_fleet");
        let watched = Gauge::default();
        registry.register(
            "accounts_watched",
            "Accounts that this worker watches",
            watched.clone(),
        );
        let mut counter = |name, help| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let events = counter("events", "Events that were committed");
        let requests = counter("requests", "Requests that came to an end");
        let fenced = counter(
            "fenced",
            "Entries that were not written, as the lease was lost",
        );
        let commit_failures = counter("commit_failures", "Transactions that failed");
        let commit_entries = counter("commit_entries", "Accounts in all transactions");
        let commits = Histogram::new(BOUNDS);
        let help = "Time of a transaction";
        registry.register_with_unit("commit", help, Unit::Seconds, commits.clone());
        let warnings = Family::default();
        registry.register(
            "warnings",
            "Warnings of the sessions, by kind",
            warnings.clone(),
        );
        let replies = Family::default();
        registry.register(
            "replies",
            "Replies of the outbox, by what came of them",
            replies.clone(),
        );
        Self {
            registry,
            watched,
            events,
            requests,
            fenced,
            commit_failures,
            commits,
            commit_entries,
            warnings,
            replies,
        }
    }
}

impl Metrics {
    pub(crate) fn watched(&self, accounts: usize) {
        self.watched
            .set(i64::try_from(accounts).unwrap_or(i64::MAX));
    }

    pub(crate) fn committed(&self, accounts: usize, took: Duration) {
        self.commits.observe(took.as_secs_f64());
        self.commit_entries.inc_by(accounts as u64);
    }

    pub(crate) fn warning(&self, kind: &'static str) {
        self.warnings.get_or_create(&[("kind", kind)]).inc();
    }

    pub(crate) fn reply(&self, state: &'static str) {
        self.replies.get_or_create(&[("state", state)]).inc();
    }

    fn render(&self) -> Option<String> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).ok()?;
        Some(text)
    }
}

/// Serves the counters on this port of 127.0.0.1, any free one for 0, as long as the runtime lives. Returns the address.
///
/// # Errors
/// Fails when the port is taken.
pub async fn serve(port: u16, metrics: Arc<Metrics>) -> Result<SocketAddr, Error> {
    let refuse = |error| Error::system(format!("port {port} of 127.0.0.1 cannot be served"), error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let metrics = Arc::clone(&metrics);
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let answer = answer(&request, &metrics);
                    async { Ok::<_, Infallible>(answer) }
                });
                // Whoever asks and goes away has lost nothing.
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(address)
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let is_asked_for = request.method() == Method::GET && request.uri().path() == "/metrics";
    let (status, text) = match is_asked_for.then(|| metrics.render()) {
        Some(Some(text)) => (StatusCode::OK, text),
        Some(None) => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        None => (StatusCode::NOT_FOUND, "GET /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    if status == StatusCode::OK {
        let value = HeaderValue::from_static(prometheus_text::CONTENT_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}
