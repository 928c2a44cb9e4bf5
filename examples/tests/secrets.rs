//! No cookie stands in anything that is printed, logged or written.
//!
//! The libraries log nothing themselves. What carries their requests does: at the level TRACE
//! ureq and isahc would log whole requests, each in one target of its own ([`WIRE`]), if the
//! runtimes' feature `guard-cookies` did not switch it off. The command installs no logger.
#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::fmt::Debug;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use bilibili_session::call::{self, Call};
use bilibili_session::endpoints::*;
use bilibili_session::poller::{Output, Poller, PollerConfig};
use bilibili_session::{
    AuthState, ClientConfig, Credential, Endpoint, Error, Hosts, Now, Picture, TransportError, Uid,
    UnixMicros,
};
use bilibili_session_simulator::{FaultKind, NewMessage};
use serde_json::json;
use support::*;

/// Where whole requests would be logged, at the level TRACE.
const WIRE: [&str; 2] = ["isahc::wire", "ureq_proto::util"];

// ---- what is looked for ----

/// Each value in every form that it may be shown in.
fn needles() -> Vec<String> {
    let mut needles: Vec<String> = SECRETS.iter().map(|it| (*it).to_owned()).collect();
    for value in [
        SESSDATA,
        "5e55da7a,1999999999,plant*ed",
        BILI_JCT,
        BUVID3,
        BUVID4,
    ] {
        // As `Debug` of bytes shows them.
        let bytes: Vec<String> = value.bytes().take(8).map(|it| it.to_string()).collect();
        needles.push(bytes.join(", "));
        needles.push(value.bytes().map(|it| format!("%{it:02X}")).collect());
    }
    needles
}

/// The first secret that stands in it.
fn found(text: &str) -> Option<String> {
    needles().into_iter().find(|it| text.contains(it.as_str()))
}

#[track_caller]
fn shows_nothing(what: &str, text: &str) {
    assert_eq!(found(text), None, "{what}: {text}");
}

// ---- what is logged ----

static LOGGED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

fn write_down(target: &str, text: String) {
    LOGGED.lock().unwrap().push((target.to_owned(), text));
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        write_down(record.target(), record.args().to_string());
    }

    fn flush(&self) {}
}

/// Takes down spans and events with all their fields.
struct Subscriber;

impl Subscriber {
    fn fields(target: &str, record: impl FnOnce(&mut Visitor)) {
        let mut visitor = Visitor(String::new());
        record(&mut visitor);
        write_down(target, visitor.0);
    }
}

impl tracing::Subscriber for Subscriber {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        Self::fields(span.metadata().target(), |visitor| span.record(visitor));
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        Self::fields("span", |visitor| values.record(visitor));
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        Self::fields(event.metadata().target(), |visitor| event.record(visitor));
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Visitor(String);

impl tracing::field::Visit for Visitor {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}

/// Everything is logged from now on.
fn log_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_boxed_logger(Box::new(Logger)).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        tracing::subscriber::set_global_default(Subscriber).unwrap();
        // Panics that are asked for need not be told of.
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_asked_for = panic
                .location()
                .is_some_and(|it| it.file().ends_with("secrets.rs"));
            let thread = std::thread::current();
            let is_of_a_session = thread.name().is_some_and(|name| {
                name.starts_with("bilibili-session") || name.starts_with("async-std")
            });
            match is_of_a_session {
                true if is_asked_for => {}
                true => write_down("panic", panic.to_string()),
                false => usual(panic),
            }
        }));
    });
}

// ---- what is done ----

fn credential() -> Credential {
    Credential::builder()
        .sessdata(SESSDATA)
        .bili_jct(BILI_JCT)
        .buvid3(BUVID3)
        .buvid4(BUVID4)
        .build()
        .unwrap()
}

fn context(origin: &str) -> ClientConfig {
    ClientConfig::new(credential()).hosts(Hosts::origin(origin).unwrap())
}

fn config() -> PollerConfig {
    PollerConfig::new().interval(Duration::from_millis(100))
}

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;";

