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

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::poller::Hint;
use bilibili_session::push::{Loss, Output, PushMachine};
use bilibili_session::{
    ClientConfig, Credential, Hosts, Now, TransportError, TransportErrorKind, UnixMicros,
};
use proptest::prelude::*;

const COOKIES: &str = "SESSDATA=made%2Cup; bili_jct=0011; buvid3=b3; DedeUserID=10001";
const AUTH: &str = "/bilibili.broadcast.v1.Broadcast/Auth";
const SUBSCRIBE: &str = "/bilibili.broadcast.v1.Broadcast/Subscribe";
const HEARTBEAT: &str = "/bilibili.broadcast.v1.Broadcast/Heartbeat";
const NOTIFY: &str = "/bilibili.broadcast.message.im.Notify/WatchNotify";

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

/// A field that holds a number.
fn number(tag: u64, value: u64) -> Vec<u8> {
    [varint(tag << 3), varint(value)].concat()
}

/// A field that holds bytes: a text, or a message.
fn bytes(tag: u64, value: &[u8]) -> Vec<u8> {
    let length = u64::try_from(value.len()).unwrap();
    [varint(tag << 3 | 2), varint(length), value.to_vec()].concat()
}

fn frame(path: &str, body: &[u8]) -> Vec<u8> {
    let any = [bytes(1, b"type.googleapis.com/any"), bytes(2, body)].concat();
    let options = [number(1, 7), number(2, 1), number(3, 0)].concat();
    [
        bytes(1, &options),
        bytes(2, path.as_bytes()),
        bytes(3, &any),
    ]
    .concat()
}

/// A frame with a status that is no success.
fn refusal(path: &str, code: u64, message: &str) -> Vec<u8> {
    let status = [number(1, code), bytes(2, message.as_bytes())].concat();
    [bytes(1, &bytes(4, &status)), bytes(2, path.as_bytes())].concat()
}

/// A notice of a message of this type.
fn notice(msg_type: u64) -> Vec<u8> {
    let message = [
        number(1, 20001),
        number(2, 1),
        number(3, 10001),
        number(5, msg_type),
        bytes(6, br#"{"content":"hi"}"#),
        number(7, 8),
    ]
    .concat();
    let payload = [number(1, 8), bytes(2, &message)].concat();
    let notice = [number(1, 10001), number(2, 1), bytes(3, &payload)].concat();
    frame(NOTIFY, &notice)
}

/// The fields of a message, of numbers and bytes alone.
fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn take(message: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = take(&mut message);
        let value = take(&mut message);
        match key & 7 {
            0 => fields.push((key >> 3, varint(value))),
            2 => {
                let (value, rest) = message.split_at(usize::try_from(value).unwrap());
                fields.push((key >> 3, value.to_vec()));
                message = rest;
            }
            other => panic!("wire type {other}"),
        }
    }
    fields
}

