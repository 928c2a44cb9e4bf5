//! Drives a poller with nothing but values: a script of what it should do and what it is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bilibili_session::poller::{
    Checkpoint, Output, Poller, PollerConfig, RequestId, Status, Warning,
};
use bilibili_session::{
    ClientConfig, ConversationId, Credential, Event, GroupId, Now, TransportError, Uid, UnixMicros,
};
use http::Response;
use serde_json::{Value, json};

pub const OWN: i64 = 10001;
/// The server's clock at the beginning, in seconds.
pub const START: i64 = 1_700_000_000;
pub const INTERVAL: Duration = Duration::from_secs(6);

/// A request as a test sees it.
#[derive(Debug, Clone)]
pub struct Sent {
    pub id: RequestId,
    pub path: String,
    pub query: BTreeMap<String, String>,
}

impl Sent {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

pub struct Scenario {
    pub poller: Poller,
    pub elapsed: Duration,
    /// Error of the local wall clock, in seconds.
    pub skew: i64,
}

pub fn context() -> ClientConfig {
    ClientConfig::new(Credential::parse("SESSDATA=made%2Cup; bili_jct=0011").unwrap())
}

pub fn user(uid: i64) -> ConversationId {
    Uid(uid).into()
}

pub fn group(id: i64) -> ConversationId {
    GroupId(id).into()
}

impl Scenario {
    pub fn new(config: PollerConfig) -> Self {
        let config = config
            .interval(INTERVAL)
            .spacing(Duration::ZERO)
            .send_spacing(Duration::ZERO);
        Self::of(Poller::new(context(), config).unwrap())
    }

    pub fn resume(config: PollerConfig, checkpoint: &Checkpoint) -> Self {
        let config = config
            .interval(INTERVAL)
            .spacing(Duration::ZERO)
            .send_spacing(Duration::ZERO);
        Self::of(Poller::resume(context(), config, checkpoint).unwrap())
    }

    pub fn of(poller: Poller) -> Self {
        Self {
            poller,
            elapsed: Duration::from_secs(1000),
            skew: 0,
        }
    }

    /// Past nav and the base line, with these conversations on the first list.
    pub fn connected(config: PollerConfig, list: &[Value]) -> Self {
        Self::new(config).connect(list)
    }

    /// Past nav and the base line, like [`connected`](Self::connected).
    pub fn connect(mut self, list: &[Value]) -> Self {
        let nav = self.expect_send();
        self.answer(&nav, nav_data());
        let first = self.expect_send();
        self.answer(&first, json!({"session_list": list, "has_more": 0}));
        self.expect_status(Status::Connected);
        self
    }

    pub fn now(&self) -> Now {
        let micros = i64::try_from(self.elapsed.as_micros()).unwrap();
        Now {
            monotonic: self.elapsed,
            wall: UnixMicros((START + self.skew - 1000) * 1_000_000 + micros),
        }
    }

    /// The server's clock, in seconds.
    pub fn server_now(&self) -> i64 {
        START - 1000 + i64::try_from(self.elapsed.as_secs()).unwrap()
    }

    pub fn poll(&mut self) -> Output {
        let now = self.now();
        self.poller.poll_output(now)
    }

    #[track_caller]
    pub fn expect_send(&mut self) -> Sent {
        match self.poll() {
            Output::Send(outgoing) => crate::drive::parse(&outgoing),
            other => panic!("expected a request, got {other:?}"),
        }
    }

    /// A request to this path.
    #[track_caller]
    pub fn expect_call(&mut self, path: &str) -> Sent {
        let sent = self.expect_send();
        assert_eq!(sent.path, path);
        sent
    }