/// Makes every call there is with this macro.
macro_rules! every_call {
    ($call:ident) => {
        let user = Uid(20001);
        $call!(Nav);
        $call!(GetSessions::new());
        $call!(NewSessions::new(UnixMicros(0)));
        $call!(GetSessionDetail::new(user));
        $call!(FetchSessionMsgs::new(user));
        $call!(SendMsg::text(user, "hi"));
        $call!(UploadPicture::new(
            Picture::from_bytes(GIF.to_vec()).unwrap()
        ));
        $call!(UpdateAck::new(user, bilibili_session::Seqno(1)));
        $call!(SetTop::pin(user));
        $call!(SetMsgDnd::mute(user));
        $call!(RemoveSession::new(user));
        $call!(GetSessionSettings);
        $call!(GetReplies::new());
        $call!(GetAt::new());
        $call!(GetLikes::new());
        $call!(GetSystemMessages::new());
        $call!(GetSystemMessages::unified());
        $call!(GetUnreadMessages);
        $call!(SingleUnread);
        $call!(MyGroupUnread);
    };
}

/// All ways to fail, one after the other.
fn faults() -> Vec<FaultKind> {
    let mut faults: Vec<FaultKind> = [-101, -111, -352, -400, -403, -404, -412, -500, -509]
        .into_iter()
        .chain([700_013, 1_000_004, 25_003, 12_345])
        .map(FaultKind::Code)
        .collect();
    faults.extend(
        [403, 412, 429, 502]
            .map(|status| FaultKind::Http(http::StatusCode::from_u16(status).unwrap())),
    );
    faults.extend([
        FaultKind::Reset,
        FaultKind::Truncated,
        FaultKind::Voucher,
        FaultKind::DataNull,
        FaultKind::Garbage,
        FaultKind::Body(br#"{"code":0,"data":7}"#.to_vec()),
    ]);
    faults
}

/// All calls, good and failing, on both runtimes.
fn all_calls(world: &World) {
    let context = context(&world.server.origin());
    let transport = bilibili_session_blocking::UreqTransport::new();
    shows_nothing("the transport", &format!("{transport:?}"));
    let blocking = bilibili_session_blocking::Client::new(context.clone(), transport);
    let transport = bilibili_session_async_std::SurfTransport::new().unwrap();
    shows_nothing("the transport", &format!("{transport:?}"));
    let async_std = bilibili_session_async_std::Client::new(context, transport);
    shows_nothing("the clients", &format!("{blocking:?} {async_std:?}"));
    let mut failures = 0;
    let mut look = |result: String, failed: bool| {
        shows_nothing("an answer", &result);
        failures += usize::from(failed);
    };
    macro_rules! on_both {
        ($endpoint:expr) => {
            let result = blocking.call($endpoint);
            look(format!("{result:?}"), result.is_err());
            if let Err(error) = result {
                look(format!("{error} {error:#?}"), true);
            }
            let result = async_std::task::block_on(async_std.call($endpoint));
            look(format!("{result:?}"), result.is_err());
            if let Err(error) = result {
                look(format!("{error} {error:#?}"), true);
            }
        };
    }
    every_call!(on_both);
    for fault in faults() {
        world.fault("/", fault.clone(), 2);
        on_both!(GetSessions::new());
        world.server.simulator().clear_faults();
        // The keys are there: what fails is what writes.
        world.fault("/send_msg", fault, 2);
        on_both!(SendMsg::text(Uid(20001), "hi"));
        world.server.simulator().clear_faults();
    }
    assert!(failures > 60, "{failures}");
}

/// A session on each runtime whose handlers panic, and whose transport does.
fn sessions_that_panic(world: &World) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let origin = world.server.origin();
    world.fault("new_sessions", FaultKind::Garbage, 1);
    {
        use bilibili_session_blocking::{Session, UreqTransport};
        let transport = UreqTransport::new();
        let carry = {
            use bilibili_session_blocking::Transport as _;
            let turn = Mutex::new(0);
            move |request: http::Request<Vec<u8>>| {
                let mut turn = turn
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                *turn += 1;
                assert!(
                    *turn != 3,
                    "{:?} {:?}",
                    request,
                    request.headers()["cookie"].as_bytes()
                );
                transport.send(request)
            }
        };
        let session = Session::new(context(&origin), carry, config()).unwrap();
        let (notices, events) = (Arc::clone(&shown), Arc::clone(&shown));
        session.on_any(move |event, session| {
            events.lock().unwrap().push(format!("{event:?}"));
            session.close();
            assert!(event.text().is_none(), "{event:?} {session:?}");
        });
        session.on_warning(move |notice, session| {
            let text = format!("{notice} {notice:?} {session:?}");
            notices.lock().unwrap().push(text);
        });
        let running = session.run().unwrap();
        wait_for(|| session.checkpoint().is_some());
        world.text(20001, "hi");
        running.join().unwrap();
        let checkpoint = session.checkpoint().unwrap();
        shown
            .lock()
            .unwrap()
            .push(format!("{checkpoint:?} {}", checkpoint.to_json()));
    }
    world.fault("new_sessions", FaultKind::Garbage, 1);
    {
        use bilibili_session_async_std::{Session, SurfTransport};
        let transport = SurfTransport::new().unwrap();
        let turn = Arc::new(Mutex::new(0));
        let carry = move |request: http::Request<Vec<u8>>| {
            let (transport, turn) = (transport.clone(), Arc::clone(&turn));
            async move {
                use bilibili_session_async_std::Transport as _;
                let is_third = {
                    let mut turn = turn.lock().unwrap();
                    *turn += 1;
                    *turn == 3
                };
                assert!(
                    !is_third,
                    "{:?} {:?}",
                    request,
                    request.headers()["cookie"].as_bytes()
                );
                transport.send(request).await
            }
        };
        let session = Session::new(context(&origin), carry, config()).unwrap();
        let (notices, events) = (Arc::clone(&shown), Arc::clone(&shown));
        session.on_any(move |event, session| {
            events.lock().unwrap().push(format!("{event:?}"));
            session.close();
            async move { assert!(event.text().is_none(), "{event:?} {session:?}") }
        });
        session.on_warning(move |notice, session| {
            let text = format!("{notice} {notice:?} {session:?}");
            notices.lock().unwrap().push(text);
            std::future::ready(())
        });
        let running = session.run();
        wait_for(|| session.checkpoint().is_some());
        world.text(20001, "hi");
        async_std::task::block_on(running).unwrap();
        let checkpoint = session.checkpoint().unwrap();
        shown
            .lock()
            .unwrap()
            .push(format!("{checkpoint:?} {}", checkpoint.to_json()));
    }
    let shown = shown.lock().unwrap();
    for words in ["the transport panicked", "it panicked", "unreadable answer"] {
        let times = shown.iter().filter(|text| text.contains(words)).count();
        assert!(times >= 2, "{words}: {shown:?}");
    }
    for text in shown.iter() {
        shows_nothing("a session", text);
    }
}

