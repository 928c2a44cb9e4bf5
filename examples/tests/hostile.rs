//! Servers and networks that mean harm, over real sockets, against a session that polls.
//!
//! The server answers as the simulator says until a case is armed; then the next answers are
//! hostile, while a message waits behind. The session must say so, in bounded time and memory,
//! go on, and bring the message. Each case polls from a process of its own, so that what the
//! system says of that process is what the case costs.
//!
//! `cargo test -p bilibili-session-examples --test hostile -- --nocapture` prints a table.
#![cfg(target_os = "linux")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bilibili_session::poller::PollerConfig;
use bilibili_session::session::Update;
use bilibili_session::{ClientConfig, Credential, Hosts, TransportConfig};
use bilibili_session_simulator::{Answer, NewMessage, Simulator};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// What one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// No condition that is waited for takes this long; a safety net only.
const PATIENCE: Duration = Duration::from_secs(90);
/// A body of 16 MiB, which is the limit, while it grows; or what is read out of a smaller one.
const MOST_MEMORY_KIB: u64 = 128 << 10;

// ---- what a case does ----

/// What comes instead of the answer.
#[derive(Clone)]
enum Script {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// First these bytes, then these over and over, as fast as they are taken.
    Flood(Vec<u8>, Vec<u8>),
    /// First these bytes, then one each second, for ever.
    Drip(Vec<u8>, u8),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
    /// Nothing more, for ever.
    Hang,
    /// The right answer with these headers in it.
    Headers(String),
}

#[derive(Clone)]
struct Case {
    name: &'static str,
    /// A part of the path that is answered so.
    path: &'static str,
    script: Script,
    /// From before the session begins.
    at_start: bool,
    /// Whether it may also be none the worse for it.
    may_pass: bool,
}

fn case(name: &'static str, script: Script) -> Case {
    Case {
        name,
        path: PAGES,
        script,
        at_start: false,
        may_pass: false,
    }
}

const PAGES: &str = "fetch_session_msgs";
const LISTS: &str = "_sessions";
const NAV: &str = "nav";