/// Path and body of a frame that the machine sends; its options say that it is the `n`th.
#[track_caller]
fn taken(sent: &[u8], n: u8) -> (String, String, Vec<u8>) {
    let frame = fields(sent);
    let tags: Vec<u64> = frame.iter().map(|(tag, _)| *tag).collect();
    assert_eq!(tags, [1, 2, 3]);
    assert_eq!(fields(&frame[0].1), [(1, vec![n]), (2, vec![n])]);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let any = fields(&frame[2].1);
    assert_eq!(any[0].0, 1);
    let value = any.get(1).map(|(_, value)| value.clone());
    (
        text(&frame[1].1),
        text(&any[0].1),
        value.unwrap_or_default(),
    )
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

#[test]
fn a_silent_server_counts_as_lost() {
    let mut channel = Channel::new(1);
    channel.connect();
    for n in 3..6 {
        assert_eq!(channel.wait(), ms(20_000));
        assert_eq!(channel.expect_frame(n).0, HEARTBEAT);
    }
    assert_eq!(channel.wait(), ms(5000));
    channel.expect_lost(&Loss::Silent);
    assert!(!channel.machine.is_connected());
    // It was connected for more than a minute.
    assert_eq!(channel.wait(), ms(1000));
    channel.connect();

    // Anything that comes is a sign of life.
    for n in 3..9 {
        channel.wait();
        channel.expect_frame(n);
        let now = channel.now();
        channel.machine.handle_alive(now);
    }
}

#[test]
fn waits_double_to_five_minutes() {
    let mut channel = Channel::new(1);
    for (turn, wait) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
        .into_iter()
        .enumerate()
    {
        channel.expect_connect();
        channel.lose(broken());
        // Told once, however often it fails.
        if turn == 0 {
            channel.expect_lost(&broken());
            assert_eq!(channel.wait(), ms(wait * 1000));
        } else {
            assert_eq!(channel.expect_dropped(), ms(wait * 1000));
            channel.wait();
        }
    }
    // A connection of less than a minute changes nothing, one of a minute all.
    for (age, wait) in [(59_999, 300), (60_000, 1), (10, 2), (60_000, 1)] {
        channel.connect();
        let end = channel.clock + ms(age);
        while channel.clock < end {
            channel.frame(&frame(HEARTBEAT, b""));
            channel.clock = end.min(channel.clock + ms(15_000));
            while matches!(channel.poll(), Output::Send(_)) {}
        }
        channel.lose(Loss::Ended);
        channel.expect_lost(&Loss::Ended);
        assert_eq!(channel.wait(), ms(wait * 1000), "{age}");
    }
}

#[test]
fn refusals_are_told_once() {
    let refused = |code| Loss::Refused {
        code,
        message: "made up".to_owned(),
    };
    let mut channel = Channel::new(1);
    channel.open();
    channel.frame(&refusal(AUTH, 5, "made up"));
    channel.expect_lost(&refused(5));
    channel.wait();
    channel.open();
    channel.frame(&refusal(AUTH, 6, "made up"));
    assert_eq!(channel.expect_dropped(), ms(2000));
    channel.wait();
    // The subscription is refused: then it was connected meanwhile.
    channel.connect();
    channel.frame(&refusal(SUBSCRIBE, 7, "made up"));
    channel.expect_lost(&refused(7));
    assert_eq!(channel.wait(), ms(4000));
    // A handshake that is answered with something else.
    channel.expect_connect();
    channel.lose(Loss::Http(http::StatusCode::FORBIDDEN));
    assert_eq!(channel.expect_dropped(), ms(8000));
}

#[test]
fn a_kick_counts_as_a_loss() {
    let mut channel = Channel::new(1);
    channel.connect();
    channel.frame(&frame(NOTIFY, &[number(1, 10001), number(2, 2)].concat()));
    channel.expect_lost(&Loss::Kicked);
    assert_eq!(channel.wait(), ms(1000));
    channel.connect();
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let mut channel = Channel::new(1);
    channel.expect_connect();
    assert_eq!(channel.wait(), ms(15_000));
    channel.expect_lost(&Loss::NoAnswer);
    // The connection that is there after all is dropped.
    let now = channel.now();
    channel.machine.handle_connected(now);
    assert_eq!(channel.expect_dropped(), ms(1000));
    channel.wait();
    channel.open();
    // Nothing counts before the login.
    channel.frame(&notice(1));
    channel.frame(b"\xff");
    assert_eq!(channel.wait(), ms(15_000));
    assert_eq!(channel.expect_dropped(), ms(2000));
}

#[test]
fn garbage_is_ignored_until_there_is_too_much() {
    let mut channel = Channel::new(1);
    channel.connect();
    for _ in 0..4 {
        for _ in 0..15 {
            channel.frame(b"\x08garbage\xff\xff");
        }
        channel.frame(&notice(1));
        channel.expect_hint(Hint::Messages);
    }
    for _ in 0..16 {
        channel.frame(b"");
    }
    channel.expect_lost(&Loss::Unreadable);
    assert_eq!(channel.wait(), ms(1000));
    channel.connect();
}

#[test]
fn it_ends_from_any_state() {
    let states: [fn(&mut Channel); 5] = [
        |_| {},
        Channel::expect_connect,
        |channel| drop(channel.open()),
        Channel::connect,
        |channel| {
            channel.expect_connect();
            channel.lose(broken());
        },
    ];
    for reach in states {
        let mut channel = Channel::new(1);
        reach(&mut channel);
        channel.machine.handle_close();
        let output = channel.poll();
        assert!(matches!(output, Output::Disconnect), "{output:?}");
        channel.frame(&notice(1));
        channel.lose(broken());
        channel.machine.handle_close();
        for _ in 0..3 {
            let output = channel.poll();
            assert!(matches!(output, Output::Closed), "{output:?}");
        }
    }
}

/// Something that happens to a channel.
#[derive(Debug, Clone)]
enum Step {
    Connected,
    Frame(Vec<u8>),
    Alive,
    Lost,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any_bytes = prop::collection::vec(any::<u8>(), 0..64);
    let good = prop_oneof![
        Just(frame(AUTH, b"")),
        Just(frame(HEARTBEAT, b"")),
        Just(refusal(AUTH, 3, "x")),
        (0..200_u64).prop_map(notice),
    ];
    // A frame that is whole but for one byte, or its end.
    let spoilt = (
        good.clone(),
        any::<u8>(),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(mut bytes, value, at, cut)| {
            let at = at.index(bytes.len());
            bytes[at] = value;
            if cut {
                bytes.truncate(at);
            }
            bytes
        });
    let body = any_bytes.clone().prop_map(|body| frame(NOTIFY, &body));
    let step = prop_oneof![
        2 => Just(Step::Connected),
        2 => good.prop_map(Step::Frame),
        2 => spoilt.prop_map(Step::Frame),
        1 => any_bytes.prop_map(Step::Frame),
        1 => body.prop_map(Step::Frame),
        1 => Just(Step::Alive),
        1 => Just(Step::Lost),
        3 => (0..70_000_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// Whatever comes: no panic, no busy loop, reports that alternate, no attempt before its
    /// time.
    #[test]
    fn nothing_that_comes_does_harm(steps in steps(), seed in any::<u64>()) {
        let mut channel = Channel::new(seed);
        let (mut told, mut connects) = (None, 0_u64);
        for step in steps {
            let now = channel.now();
            match step {
                Step::Connected => channel.machine.handle_connected(now),
                Step::Frame(bytes) => channel.machine.handle_frame(now, &bytes),
                Step::Alive => channel.machine.handle_alive(now),
                Step::Lost => channel.machine.handle_lost(now, Loss::Ended),
                Step::Pass(span) => channel.clock += ms(span),
            }
            for turn in 0.. {
                prop_assert!(turn < 50, "a busy loop");
                match channel.poll() {
                    Output::Connected => {
                        prop_assert_ne!(told, Some(true));
                        told = Some(true);
                    }
                    Output::Lost(_) => {
                        prop_assert_ne!(told, Some(false));
                        told = Some(false);
                    }
                    Output::Connect(_) => connects += 1,
                    Output::Wait(until) => {
                        prop_assert!(until > channel.clock);
                        break;
                    }
                    Output::Closed => prop_assert!(false, "nobody closed it"),
                    Output::Send(_) | Output::Hint(_) | Output::Disconnect => {}
                }
            }
        }
        let passed = (channel.clock - ms(5000)).as_secs();
        prop_assert!(connects <= passed + 1, "{connects} attempts in {passed} s");
    }
}