#[track_caller]
fn wait_for(condition: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn nothing_is_logged() {
    log_everything();
    let world = World::new();
    world.text(20001, "hi");
    all_calls(&world);
    sessions_that_panic(&world);
    std::thread::sleep(Duration::from_millis(100));

    let logged = std::mem::take(&mut *LOGGED.lock().unwrap());
    for (target, text) in &logged {
        // One of them writes rows of sixteen bytes, which show no whole cookie each.
        assert!(
            !WIRE.iter().any(|it| target.starts_with(it)),
            "{target} logs requests"
        );
        shows_nothing(target, text);
    }
    assert!(logged.iter().any(|(target, _)| target.starts_with("ureq")));
    assert!(logged.iter().any(|(target, _)| target.starts_with("isahc")));
}

/// `Debug` of what holds a credential or a request.
#[test]
fn nothing_stands_in_debug() {
    let context = context("http://127.0.0.1:1");
    let credential = credential();
    let builder = Credential::builder()
        .sessdata(SESSDATA)
        .bili_jct(BILI_JCT)
        .buvid3(BUVID3);
    let account = AuthState::new(context.clone());
    shows_nothing(
        "what holds the credential",
        &format!("{credential:?} {credential:#?} {builder:?} {context:?} {account:?}"),
    );
    let now = Now {
        monotonic: Duration::ZERO,
        wall: UnixMicros(1_700_000_000_000_000),
    };
    macro_rules! step {
        ($endpoint:expr) => {
            let mut account = AuthState::new(context.clone());
            let mut call = Call::new($endpoint);
            let output = call.poll_output(&mut account, now);
            shows_nothing("an output", &format!("{output:?} {output:#?} {call:?}"));
            if let call::Output::Send(request) = output {
                shows_nothing("headers", &format!("{:?}", request.headers()));
            }
        };
    }
    every_call!(step);
    let mut poller = Poller::new(context, config()).unwrap();
    let output = poller.poll_output(now);
    assert!(matches!(output, Output::Send(_)));
    shows_nothing("the poller", &format!("{output:?} {poller:?}"));
}

/// Refused for what it is, with no value in the words.
#[test]
fn credentials_that_are_none() {
    for (sessdata, bili_jct) in [
        (format!("{SESSDATA} x"), BILI_JCT.to_owned()),
        (format!("{SESSDATA}\n"), BILI_JCT.to_owned()),
        (format!("{SESSDATA};x"), BILI_JCT.to_owned()),
        (SESSDATA.to_owned(), format!("{BILI_JCT}\"")),
        (String::new(), BILI_JCT.to_owned()),
        (SESSDATA.to_owned(), format!("{BILI_JCT}é")),
    ] {
        let built = Credential::builder()
            .sessdata(&sessdata)
            .bili_jct(&bili_jct)
            .build();
        if let Err(error) = built {
            shows_nothing("an error", &format!("{error} {error:?}"));
        }
        let line = format!("Cookie: SESSDATA={sessdata}; bili_jct={bili_jct}");
        if let Err(error) = Credential::parse(&line) {
            shows_nothing("an error", &format!("{error} {error:?}"));
        }
    }
    for text in [
        format!("[{{\"name\":\"SESSDATA\",\"value\":\"{SESSDATA}\""),
        format!("{SESSDATA} {BILI_JCT}"),
        format!("SESSDATA:{SESSDATA}"),
    ] {
        let error = Credential::parse(&text).unwrap_err();
        shows_nothing("an error", &format!("{error} {error:?}"));
    }
}

// ---- the command ----

fn look_through(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        shows_nothing(
            &path.display().to_string(),
            &String::from_utf8_lossy(&bytes),
        );
    }
}

