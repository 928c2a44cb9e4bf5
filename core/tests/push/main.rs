//! The push channel, driven with nothing but values. The bytes of the wire are written and read
//! here by hand.
#![cfg(feature = "push")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "the fuzzer begins with bytes")]
#[path = "../checks/push.rs"]
mod checks;
mod losses;
mod wire;

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::poller::Hint;
use bilibili_session::push::{Loss, Output, PushMachine};
use bilibili_session::{
    ClientConfig, Credential, Hosts, Now, TransportError, TransportErrorKind, UnixMicros,
};
use wire::*;

const COOKIES: &str = "SESSDATA=made%2Cup; bili_jct=0011; buvid3=b3; DedeUserID=10001";
const AUTH: &str = "/bilibili.broadcast.v1.Broadcast/Auth";
const SUBSCRIBE: &str = "/bilibili.broadcast.v1.Broadcast/Subscribe";
const HEARTBEAT: &str = "/bilibili.broadcast.v1.Broadcast/Heartbeat";
const NOTIFY: &str = "/bilibili.broadcast.message.im.Notify/WatchNotify";

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

struct Channel {
    machine: PushMachine,
    clock: Duration,
}

impl Channel {
    fn new(seed: u64) -> Self {
        let context = ClientConfig::new(Credential::parse(COOKIES).unwrap());
        Self {
            machine: PushMachine::new(context, seed),
            clock: ms(5000),
        }
    }

    fn now(&self) -> Now {
        Now {
            monotonic: self.clock,
            wall: UnixMicros(1_700_000_000_000_000),
        }
    }

    fn poll(&mut self) -> Output {
        let now = self.now();
        self.machine.poll_output(now)
    }

    fn frame(&mut self, bytes: &[u8]) {
        let now = self.now();
        self.machine.handle_frame(now, bytes);
    }

    fn lose(&mut self, loss: Loss) {
        let now = self.now();
        self.machine.handle_lost(now, loss);
    }

    #[track_caller]
    fn expect_connect(&mut self) {
        let output = self.poll();
        assert!(matches!(output, Output::Connect(_)), "{output:?}");
    }

