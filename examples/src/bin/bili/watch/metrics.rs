//! `--metrics PORT`: the counters as Prometheus reads them, on loopback.

use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

use bilibili_session::poller::Delays;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::stats::{Stats, named};
use crate::failure::Failure;
use crate::texts::text;

/// Wait after a connection could not be taken: others have to end first, most likely.
const PATIENCE: Duration = Duration::from_millis(100);

/// Serves the counters on this port of 127.0.0.1, any free one for 0, as long as the process
/// runs. Returns the port.
pub(super) fn serve(port: u16, stats: Stats) -> Result<u16, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::Usage(text!("metrics-unservable", port = port, error = error))
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?.port();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Output)?;
    thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || runtime.block_on(accept(listener, stats)))
        .map_err(Failure::Output)?;
    Ok(bound)
}

async fn accept(listener: TcpListener, stats: Stats) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PATIENCE).await;
            continue;
        };
        let stats = stats.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = answer(&request, &stats);
                async { Ok::<_, Infallible>(answer) }
            });
            // Whoever asks and goes away has lost nothing.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn answer(request: &Request<Incoming>, stats: &Stats) -> Response<Full<Bytes>> {
    let is_asked_for = request.method() == Method::GET && request.uri().path() == "/metrics";
    let (status, text) = match is_asked_for {
        true => match render(stats) {
            Ok(text) => (StatusCode::OK, text),
            Err(fmt::Error) => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        },
        false => (StatusCode::NOT_FOUND, "GET /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    if status == StatusCode::OK {
        let value = http::HeaderValue::from_static(prometheus_text::CONTENT_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

fn render(stats: &Stats) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("bilibili_session");
    registry.register_collector(Box::new(Collected(stats.clone())));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

/// The counters at the time of a scrape.
struct Collected(Stats);

impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collected").finish_non_exhaustive()
    }
}

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (counters, status) = self.0.read();
        let mut count = |name, help, value: u64| {
            let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter);
            counter?.encode_counter::<NoLabelSet, _, f64>(&value, None)
        };
        count("rounds", "Rounds that were begun", counters.rounds)?;
        count("warnings", "Warnings of the poller", counters.warnings)?;
        count("pauses", "Pauses for all requests", counters.pauses)?;
        let families = [
            (
                "requests",
                "Requests, by outcome",
                named(&counters.requests),
            ),
            (
                "calls",
                "Calls beside the poller, by outcome",
                named(&counters.calls),
            ),
        ];
        for (name, help, outcomes) in families {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (outcome, value) in outcomes {
                let label = [("outcome", outcome)];
                let mut metric = family.encode_family(&label)?;
                metric.encode_counter::<NoLabelSet, _, f64>(&value, None)?;
            }
        }
        let help = "Messages and notifications that were delivered";
        let mut family = encoder.encode_descriptor("events", help, None, MetricType::Counter)?;
        let kinds = [
            ("message", counters.events),
            ("notification", counters.notifications),
        ];
        for (kind, value) in kinds {
            let label = [("kind", kind)];
            let mut metric = family.encode_family(&label)?;
            metric.encode_counter::<NoLabelSet, _, f64>(&value, None)?;
        }
        let help = "Length of all pauses together";
        let seconds = Some(&Unit::Seconds);
        encoder
            .encode_descriptor("paused", help, seconds, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, f64>(&counters.paused.as_secs_f64(), None)?;
        let help = "Time from a message to its delivery";
        let mut histogram =
            encoder.encode_descriptor("event_delay", help, seconds, MetricType::Histogram)?;
        let (total, buckets) = buckets(&counters.delays);
        let sum = counters.delays.sum.as_secs_f64();
        histogram.encode_histogram::<NoLabelSet>(sum, total, &buckets, None)?;
        let help = "0 init, 1 connected, 2 closing, 3 closed, 4 error";
        encoder
            .encode_descriptor("status", help, None, MetricType::Gauge)?
            .encode_gauge(&i64::from(status.code()))
    }
}

/// Returns the number of all delays, and the numbers by bound.
fn buckets(delays: &Delays) -> (u64, Vec<(f64, u64)>) {
    let bounds = Delays::BOUNDS.iter().map(|bound| *bound as f64);
    let buckets = bounds.chain([f64::MAX]).zip(delays.counts).collect();
    (delays.counts.iter().sum(), buckets)
}
