//! Drives a poller against a server that is a closure, and keeps a log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bilibili_session::poller::{Outgoing, Output, Status, Warning};
use bilibili_session::{ConversationId, FeedEvent};
use http::Response;
use serde_json::{Value, json};

use crate::scenario::{Scenario, Sent};

#[derive(Default)]
pub struct Log {
    pub events: Vec<(ConversationId, u64)>,
    pub warnings: Vec<Warning>,
    pub feeds: Vec<Arc<FeedEvent>>,
    pub statuses: Vec<Status>,
    /// Requests by their path.
    pub requests: BTreeMap<String, usize>,
}

impl Log {
    pub fn fetches(&self) -> usize {
        self.requests
            .get("fetch_session_msgs")
            .copied()
            .unwrap_or_default()
    }
}

pub fn parse(outgoing: &Outgoing) -> Sent {
    let uri = outgoing.request.uri();
    let query = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
    Sent {
        id: outgoing.id,
        path: uri.path().rsplit('/').next().unwrap().to_owned(),
        query: query.into_owned().collect(),
    }
}

/// Drives for so long. `serve` answers with a body, and with how far the `Date` of the answer
/// is off, or without one.
pub fn drive(
    scenario: &mut Scenario,
    length: Duration,
    mut serve: impl FnMut(&mut Scenario, &Sent) -> (Value, Option<i64>),
) -> Log {
    let mut log = Log::default();
    let end = scenario.elapsed + length;
    let mut outputs_at_once = 0;
    while scenario.elapsed < end {
        outputs_at_once += 1;
        assert!(outputs_at_once < 100_000, "no time passes");
        match scenario.poll() {
            Output::Event(event) => log.events.push((event.conversation, event.msg_seqno().0)),
            Output::Warning(warning) => log.warnings.push(warning),
            Output::Feed(event) => log.feeds.push(event),
            Output::Status(change) => log.statuses.push(change.status),
            Output::Finished(result) => panic!("finished {result:?}"),
            Output::Wait(until) => {
                assert!(until > scenario.elapsed, "waits for the past");
                scenario.elapsed = until;
                outputs_at_once = 0;
            }
            Output::Send(outgoing) => {
                let sent = parse(&outgoing);
                *log.requests.entry(sent.path.clone()).or_default() += 1;
                let (body, date) = serve(scenario, &sent);
                let mut response = Response::builder().status(200);
                if let Some(off) = date {
                    let date = (scenario.server_now() + off).unsigned_abs();
                    let date = std::time::UNIX_EPOCH + Duration::from_secs(date);
                    response = response.header("date", httpdate::fmt_http_date(date));
                }
                let response = response.body(body.to_string().into_bytes()).unwrap();
                let now = scenario.now();
                scenario
                    .poller
                    .handle_response(now, sent.id, Ok(response))
                    .unwrap();
            }
        }
    }
    log
}

pub fn ok(data: Value) -> Value {
    json!({"code": 0, "message": "0", "data": data})
}

/// A bound in a query, or this where there is none.
pub fn bound(sent: &Sent, name: &str, default: u64) -> u64 {
    sent.get(name).map_or(default, |text| text.parse().unwrap())
}

/// The messages of these that a request asks for, the newest first, written at `at`.
pub fn within(sent: &Sent, seqnos: &[u64], message: impl Fn(u64) -> Value) -> Vec<Value> {
    let (begin, end) = (
        bound(sent, "begin_seqno", 0),
        bound(sent, "end_seqno", u64::MAX),
    );
    seqnos
        .iter()
        .rev()
        .filter(|seqno| begin < **seqno && **seqno < end)
        .map(|seqno| message(*seqno))
        .collect()
}