    /// The next thing to do is to send; returns the path.
    #[track_caller]
    fn expect_frame(&mut self, n: u8) -> (String, String, Vec<u8>) {
        match self.poll() {
            Output::Send(sent) => taken(&sent, n),
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    #[track_caller]
    fn expect_hint(&mut self, expected: Hint) {
        let output = self.poll();
        assert!(
            matches!(output, Output::Hint(hint) if hint == expected),
            "{output:?}"
        );
    }

    #[track_caller]
    fn expect_lost(&mut self, expected: &Loss) {
        let output = self.poll();
        assert!(matches!(output, Output::Disconnect), "{output:?}");
        match self.poll() {
            Output::Lost(loss) => assert_eq!(loss, *expected),
            other => panic!("expected a loss, got {other:?}"),
        }
    }

    /// The connection is dropped, and nobody is told.
    #[track_caller]
    fn expect_dropped(&mut self) -> Duration {
        let output = self.poll();
        assert!(matches!(output, Output::Disconnect), "{output:?}");
        self.expect_wait()
    }

    #[track_caller]
    fn expect_wait(&mut self) -> Duration {
        match self.poll() {
            Output::Wait(until) => {
                assert!(until > self.clock, "a wait for the past");
                until - self.clock
            }
            other => panic!("expected a wait, got {other:?}"),
        }
    }

    #[track_caller]
    fn wait(&mut self) -> Duration {
        let wait = self.expect_wait();
        self.clock += wait;
        wait
    }

    /// Connects; returns the id of the connection.
    #[track_caller]
    fn open(&mut self) -> String {
        self.expect_connect();
        let now = self.now();
        self.machine.handle_connected(now);
        let (path, kind, body) = self.expect_frame(1);
        assert_eq!(path, AUTH);
        assert_eq!(kind, "type.googleapis.com/bilibili.broadcast.v1.AuthReq");
        let [(1, guid)] = &fields(&body)[..] else {
            panic!("{body:?}");
        };
        String::from_utf8(guid.clone()).unwrap()
    }

    #[track_caller]
    fn connect(&mut self) {
        self.open();
        self.frame(&frame(AUTH, b""));
        let (path, kind, body) = self.expect_frame(2);
        assert_eq!(path, SUBSCRIBE);
        assert_eq!(kind, "type.googleapis.com/bilibili.broadcast.v1.TargetPath");
        assert_eq!(fields(&body), [(1, NOTIFY.as_bytes().to_vec())]);
        let output = self.poll();
        assert!(matches!(output, Output::Connected), "{output:?}");
        assert!(self.machine.is_connected());
        self.expect_hint(Hint::Connected);
    }
}

fn broken() -> Loss {
    TransportError::new(TransportErrorKind::Interrupted, "made up").into()
}

#[test]
fn the_handshake_is_whole() {
    let mut channel = Channel::new(1);
    let Output::Connect(handshake) = channel.poll() else {
        panic!("no handshake");
    };
    let request = &handshake.request;
    assert_eq!(request.method(), "GET");
    assert_eq!(
        request.uri().to_string(),
        "wss://broadcast.chat.bilibili.com:7826/sub"
    );
    let headers: BTreeSet<(&str, &str)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let user_agent = request.headers()["user-agent"].to_str().unwrap();
    assert!(user_agent.starts_with("Mozilla/5.0"));
    let expected = BTreeSet::from([
        ("cookie", COOKIES),
        ("origin", "https://message.bilibili.com"),
        ("sec-websocket-protocol", "proto"),
        ("user-agent", user_agent),
    ]);
    assert_eq!(headers, expected);
    assert_eq!(handshake.deadline, channel.clock + ms(15_000));
    let shown = format!("{handshake:?} {:?}", channel.machine);
    assert!(!shown.contains("made"), "{shown}");
}

#[test]
fn the_next_connection_has_the_cookies_of_a_renewed_login() {
    let mut channel = Channel::new(1);
    channel.connect();
    let renewed = Credential::parse("SESSDATA=renewed").unwrap();
    channel.machine.set_credential(&renewed);
    channel.lose(broken());
    let handshake = loop {
        match channel.poll() {
            Output::Connect(handshake) => break handshake,
            Output::Wait(until) => channel.clock = until,
            Output::Lost(_) | Output::Disconnect => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(handshake.request.headers()["cookie"], "SESSDATA=renewed");
}

#[test]
fn an_origin_takes_the_place_of_the_host() {
    for (origin, url, expected) in [
        (
            "http://127.0.0.1:8000/",
            "ws://127.0.0.1:8000/sub",
            ("127.0.0.1", 8000, false),
        ),
        (
            "http://[::1]/base",
            "ws://[::1]/base/sub",
            ("::1", 80, false),
        ),
        (
            "https://http.example.test",
            "wss://http.example.test/sub",
            ("http.example.test", 443, true),
        ),
    ] {
        let context = ClientConfig::new(Credential::parse(COOKIES).unwrap());
        let context = context.hosts(Hosts::origin(origin).unwrap());
        let mut channel = Channel::new(1);
        channel.machine = PushMachine::new(context, 1);
        let Output::Connect(handshake) = channel.poll() else {
            panic!("no handshake");
        };
        let uri: http::Uri = url.parse().unwrap();
        assert_eq!(handshake.request.uri(), &uri);
        let place = (handshake.host(), handshake.port(), handshake.is_secure());
        assert_eq!(place, expected);
    }
}

#[test]
fn each_connection_has_an_id_of_its_own() {
    let mut ids = BTreeSet::new();
    for seed in 0..50 {
        let mut channel = Channel::new(seed);
        for _ in 0..3 {
            let id = channel.open();
            let shape: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(shape, [8, 4, 4, 4, 12], "{id}");
            let digits = |it: char| it == '-' || matches!(it, '0'..='9' | 'a'..='f');
            assert!(id.chars().all(digits), "{id}");
            assert_eq!(&id[14..15], "4", "{id}");
            assert!("89ab".contains(&id[19..20]), "{id}");
            ids.insert(id);
            channel.lose(broken());
            while matches!(channel.poll(), Output::Disconnect | Output::Lost(_)) {}
            channel.wait();
        }
    }
    assert_eq!(ids.len(), 150);
    assert_eq!(Channel::new(7).open(), Channel::new(7).open());
}

#[test]
fn notices_are_hints() {
    let mut channel = Channel::new(1);
    channel.connect();
    for (msg_type, hint) in [
        (1, Some(Hint::Messages)),
        (2, Some(Hint::Messages)),
        (999, Some(Hint::Messages)),
        (108, None),
        (113, Some(Hint::Replies)),
        (114, Some(Hint::At)),
        (115, Some(Hint::Likes)),
    ] {
        channel.frame(&notice(msg_type));
        if let Some(hint) = hint {
            channel.expect_hint(hint);
        }
        channel.expect_wait();
    }
    // Of a notice without a message there is only its `notify_info`, or nothing.
    let info = bytes(3, &bytes(3, &number(2, 20001)));
    for body in [info, number(2, 1), Vec::new()] {
        channel.frame(&frame(NOTIFY, &body));
        channel.expect_hint(Hint::Other);
    }
    // Those that come at once are one.
    for _ in 0..100 {
        channel.frame(&notice(1));
        channel.frame(&notice(113));
    }
    channel.expect_hint(Hint::Messages);
    channel.expect_hint(Hint::Replies);
    for path in ["/bilibili.broadcast.v1.Room/Enter", "x", HEARTBEAT, AUTH] {
        channel.frame(&frame(path, b"\xff\xff"));
        channel.expect_wait();
    }
}

#[test]
fn heartbeats_go_out_every_twenty_seconds() {
    let mut channel = Channel::new(1);
    channel.connect();
    for n in 3..20 {
        assert_eq!(channel.wait(), ms(20_000));
        let (path, kind, body) = channel.expect_frame(n);
        assert_eq!(path, HEARTBEAT);
        assert_eq!(
            kind,
            "type.googleapis.com/bilibili.broadcast.v1.HeartbeatReq"
        );
        assert!(body.is_empty());
        channel.clock += ms(30);
        channel.frame(&frame(HEARTBEAT, b""));
        channel.clock -= ms(30);
    }
}