fn traced(world: &World, args: &[&str]) -> Ran {
    let mut command = world.bili(args);
    command
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
        .env("CURL_VERBOSE", "1");
    let ran = run(command);
    shows_nothing("stdout", &ran.stdout);
    shows_nothing("stderr", &ran.stderr);
    ran
}

#[test]
fn the_command_shows_nothing() {
    let world = World::new();
    world.texts(20001, 3);
    world.receive(NewMessage::new(20001, 10, &json!("no JSON")));
    let out = world.path("history");
    let checkpoint = world.path("checkpoint");
    let (out, checkpoint) = (out.to_str().unwrap(), checkpoint.to_str().unwrap());
    let commands: [&[&str]; 18] = [
        &["whoami"],
        &["sessions", "--all"],
        &["new-sessions"],
        &["session", "20001"],
        &["history", "20001", "--all"],
        &["history", "20001", "--out", out],
        &["send", "20001", "hi"],
        &["unread"],
        &["replies"],
        &["at"],
        &["likes"],
        &["system"],
        &["settings"],
        &["mark-read", "20001"],
        &["pin", "20001"],
        &["mute", "20001"],
        &["remove", "20001"],
        &[
            "watch",
            "--interval",
            "0.2",
            "--duration",
            "1",
            "--checkpoint",
            checkpoint,
        ],
    ];
    for runtime in RUNTIMES {
        for (n, args) in commands.into_iter().enumerate() {
            let json = if n % 2 == 0 { "--json" } else { "--timeout=29" };
            let ran = traced(&world, &[args, &["--runtime", runtime, json]].concat());
            assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
            std::fs::rename(out, format!("{out}-{runtime}")).ok();
        }
        for (n, fault) in faults().into_iter().enumerate() {
            let args = [&["whoami"][..], &["send", "20001", "x"], &["unread"]][n % 3];
            world.fault("/", fault, 3);
            traced(&world, &[args, &["--runtime", runtime, "--json"]].concat());
            world.server.simulator().clear_faults();
        }
    }
    look_through(world.folder.path());
}

