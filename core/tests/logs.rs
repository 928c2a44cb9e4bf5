//! Logs of rounds, requests, calls and warnings, with no cookie in them.
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

/// Keeps each event as a line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

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

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
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
        let body = answer(r#"{"code":-352,"message":"made up"}"#);
        poller.handle_response(now(170), nav.id, Ok(body)).unwrap();
    });
    let lines = lines.0.lock().unwrap().clone();
    assert_eq!(
        lines[..2],
        [
            r#"DEBUG message=call asked="GetUnreadMessages" outcome="ok""#,
            r#"DEBUG message=request asked="nav" took_ms=70 outcome="risk_control" code=-352"#,
        ]
    );
    assert!(lines[2].starts_with("WARN message=risk control, pausing"));
    assert!(lines[2].contains(r#"kind="risk_control""#), "{lines:?}");
    assert_eq!(lines.len(), 3);
    assert!(!lines.concat().contains("made-up-"), "{lines:?}");
}