impl Case {
    fn on(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    fn at_start(mut self) -> Self {
        self.at_start = true;
        self
    }

    fn may_pass(mut self) -> Self {
        self.may_pass = true;
        self
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

fn head(more: &str) -> Vec<u8> {
    format!("{OK}{more}\r\n").into_bytes()
}

fn whole(body: &[u8]) -> Script {
    let mut bytes = head(&format!("content-length: {}\r\n", body.len()));
    bytes.extend(body);
    Script::Bytes(bytes)
}

fn text(text: &str) -> Script {
    Script::Bytes(text.as_bytes().to_vec())
}

fn data(data: &str) -> Script {
    whole(format!(r#"{{"code":0,"message":"0","data":{data}}}"#).as_bytes())
}

/// As many of these, separated by commas, as fit into 15 MB, in an array.
fn array_of(item: &str) -> String {
    format!(
        "[{}{item}]",
        format!("{item},").repeat(15_000_000 / (item.len() + 1))
    )
}

/// 15 MB of gzip that are 2.4 GB of zeros.
fn bomb() -> Vec<u8> {
    // One zero, then copies of 258 bytes that lie one byte back: 13 bits each, so that the
    // bytes repeat after 13.
    let mut bits: Vec<u8> = vec![0, 1, 0];
    bits.extend([0, 0, 1, 1, 0, 0, 0, 0]);
    for _ in 0..64 {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    let byte = |bits: &[u8]| bits.iter().rev().fold(0_u8, |byte, bit| byte << 1 | bit);
    let bytes: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    let mut bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    bomb.extend(&bytes[..2]);
    bomb.extend(bytes[2..15].repeat(15_000_000 / 13));
    bomb
}

fn cases() -> Vec<Case> {
    let megabyte = vec![b' '; 1 << 20];
    let chunk = [b"100000\r\n".to_vec(), megabyte.clone(), b"\r\n".to_vec()].concat();
    let message = |fields: &str| {
        format!(
            r#"{{"sender_uid":20001,"receiver_type":1,"receiver_id":10001,"msg_type":1,"content":"{{}}","msg_seqno":1,"timestamp":1,"msg_key":1,"msg_status":0{fields}}}"#
        )
    };
    let page = |messages: &str, more: &str| {
        format!(r#"{{"messages":{messages},"has_more":0,"min_seqno":1,"max_seqno":2{more}}}"#)
    };
    let deep = "[".repeat(200_000);
    let bomb = bomb();
    let bomb_head = format!(
        "content-encoding: gzip\r\ncontent-length: {}\r\n",
        bomb.len()
    );
    let gbk = b"{\"code\":0,\"message\":\"\xc4\xe3\xba\xc3\",\"data\":{\"messages\":[{\"content\":\"\xc4\xe3\xba\xc3\"}]}}";
    let mut in_gbk = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=gbk\r\ncontent-length: {}\r\n\r\n",
        gbk.len()
    )
    .into_bytes();
    in_gbk.extend(gbk);
    let many_headers: String = (0..5000).map(|n| format!("x-{n}: made up\r\n")).collect();
    let cookies: String = (0..90)
        .map(|n| format!("set-cookie: SESSDATA=evil{n}; Path=/\r\n"))
        .collect();
    vec![
        // Of what is too large a smaller page is asked for, without a word.
        case(
            "body without end, in chunks",
            Script::Flood(head("transfer-encoding: chunked\r\n"), chunk.clone()),
        )
        .may_pass(),
        case(
            "body without end, of no length",
            Script::Flood(head(""), megabyte.clone()),
        )
        .may_pass(),
        case(
            "body without end, of a huge length",
            Script::Flood(
                head("content-length: 9000000000000000000\r\n"),
                megabyte.clone(),
            ),
        )
        .may_pass(),
        case(
            "a chunk of 2^64 - 1 bytes",
            Script::Flood(
                [
                    head("transfer-encoding: chunked\r\n"),
                    b"ffffffffffffffff\r\n".to_vec(),
                ]
                .concat(),
                megabyte.clone(),
            ),
        )
        .may_pass(),
        case(
            "a chunk of more than 2^64 bytes",
            Script::Flood(
                [
                    head("transfer-encoding: chunked\r\n"),
                    b"ffffffffffffffffffff\r\n".to_vec(),
                ]
                .concat(),
                megabyte.clone(),
            ),
        ),
        case(
            "a length that is no number",
            Script::Flood(head("content-length: -1\r\n"), megabyte.clone()),
        ),
        case(
            "a gzip bomb that nobody asked for",
            Script::Bytes([head(&bomb_head), bomb].concat()),
        ),
        case(
            "a byte a second, in the body",
            Script::Drip(head("content-length: 100000\r\n"), b' '),
        ),
        case(
            "a byte a second, in the headers",
            Script::Drip(OK.as_bytes().to_vec(), b'x'),
        ),
        case("no answer", Script::Hang),
        case(
            "a header without end",
            Script::Flood(format!("{OK}x-long: ").into_bytes(), vec![b'x'; 1 << 16]),
        )
        .may_pass(),
        case(
            "headers without end",
            Script::Flood(OK.as_bytes().to_vec(), b"x-more: made up\r\n".repeat(4096)),
        ),
        case("5,000 headers", Script::Headers(many_headers)).may_pass(),
        case(
            "interim answers without end",
            Script::Flood(
                Vec::new(),
                b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(1000),
            ),
        )
        .may_pass(),
        case(
            "a trailer without end",
            Script::Flood(
                [
                    head("transfer-encoding: chunked\r\n"),
                    b"2\r\n{}\r\n0\r\n".to_vec(),
                ]
                .concat(),
                b"x-more: made up\r\n".repeat(4096),
            ),
        ),
        case("JSON of 200,000 levels", whole(deep.as_bytes())),
        case("JSON of 200,000 levels, as data", data(&deep)),
        case(
            "numbers out of range, in a page",
            data(&page(
                &format!("[{}]", message(r#","msg_seqno":1e400"#)),
                "",
            )),
        ),
        case(
            "a seqno of 10^300",
            data(&page(
                &format!(
                    "[{}]",
                    message("").replace(r#""msg_seqno":1"#, r#""msg_seqno":1e300"#)
                ),
                "",
            )),
        ),
        case(
            "a code out of range",
            whole(br#"{"code":99999999999999999999999999,"message":"0","data":{}}"#),
        ),
        case(
            "millions of items that are nothing",
            data(&page(&array_of("{}"), "")),
        ),
        case(
            "millions of items that are no messages",
            data(&page(&array_of("0"), "")),
        ),
        case(
            "a page of one message, 100,000 times",
            data(&page(&array_of(&message("")), "")),
        ),
        case(
            "as many values as are taken, each an object",
            data(&page(
                "[]",
                &format!(r#","more":[{}0]"#, r#"{"":0},"#.repeat(120_000)),
            )),
        )
        .may_pass(),
        case(
            "a million unknown fields",
            whole(
                format!(
                    r#"{{"code":0,"data":{{{}"z":0}}}}"#,
                    (0..900_000)
                        .map(|n| format!(r#""f{n}":{n},"#))
                        .collect::<String>()
                )
                .as_bytes(),
            ),
        ),
        case("another charset", Script::Bytes(in_gbk)),
        case("answers that set cookies", Script::Headers(cookies)).may_pass(),
        // curl asks again by itself where a connection was used before.
        case("the connection is reset", Script::Reset(Vec::new())).may_pass(),
        case(
            "the connection is reset, in the body",
            Script::Reset([head("content-length: 100\r\n"), b"{\"code\":0,".to_vec()].concat()),
        ),
        case(
            "the body is cut off",
            text("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":0,"),
        ),
        case("no HTTP", text("SSH-2.0-made-up\r\n\r\n")),
        case("zeros", Script::Flood(Vec::new(), vec![0; 1 << 16])),
        case(
            "a status that is no number",
            text("HTTP/1.1 abc OK\r\n\r\n{}"),
        ),
        case(
            "a status of 99999",
            text("HTTP/1.1 99999 OK\r\ncontent-length: 2\r\n\r\n{}"),
        ),
        case(
            "two lengths",
            text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 20\r\n\r\n{}"),
        ),
        case("an empty answer", whole(b"")),
        case(
            "body without end, of a list",
            Script::Flood(head(""), megabyte.clone()),
        )
        .on(LISTS),
        case("JSON of 200,000 levels, of a list", whole(deep.as_bytes())).on(LISTS),
        case(
            "millions of conversations that are nothing",
            data(&format!(
                r#"{{"session_list":{},"has_more":0}}"#,
                array_of("{}")
            )),
        )
        .on(LISTS),
        case(
            "body without end, of nav",
            Script::Flood(head(""), megabyte),
        )
        .on(NAV)
        .at_start(),
        case(
            "a byte a second, of the first list",
            Script::Drip(head("content-length: 100000\r\n"), b' '),
        )
        .on(LISTS)
        .at_start(),
    ]
}

// ---- the server ----

/// What is armed.
struct Armed {
    path: &'static str,
    script: Script,
    left: u32,
}

/// The simulator behind raw sockets.
struct Front {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    simulator: Mutex<Simulator>,
    armed: Mutex<Option<Armed>>,
    /// The certificate that is shown, where TLS is spoken.
    tls: Mutex<Option<Arc<ServerConfig>>>,
    /// Handshakes to spoil: what is shown for so many connections.
    bad_tls: Mutex<Vec<Arc<ServerConfig>>>,
    hits: AtomicUsize,
    cookies: Mutex<BTreeSet<String>>,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

impl Front {
    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            simulator: Mutex::default(),
            armed: Mutex::default(),
            tls: Mutex::new(tls),
            bad_tls: Mutex::default(),
            hits: AtomicUsize::new(0),
            cookies: Mutex::default(),
        });
        let for_all = Arc::clone(&shared);
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let shared = Arc::clone(&for_all);
                // What breaks a connection is for the client to see.
                thread::spawn(move || shared.connection(socket));
            }
        });
        Self { address, shared }
    }

    fn arm(&self, path: &'static str, script: Script) {
        let left = 1;
        *self.shared.armed.lock().unwrap() = Some(Armed { path, script, left });
    }

    fn message(&self, text: &str) {
        let message = NewMessage::text(20001, text);
        let mut simulator = self.shared.simulator.lock().unwrap();
        simulator.receive(now_us(), message).unwrap();
    }
}

impl Shared {
    fn connection(&self, socket: TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let config = self.tls.lock().unwrap().clone();
        let Some(config) = config else {
            let mut stream = socket.try_clone()?;
            while self.exchange(&mut stream, &socket)? {}
            return Ok(());
        };
        let bad = self.bad_tls.lock().unwrap().pop();
        let connection = ServerConnection::new(bad.clone().unwrap_or(config)).unwrap();
        let mut stream = StreamOwned::new(connection, socket.try_clone()?);
        if bad.is_some() {
            self.hits.fetch_add(1, Ordering::SeqCst);
        }
        // One exchange: the next one shows a certificate again.
        self.exchange(&mut stream, &socket)?;
        stream.conn.send_close_notify();
        stream.flush()?;
        socket.shutdown(Shutdown::Write)
    }

    /// One request and its answer; whether another one may follow.
    fn exchange(&self, stream: &mut dyn Stream, socket: &TcpStream) -> io::Result<bool> {
        let Some(request) = read_request(stream)? else {
            return Ok(false);
        };
        if let Some(cookie) = request.headers().get("cookie") {
            let cookie = cookie.to_str().unwrap().to_owned();
            self.cookies.lock().unwrap().insert(cookie);
        }
        let script = {
            let mut armed = self.armed.lock().unwrap();
            let fits = armed
                .as_mut()
                .filter(|armed| armed.left > 0 && request.uri().path().contains(armed.path));
            fits.map(|armed| {
                armed.left -= 1;
                armed.script.clone()
            })
        };
        if script.is_some() {
            self.hits.fetch_add(1, Ordering::SeqCst);
        }
        let right = |more: &str| {
            let answer = self.simulator.lock().unwrap().handle(now_us(), &request);
            let Answer::Respond(answer) = answer else {
                panic!("no fault was asked for");
            };
            let mut bytes = format!("HTTP/1.1 {}\r\n", answer.status()).into_bytes();
            for (name, value) in answer.headers() {
                bytes.extend(format!("{name}: ").bytes());
                bytes.extend(value.as_bytes());
                bytes.extend(b"\r\n");
            }
            let tls = self.tls.lock().unwrap().is_some();
            let close = if tls { "connection: close\r\n" } else { "" };
            let length = answer.body().len();
            bytes.extend(format!("{more}{close}content-length: {length}\r\n\r\n").bytes());
            bytes.extend(answer.body());
            bytes
        };
        match script {
            None => {
                stream.write_all(&right(""))?;
                stream.flush()?;
                return Ok(true);
            }
            Some(Script::Headers(more)) => {
                stream.write_all(&right(&more))?;
                stream.flush()?;
                return Ok(true);
            }
            Some(Script::Bytes(bytes)) => stream.write_all(&bytes)?,
            Some(Script::Flood(first, more)) => {
                stream.write_all(&first)?;
                loop {
                    stream.write_all(&more)?;
                }
            }
            Some(Script::Drip(first, byte)) => {
                stream.write_all(&first)?;
                loop {
                    stream.write_all(&[byte])?;
                    thread::sleep(Duration::from_secs(1));
                }
            }
            Some(Script::Reset(bytes)) => {
                stream.write_all(&bytes)?;
                // Time for them to arrive: a reset throws away what has not.
                thread::sleep(Duration::from_millis(50));
                reset(socket);
                return Ok(false);
            }
            Some(Script::Hang) => {
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest)?;
            }
        }
        socket.shutdown(Shutdown::Both)?;
        Ok(false)
    }
}

/// A close that throws everything away.
fn reset(socket: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO)).unwrap();
}

fn read_request(stream: &mut dyn Stream) -> io::Result<Option<http::Request<Vec<u8>>>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let mut words = lines.next().unwrap().split(' ');
    let mut request = http::Request::builder()
        .method(words.next().unwrap())
        .uri(words.next().unwrap());
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        }
        request = request.header(name, value);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(request.body(body).unwrap()))
}

// ---- the one that polls ----

const ORIGIN: &str = "HOSTILE_TEST_ORIGIN";
const RUNTIME: &str = "HOSTILE_TEST_RUNTIME";
const ROOTS: &str = "HOSTILE_TEST_ROOTS";

/// What another process of this test runs; by itself it does nothing.
#[test]
fn the_one_that_polls() {
    let Ok(origin) = std::env::var(ORIGIN) else {
        return;
    };
    let login = Simulator::default().login();
    let credential = Credential::builder()
        .sessdata(login.sessdata)
        .bili_jct(login.bili_jct)
        .build()
        .unwrap();
    let context = ClientConfig::new(credential).hosts(Hosts::origin(&origin).unwrap());
    let config = PollerConfig::new()
        .interval(Duration::from_millis(200))
        .request_timeout(TIMEOUT * 3);
    let roots = std::env::var(ROOTS).ok();
    let mut transport = TransportConfig::new().timeout(TIMEOUT);
    if let Some(roots) = roots {
        transport = transport.root_certificates(roots);
    }
    let tell = |update| match update {
        Update::Event(event) => say(json!({"event": event.text()})),
        Update::Warning(notice) => {
            say(json!({"notice": notice.kind(), "message": notice.to_string()}));
        }
        Update::Status(change) => say(json!({"status": change.status.code()})),
    };
    if std::env::var(RUNTIME).unwrap() == "blocking" {
        use bilibili_session_blocking::{Session, UreqTransport};
        let transport = UreqTransport::with_config(&transport).unwrap();
        let session = Session::new(context, transport, config).unwrap();
        for update in session.updates() {
            tell(update);
        }
    } else {
        use async_std::stream::StreamExt as _;
        use bilibili_session_async_std::{Session, SurfTransport};
        let transport = SurfTransport::with_config(&transport).unwrap();
        let session = Session::new(context, transport, config).unwrap();
        async_std::task::block_on(async {
            let mut updates = session.updates();
            while let Some(update) = updates.next().await {
                tell(update);
            }
        });
    }
}

/// On a line of its own, whatever the harness of tests prints around it.
fn say(line: Value) {
    println!("\n>{line}");
    io::stdout().flush().unwrap();
}

/// Another process of this test, that polls.
struct Polling {
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
}

impl Polling {
    fn start(origin: &str, runtime: &str, roots: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "the_one_that_polls", "--nocapture"])
            .env(ORIGIN, origin)
            .env(RUNTIME, runtime)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(roots) = roots {
            command.env(ROOTS, roots);
        }
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let Some(line) = line.strip_prefix('>') else {
                    continue;
                };
                if tell.send(serde_json::from_str(line).unwrap()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no {what}: {error}; {:?}", self.seen));
            self.seen.push(line.clone());
            if fits(&line) {
                return line;
            }
        }
    }

    /// The most memory that it ever had.
    fn peak_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let line = line.unwrap().trim().trim_end_matches(" kB");
        line.parse().unwrap()
    }
}