/// Whatever it is told, it says back, in whatever place an answer has for it.
#[test]
fn a_server_that_echoes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let turn = Arc::new(Mutex::new(0_usize));
    let answers = Arc::clone(&turn);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut heard = vec![0; 65536];
            let length = stream.read(&mut heard).unwrap();
            let text =
                String::from_utf8_lossy(&heard[..length]).replace(['"', '\\', '\r', '\n'], " ");
            let (status, body) = match *answers.lock().unwrap() {
                0 => (200, text),
                1 => (502, text),
                2 => (200, json!({"code": -400, "message": text}).to_string()),
                3 => (200, json!({"code": 0, "data": text}).to_string()),
                4 => (200, json!({"code": text}).to_string()),
                _ => (200, json!({"code": 0, "data": {"session_list": [{"talker_id": text}], "uname": text, "mid": text}}).to_string()),
            };
            let head = format!("HTTP/1.1 {status} Oh\r\nconnection: close\r\ncontent-length");
            write!(stream, "{head}: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    let world = World::new();
    for runtime in RUNTIMES {
        for n in 0..6 {
            *turn.lock().unwrap() = n;
            for args in [
                &["whoami"][..],
                &["sessions"],
                &["send", "20001", "x"],
                &["watch", "--duration", "0.5", "--interval", "0.2"],
            ] {
                for json in [&["--json"][..], &[]] {
                    let args = [args, json, &["--origin", &origin, "--runtime", runtime]].concat();
                    traced(&world, &args);
                }
            }
        }
    }
}

/// A cookie of digits is found in every number; the lines are the same with it and without.
#[test]
fn a_number_in_a_line_stays() {
    const BIG: i64 = 1_000_000_020_001_017;
    for runtime in RUNTIMES {
        for json in [&["--json"][..], &[]] {
            let world = World::new();
            let args = ["watch", "--interval", "0.2", "--runtime", runtime];
            let mut command = world.bili(&[&args[..], json, &["--max-events", "1"]].concat());
            command
                .env("BILI_BUVID3", "00000000-0001-0203-0000-PLANTED-infoc")
                .env("BILI_BUVID4", "10000000-PLANTED");
            world.text(BIG, "old");
            let watch = command.stdout(Stdio::piped()).spawn().unwrap();
            wait_for(|| world.requests("sessions") > 1);
            world.fault("fetch_session_msgs", FaultKind::Code(-500), 1);
            world.text(BIG, "1000000020001017 00000000");
            let output = watch.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            shows_nothing("the watch", &text);
            assert!(!text.contains("redacted"), "{text}");
            assert!(text.contains("user 1000000020001017 failed"), "{text}");
            if json.is_empty() {
                assert!(text.contains("1000000020001017 00000000"), "{text}");
                continue;
            }
            let lines: Vec<serde_json::Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let [notice, message] =
                ["notice", "message"].map(|event| lines.iter().find(|it| it["event"] == event));
            assert_eq!(notice.unwrap()["conversation"]["talker_id"], BIG);
            let message = message.unwrap();
            assert_eq!(message["conversation"]["talker_id"], BIG);
            assert_eq!(message["content"]["content"], "1000000020001017 00000000");
        }
    }
}

/// Who knows a cookie and writes it to its owner; and a name, and a toast, that hold it.
#[test]
fn what_people_write() {
    let world = World::new();
    let text = format!("look: {SESSDATA} and {BILI_JCT}. Yours, 5e55da7?");
    world.text(20001, &text);
    let mut broken = NewMessage::text(20001, "?");
    broken.content = format!("{{broken {BUVID3}");
    world.receive(broken);
    for args in [
        &["history", "20001"][..],
        &["sessions"],
        &["session", "20001"],
        &["new-sessions"],
    ] {
        for json in [&["--json"][..], &[]] {
            let ran = traced(&world, &[args, json].concat());
            assert_eq!(ran.code, Some(0), "{ran:?}");
            if args[0] == "history" {
                let words = "look: [redacted] and [redacted]. Yours, 5e55da7?";
                assert!(ran.stdout.contains(words), "{ran:?}");
            }
        }
    }
}

