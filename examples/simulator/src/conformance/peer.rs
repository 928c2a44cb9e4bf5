//! A server on 127.0.0.1 that answers bytes.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Answer of a server to each request.
#[derive(Clone)]
pub(super) enum Script {
    /// Sends these bytes; the connection stays open for the next request.
    Answer(Vec<u8>),
    /// Sends these bytes to the first request of a connection; the next one is taken, and the
    /// connection ends.
    Once(Vec<u8>),
    /// Sends these bytes, then ends the connection.
    Last(Vec<u8>),
    /// Sends these bytes, then resets the connection.
    Reset(Vec<u8>),
    /// First these bytes, then these one at a time with a pause after each, for ever.
    Drip(Vec<u8>, &'static [u8]),
    /// First these bytes, then these over and over, as fast as they are taken.
    Flood(Vec<u8>, Vec<u8>),
    /// Sends nothing for as long as the client waits.
    Hang,
}

/// A server that is there until the process ends, with one thread for a connection.
pub(super) struct Peer {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// Byte stream that a connection is spoken over, in the clear or with TLS.
pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Peer {
    /// Follows the script on every connection.
    pub(super) fn new(script: Script) -> Result<Self, String> {
        Self::over(script, |stream| Ok(Box::new(stream)))
    }

    /// Starts a peer that speaks over the stream which `wrap` makes of a connection.
    pub(super) fn over(
        script: Script,
        wrap: impl Fn(TcpStream) -> io::Result<Box<dyn Stream>> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        let address = listen(move |socket| {
            let mut stream = wrap(socket.try_clone()?)?;
            if let Script::Reset(bytes) = &script {
                // A close with bytes that nobody has read is a reset.
                stream.read_exact(&mut [0])?;
                thread::sleep(Duration::from_millis(50));
                return put(&mut stream, bytes);
            }
            let mut is_first = true;
            while let Some(request) = read_request(&mut stream)? {
                log.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(request);
                match &script {
                    Script::Once(bytes) if is_first => put(&mut stream, bytes)?,
                    script => script.follow(&mut stream, &socket)?,
                }
                is_first = false;
            }
            Ok(())
        })?;
        Ok(Self { address, received })
    }

    /// Returns the address, as `127.0.0.1:port`.
    pub(super) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Returns the beginning of all URLs of the peer.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the whole requests that came, as bytes.
    pub(super) fn received(&self) -> Vec<Vec<u8>> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Gives every connection to this, each on a thread of its own.
pub(super) fn listen(
    serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> Result<SocketAddr, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            // What breaks a connection is for the client to see.
            thread::spawn(move || serve(socket));
        }
    });
    Ok(address)
}

impl Script {
    fn follow(&self, stream: &mut dyn Stream, socket: &TcpStream) -> io::Result<()> {
        let over = || io::Error::from(io::ErrorKind::ConnectionAborted);
        match self {
            Self::Answer(bytes) => put(stream, bytes),
            Self::Last(bytes) => {
                put(stream, bytes)?;
                socket.shutdown(Shutdown::Both)?;
                Err(over())
            }
            Self::Once(_) | Self::Reset(_) => Err(over()),
            Self::Drip(first, bytes) => {
                put(stream, first)?;
                for byte in bytes.iter().cycle() {
                    put(stream, &[*byte])?;
                    thread::sleep(Duration::from_millis(30));
                }
                Ok(())
            }
            Self::Flood(first, bytes) => {
                put(stream, first)?;
                loop {
                    put(stream, bytes)?;
                }
            }
            Self::Hang => {
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest)?;
                Ok(())
            }
        }
    }
}

fn put(stream: &mut dyn Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

/// Reads a whole request, head and body; `None` at the end of the connection.
fn read_request(stream: &mut dyn Stream) -> io::Result<Option<Vec<u8>>> {
    let mut request = read_head(stream)?;
    if request.is_empty() {
        return Ok(None);
    }
    let length = header(&request, "content-length")
        .first()
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    request.extend(body);
    Ok(Some(request))
}

/// Reads up to the empty line, byte for byte, so that nothing behind it is taken.
pub(super) fn read_head(stream: &mut (impl Read + ?Sized)) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        head.extend(byte);
    }
    Ok(head)
}

/// Returns the values of a header of a request, once for each occurrence.
pub(super) fn header(request: &[u8], name: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}

/// Returns the bytes after the empty line.
pub(super) fn body(request: &[u8]) -> &[u8] {
    request
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .and_then(|end| request.get(end + 4..))
        .unwrap_or_default()
}