/// A test that fails leaves no process behind.
impl Drop for Polling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// ---- the cases ----

struct Row {
    name: &'static str,
    runtime: &'static str,
    said: String,
    took: Duration,
    peak_kib: u64,
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.took.as_secs_f64();
        let mib = self.peak_kib as f64 / 1024.0;
        let Self { name, runtime, .. } = self;
        let said = self.said.replace('|', "\\|");
        let said: String = match said.char_indices().nth(110) {
            Some((end, _)) => format!("{}…", &said[..end]),
            None => said,
        };
        write!(
            f,
            "| {name} | {runtime} | {said} | {seconds:.1} | {mib:.1} |"
        )
    }
}

const TABLE: &str =
    "| what the server does | runtime | what the session said | s | MiB |\n|---|---|---|---|---|";

fn run(case: &Case, runtime: &'static str) -> Row {
    let front = Front::start(None);
    let origin = format!("http://{}", front.address);
    if case.at_start {
        front.arm(case.path, case.script.clone());
    }
    let mut polling = Polling::start(&origin, runtime, None);
    let mut begun = Instant::now();
    let mut idle = polling.peak_kib();
    if !case.at_start {
        polling.until("status 1", |line| line["status"] == 1);
        idle = polling.peak_kib();
        front.arm(case.path, case.script.clone());
        begun = Instant::now();
    }
    let arrived = |line: &Value| line["event"] == "behind";
    if !case.at_start {
        front.message("behind");
    }
    let row = |said: &Value, polling: &Polling, took| Row {
        name: case.name,
        runtime,
        said: said.as_str().unwrap_or("(nothing)").to_owned(),
        took,
        peak_kib: polling.peak_kib().saturating_sub(idle),
    };
    let first = polling.until("notice", |line| line["notice"].is_string() || arrived(line));
    let took = begun.elapsed();
    let mut row = row(&first["message"], &polling, took);
    if case.at_start {
        polling.until("status 1", |line| line["status"] == 1);
        front.message("behind");
    }
    if !arrived(&first) {
        polling.until("message", arrived);
    } else {
        assert!(case.may_pass, "{}: nothing was said", case.name);
    }
    // It polls on.
    front.message("and on");
    polling.until("message", |line| line["event"] == "and on");
    row.peak_kib = polling.peak_kib().saturating_sub(idle);

    let name = case.name;
    assert!(
        front.shared.hits.load(Ordering::SeqCst) > 0,
        "{name}: not hit"
    );
    assert_eq!(front.shared.cookies.lock().unwrap().len(), 1, "{name}");
    let times = polling.seen.iter().filter(|line| arrived(line)).count();
    assert_eq!(times, 1, "{name}: {:?}", polling.seen);
    println!("{row}");
    assert!(row.peak_kib < MOST_MEMORY_KIB, "{row}");
    row
}