#[test]
fn cookie_files_that_others_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let file = world.path("cookies");
    write_private(
        &file,
        &format!("Cookie: SESSDATA={SESSDATA}; bili_jct={BILI_JCT}"),
    );
    for (mode, code) in [
        (0o600, 0),
        (0o400, 0),
        (0o700, 0),
        (0o640, 2),
        (0o604, 2),
        (0o620, 2),
        (0o602, 2),
        (0o666, 2),
        (0o777, 2),
    ] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let before = world.requests("");
        let ran = traced(&world, &["whoami", "--cookie-file", file.to_str().unwrap()]);
        assert_eq!(ran.code, Some(code), "{mode:o}: {ran:?}");
        assert_eq!(world.requests("") > before, code == 0, "{mode:o}");
    }
    // A link is as good as what it leads to.
    let link = world.path("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let ran = traced(&world, &["whoami", "--cookie-file", link.to_str().unwrap()]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

// ---- where requests go ----

#[test]
fn to_the_services_own_hosts_over_https() {
    let asked: Arc<Mutex<Vec<http::Uri>>> = Arc::default();
    let transport = {
        let asked = Arc::clone(&asked);
        move |request: http::Request<Vec<u8>>| {
            asked.lock().unwrap().push(request.uri().clone());
            let nav = json!({"code": 0, "data": {"isLogin": true, "mid": 10001, "uname": "x", "wbi_img": {
                "img_url": "https://i0.hdslb.com/bfs/wbi/5a1e0b6c9d2f43788e7c6b5a49382716.png",
                "sub_url": "https://i0.hdslb.com/bfs/wbi/c0d1e2f3a4b5968778695a4b3c2d1e0f.png",
            }}});
            Ok::<_, TransportError>(http::Response::new(nav.to_string().into_bytes()))
        }
    };
    let client = bilibili_session_blocking::Client::new(ClientConfig::new(credential()), transport);
    let mut calls = 0;
    macro_rules! call {
        ($endpoint:expr) => {
            // What the answer says is not the point.
            let _: Result<_, Error> = client.call($endpoint);
            calls += 1;
        };
    }
    every_call!(call);
    let asked = asked.lock().unwrap();
    assert!(asked.len() >= calls, "{asked:?}");
    for uri in asked.iter() {
        assert_eq!(uri.scheme_str(), Some("https"), "{uri}");
        let own = [
            "api.bilibili.com",
            "api.vc.bilibili.com",
            "message.bilibili.com",
        ];
        assert!(own.contains(&uri.authority().unwrap().as_str()), "{uri}");
    }
    // A picture of somebody else is not asked for with these cookies, or at all.
    for url in [
        "https://example.test/a.png",
        "https://i0.hdslb.com.example.test/a.png",
        "https://i0.hdslb.com@example.test/a.png",
        "file:///etc/passwd",
        "http://127.0.0.1/a.png",
    ] {
        let call = DownloadPicture::new(url);
        assert!(
            call.request(&ClientConfig::new(credential()), ()).is_err(),
            "{url}"
        );
    }
    let own = DownloadPicture::new("https://i0.hdslb.com/bfs/im/a.png");
    if let Ok(request) = own.request(&ClientConfig::new(credential()), ()) {
        assert!(
            !request.headers().contains_key("cookie"),
            "it is another host"
        );
    }
}

#[test]
fn lookalikes_of_loopback() {
    let world = World::new();
    for origin in [
        "http://127.0.0.1.example.test",
        "http://127.0.0.1.example.test:80/x",
        "http://localhost.example.test",
        "http://127.0.0.1@example.test",
        "http://127.0.0.1:80@example.test",
        "http://localhost%2eexample.test",
        "http://example.test#@127.0.0.1",
        "http://example.test/?127.0.0.1",
        "http://example.test\\@127.0.0.1",
        "http://[::1].example.test",
        "http://[::ffff:10.0.0.1]",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://10.0.0.1",
        "http://locаlhost",
        "ws://127.0.0.1",
        "//127.0.0.1",
        "127.0.0.1",
    ] {
        for runtime in RUNTIMES {
            let ran = traced(
                &world,
                &["whoami", "--origin", origin, "--runtime", runtime],
            );
            assert_eq!(ran.code, Some(2), "{origin}: {ran:?}");
        }
    }
    // What a browser takes for loopback is.
    let port = world.server.address().port();
    for host in ["127.0.0.1", "localhost", "127.1", "2130706433", "LOCALHOST"] {
        let origin = format!("http://{host}:{port}");
        let ran = traced(&world, &["whoami", "--origin", &origin]);
        assert_eq!(ran.code, Some(0), "{origin}: {ran:?}");
    }
}