    #[track_caller]
    pub fn expect_event(&mut self) -> Arc<Event> {
        match self.poll() {
            Output::Event(event) => event,
            other => panic!("expected an event, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_seqnos(&mut self, seqnos: impl IntoIterator<Item = u64>) {
        for seqno in seqnos {
            assert_eq!(self.expect_event().msg_seqno().0, seqno);
        }
    }

    #[track_caller]
    pub fn expect_retry(&mut self) -> Warning {
        let warning = self.expect_warning();
        assert!(matches!(warning, Warning::Retry { .. }), "{warning:?}");
        warning
    }

    #[track_caller]
    pub fn expect_warning(&mut self) -> Warning {
        match self.poll() {
            Output::Warning(warning) => warning,
            other => panic!("expected a warning, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_status(&mut self, status: Status) {
        match self.poll() {
            Output::Status(change) => assert_eq!(change.status, status),
            other => panic!("expected a status, got {other:?}"),
        }
        assert_eq!(self.poller.status(), status);
    }

    /// Nothing to do, until some time in the future.
    #[track_caller]
    pub fn expect_wait(&mut self) -> Duration {
        match self.poll() {
            Output::Wait(until) => {
                assert!(until > self.elapsed, "a wait for the past: {until:?}");
                until - self.elapsed
            }
            other => panic!("expected a wait, got {other:?}"),
        }
    }

    /// Lets the time pass that the poller wants to wait for.
    #[track_caller]
    pub fn wait(&mut self) -> Duration {
        let wait = self.expect_wait();
        self.advance(wait);
        wait
    }

    pub fn advance(&mut self, span: Duration) {
        self.elapsed += span;
    }

    pub fn answer(&mut self, sent: &Sent, data: Value) {
        self.envelope(
            sent,
            &json!({"code": 0, "message": "0", "ttl": 1, "data": data}),
        );
    }

    pub fn refuse(&mut self, sent: &Sent, code: i64) {
        self.envelope(
            sent,
            &json!({"code": code, "message": "made up", "data": null}),
        );
    }

    pub fn envelope(&mut self, sent: &Sent, body: &Value) {
        self.respond(sent, 200, &body.to_string());
    }

    pub fn respond(&mut self, sent: &Sent, status: u16, body: &str) {
        let date = std::time::UNIX_EPOCH + Duration::from_secs(self.server_now().unsigned_abs());
        let response = Response::builder()
            .status(status)
            .header("date", httpdate::fmt_http_date(date))
            .body(body.as_bytes().to_vec())
            .unwrap();
        let now = self.now();
        self.poller
            .handle_response(now, sent.id, Ok(response))
            .unwrap();
    }

    pub fn lose(&mut self, sent: &Sent) {
        let now = self.now();
        let lost = Err(TransportError::timeout());
        self.poller.handle_response(now, sent.id, lost).unwrap();
    }

    /// One round: waits for it, answers the list with these conversations.
    #[track_caller]
    pub fn list(&mut self, list: &[Value]) {
        self.wait();
        let sent = self.expect_call("new_sessions");
        self.answer(&sent, json!({"session_list": list, "has_more": 0}));
    }

    /// The next request is for this conversation; answered with these messages.
    #[track_caller]
    pub fn fetch(&mut self, id: ConversationId, seqnos: &[u64], has_more: bool) -> Sent {
        let sent = self.expect_fetch(id);
        let messages: Vec<Value> = seqnos
            .iter()
            .map(|seqno| self.message(id, *seqno))
            .collect();
        self.answer(&sent, page(&messages, has_more));
        sent
    }

    #[track_caller]
    pub fn expect_fetch(&mut self, id: ConversationId) -> Sent {
        let sent = self.expect_call("fetch_session_msgs");
        assert_eq!(
            sent.get("talker_id"),
            Some(id.talker_id().to_string().as_str())
        );
        assert_eq!(
            sent.get("session_type"),
            Some(id.session_type().to_string().as_str())
        );
        sent
    }

    /// A text of this conversation, sent just now by the other side.
    pub fn message(&self, id: ConversationId, seqno: u64) -> Value {
        text_at(id, seqno, self.server_now())
    }
}

pub fn text_at(id: ConversationId, seqno: u64, timestamp: i64) -> Value {
    json!({
        "sender_uid": if id.is_user() { id.talker_id() } else { 20009 },
        "receiver_type": id.session_type(),
        "receiver_id": if id.is_user() { OWN } else { id.talker_id() },
        "msg_type": 1,
        "content": json!({"content": format!("message {seqno}")}).to_string(),
        "msg_seqno": seqno,
        "timestamp": timestamp,
        "msg_key": 7_300_000_000_000_000_000_i64 + i64::try_from(seqno).unwrap(),
    })
}

/// An entry of a list. Times in seconds since [`START`].
pub fn entry(id: ConversationId, max_seqno: u64, at: i64) -> Value {
    json!({
        "talker_id": id.talker_id(),
        "session_type": id.session_type(),
        "max_seqno": max_seqno,
        "session_ts": (START + at) * 1_000_000,
    })
}

pub fn page(messages: &[Value], has_more: bool) -> Value {
    json!({"messages": messages, "has_more": u8::from(has_more), "min_seqno": 0, "max_seqno": 0})
}

pub fn nav_data() -> Value {
    json!({
        "isLogin": true, "mid": OWN, "uname": "made up", "face": "",
        "wbi_img": {
            "img_url": "https://i0.hdslb.com/bfs/wbi/7cd084941338484aae1ad9425b84077c.png",
            "sub_url": "https://i0.hdslb.com/bfs/wbi/4932caff0ff746eab6f01bf08b70ac45.png",
        },
    })
}