#[test]
fn hostile_answers() {
    let cases = cases();
    let work: Vec<(&Case, &'static str)> = cases
        .iter()
        .flat_map(|case| [(case, "blocking"), (case, "async-std")])
        .collect();
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    println!("{TABLE}");
    // They wait most of the time, so more of them than there are processors.
    let failed: Vec<bool> = thread::scope(|scope| {
        let worker = || {
            let mut failed = false;
            while let Some((case, runtime)) = work.get(next.fetch_add(1, Ordering::SeqCst)) {
                let ran = std::panic::catch_unwind(|| run(case, runtime));
                match ran {
                    Ok(row) => rows.lock().unwrap().push(row),
                    Err(_) => {
                        println!("{} on {runtime} failed", case.name);
                        failed = true;
                    }
                }
            }
            failed
        };
        let workers: Vec<_> = (0..6).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let rows = rows.into_inner().unwrap();
    let peak = rows.iter().map(|row| row.peak_kib).max().unwrap();
    let longest = rows.iter().map(|row| row.took).max().unwrap();
    println!(
        "{} cases; at the most {longest:.1?} and {} MiB",
        rows.len(),
        peak >> 10
    );
    assert!(!failed.contains(&true));
}

/// The answer names another place: nothing goes there, no cookie and no request.
#[test]
fn redirects_elsewhere() {
    let elsewhere = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    elsewhere.set_nonblocking(true).unwrap();
    for (runtime, status) in [("blocking", 302), ("async-std", 307)] {
        for host in ["127.0.0.1", "localhost", "user:word@127.0.0.1"] {
            let to = format!(
                "location: http://{host}:{port}/x\r\nrefresh: 0; url=http://{host}:{port}/\r\nalt-svc: h2=\"{host}:{port}\"\r\n"
            );
            let answer = format!("HTTP/1.1 {status} Elsewhere\r\n{to}content-length: 0\r\n\r\n");
            run(&case("a redirect to another host", text(&answer)), runtime);
        }
    }
    let nobody = elsewhere.accept().map_err(|error| error.kind());
    assert_eq!(nobody.map(drop), Err(io::ErrorKind::WouldBlock));
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let key = KeyPair::generate().unwrap();
        Self {
            pem: params.self_signed(&key).unwrap().pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// What a server of this name shows.
    fn server(&self, name: &str) -> Arc<ServerConfig> {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            );
        Arc::new(config.unwrap())
    }
}

/// In the middle of a session somebody else answers.
#[test]
fn certificates_that_do_not_hold() {
    let authority = Authority::new();
    let good = authority.server("127.0.0.1");
    let wrong_name = authority.server("example.test");
    let unknown = Authority::new().server("127.0.0.1");
    for runtime in ["blocking", "async-std"] {
        for (name, bad) in [
            ("another name", &wrong_name),
            ("an unknown authority", &unknown),
        ] {
            let front = Front::start(Some(Arc::clone(&good)));
            let origin = format!("https://{}", front.address);
            let mut polling = Polling::start(&origin, runtime, Some(&authority.pem));
            polling.until("status 1", |line| line["status"] == 1);
            let idle = polling.peak_kib();
            front.shared.bad_tls.lock().unwrap().push(Arc::clone(bad));
            let begun = Instant::now();
            front.message("behind");
            let notice = polling.until("notice", |line| line["notice"].is_string());
            let row = Row {
                name: "a certificate that does not hold",
                runtime,
                said: notice["message"].as_str().unwrap().to_owned(),
                took: begun.elapsed(),
                peak_kib: polling.peak_kib().saturating_sub(idle),
            };
            println!("{row}");
            assert_eq!(notice["notice"], "retry", "{name}");
            polling.until("message", |line| line["event"] == "behind");
            assert_eq!(front.shared.hits.load(Ordering::SeqCst), 1, "{name}");
            assert_eq!(front.shared.cookies.lock().unwrap().len(), 1);
        }
    }
}
