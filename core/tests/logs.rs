//! Spans of rounds, requests and calls, and warnings in them, with no cookie.
#![cfg(feature = "tracing")]
#![allow(clippy::disallowed_types, reason = "a subscriber is shared")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bilibili_session::endpoints::GetUnreadMessages;
use bilibili_session::poller::{Output, Poller, PollerConfig};
use bilibili_session::{Call, ClientConfig, Credential, Now, UnixMicros, call};
use http::Response;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps each span, its end and each event as a line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    lines: Vec<String>,
    spans: Vec<String>,
    inside: Vec<usize>,
}

impl Kept {
    /// Writes a line, behind the names of the spans that it is in.
    fn write(&mut self, line: &str) {
        let names = self.inside.iter().map(|at| self.spans[*at].as_str());
        let names: String = names.map(|name| format!("{name}: ")).collect();
        self.lines.push(names + line);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "bilibili_session"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut kept = self.0.lock().unwrap();
        let mut line = Line(format!("{} begins", span.metadata().name()));
        span.record(&mut line);
        kept.write(&line.0);
        kept.spans.push(span.metadata().name().to_owned());
        Id::from_u64(kept.spans.len() as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut kept = self.0.lock().unwrap();
        let name = kept.spans[id.into_u64() as usize - 1].clone();
        let mut line = Line(format!("{name} has"));
        values.record(&mut line);
        kept.write(&line.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().write(&line.0);
    }

    fn enter(&self, id: &Id) {
        let mut kept = self.0.lock().unwrap();
        kept.inside.push(id.into_u64() as usize - 1);
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().inside.pop();
    }

    fn try_close(&self, id: Id) -> bool {
        let mut kept = self.0.lock().unwrap();
        let name = kept.spans[id.into_u64() as usize - 1].clone();
        kept.write(&format!("{name} is closed"));
        true
    }
}

fn now(ms: u64) -> Now {
    Now {
        monotonic: Duration::from_millis(ms),
        wall: UnixMicros(1_700_000_000_000_000),
    }
}

fn answer(body: &str) -> Response<Vec<u8>> {
    Response::new(body.as_bytes().to_vec())
}

const EXPECTED: [&str; 19] = [
    r#"call begins asked="GetUnreadMessages" path="/x/msgfeed/unread""#,
    r#"call: DEBUG message=ended took_ms=50 outcome="ok""#,
    "call is closed",
    r#"request begins asked="nav" path="/x/web-interface/nav""#,
    r#"request: DEBUG message=ended took_ms=70 outcome="ok""#,
    "request is closed",
    "round begins number=1",
    r#"round: request begins asked="baseline" path="/session_svr/v1/session_svr/get_sessions""#,
    r#"request: DEBUG message=ended took_ms=30 outcome="ok""#,
    "request is closed",
    "round: DEBUG message=ended took_ms=30",
    "round is closed",
    "round begins number=2",
    r#"round: request begins asked="list" path="/session_svr/v1/session_svr/new_sessions""#,
    r#"request: DEBUG message=ended took_ms=30 outcome="risk_control" code=-352"#,
    "request is closed",
    "round: WARN message=risk control",
    "round: DEBUG message=ended took_ms=1000",
    "round is closed",
];

const NAV: &str = r#"{"code":0,"data":{"isLogin":true,"mid":10001,"wbi_img":{
    "img_url":"https://127.0.0.1/7cd084941338484aae1ad9425b84077c.png",
    "sub_url":"https://127.0.0.1/4932caff0ff746eab6f01bf08b70ac45.png"}}}"#;
const LIST: &str = r#"{"code":0,"data":{"session_list":[]}}"#;

#[test]
fn rounds_requests_calls_and_warnings_are_logged() {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let credential = Credential::parse("SESSDATA=made-up-cookie; bili_jct=made-up-token");
        let context = ClientConfig::new(credential.unwrap());
        let mut poller = Poller::new(context, PollerConfig::new()).unwrap();
        let mut unread = Call::new(GetUnreadMessages);
        let call::Output::Send(_) = poller.poll_call(now(0), &mut unread) else {
            panic!()
        };
        let body = answer(r#"{"code":0,"data":{"at":1}}"#);
        poller.handle_call_response(now(50), &mut unread, Ok(body));
        let Output::Send(nav) = poller.poll_output(now(100)) else {
            panic!()
        };
        let body = answer(NAV);
        poller.handle_response(now(170), nav.id, Ok(body)).unwrap();
        // The baseline, and then the list of the first round, which is refused.
        for (at, body) in [
            (1000, LIST),
            (60_000, r#"{"code":-352,"message":"made up"}"#),
        ] {
            let sent = loop {
                match poller.poll_output(now(at)) {
                    Output::Send(sent) => break sent,
                    Output::Status(_) => {}
                    other => panic!("{other:?}"),
                }
            };
            poller
                .handle_response(now(at + 30), sent.id, Ok(answer(body)))
                .unwrap();
        }
        while !matches!(poller.poll_output(now(61_000)), Output::Wait(_)) {}
    });
    let lines = lines.0.lock().unwrap().lines.clone();
    assert!(!lines.concat().contains("made-up-"), "{lines:?}");
    // A subscriber is told of each field by itself.
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| !line.contains(" has"))
        .map(|line| line.split(", pausing").next().unwrap())
        .collect();
    assert_eq!(lines, EXPECTED);
}
