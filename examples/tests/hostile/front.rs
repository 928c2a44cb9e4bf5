//! The server: the simulator behind raw sockets, until a case is armed.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bilibili_session_simulator::{Answer, NewMessage, Simulator};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::cases::Script;

/// The case that is armed.
struct Armed {
    path: &'static str,
    script: Script,
    left: u32,
}

/// The simulator behind raw sockets.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    simulator: Mutex<Simulator>,
    armed: Mutex<Option<Armed>>,
    /// The certificate that is shown, where TLS is spoken.
    tls: Mutex<Option<Arc<ServerConfig>>>,
    /// Handshakes to spoil: what is shown for so many connections.
    pub(crate) bad_tls: Mutex<Vec<Arc<ServerConfig>>>,
    pub(crate) hits: AtomicUsize,
    /// Connections that were taken.
    pub(crate) connections: AtomicUsize,
    /// Connections up to this one say nothing any more.
    silent: AtomicUsize,
    pub(crate) cookies: Mutex<BTreeSet<String>>,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

impl Front {
    pub(crate) fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            simulator: Mutex::default(),
            armed: Mutex::default(),
            tls: Mutex::new(tls),
            bad_tls: Mutex::default(),
            hits: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            silent: AtomicUsize::new(0),
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

    pub(crate) fn arm(&self, path: &'static str, script: Script) {
        let left = 1;
        *self.shared.armed.lock().unwrap() = Some(Armed { path, script, left });
    }

    /// Answers on no connection any more that is open by now, and closes none.
    pub(crate) fn fall_silent(&self) {
        let by_now = self.shared.connections.load(Ordering::SeqCst);
        self.shared.silent.store(by_now, Ordering::SeqCst);
    }

    pub(crate) fn message(&self, text: &str) {
        self.message_of(20001, text);
    }

    pub(crate) fn message_of(&self, sender: i64, text: &str) {
        let message = NewMessage::text(sender, text);
        let mut simulator = self.shared.simulator.lock().unwrap();
        simulator.receive(now_us(), message).unwrap();
    }
}

impl Shared {
    fn connection(&self, socket: TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let number = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let config = self.tls.lock().unwrap().clone();
        let Some(config) = config else {
            let mut stream = socket.try_clone()?;
            while self.exchange(&mut stream, &socket, number)? {}
            return Ok(());
        };
        let bad = self.bad_tls.lock().unwrap().pop();
        let connection = ServerConnection::new(bad.clone().unwrap_or(config)).unwrap();
        let mut stream = StreamOwned::new(connection, socket.try_clone()?);
        if bad.is_some() {
            self.hits.fetch_add(1, Ordering::SeqCst);
        }
        // One exchange: the next one shows a certificate again.
        self.exchange(&mut stream, &socket, number)?;
        stream.conn.send_close_notify();
        stream.flush()?;
        socket.shutdown(Shutdown::Write)
    }

    /// One request and its answer; whether another one may follow.
    fn exchange(
        &self,
        stream: &mut dyn Stream,
        socket: &TcpStream,
        number: usize,
    ) -> io::Result<bool> {
        let Some(request) = read_request(stream)? else {
            return Ok(false);
        };
        if number <= self.silent.load(Ordering::SeqCst) {
            self.hits.fetch_add(1, Ordering::SeqCst);
            stream.read_to_end(&mut Vec::new())?;
            return Ok(false);
        }
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
