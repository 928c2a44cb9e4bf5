//! A proxy that passes plain requests on, and notes for whom.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::front::uid_of;

pub struct Proxy {
    pub address: String,
    /// Account of each request, and whether it gave a password.
    pub asked: Arc<Mutex<Vec<(i64, bool)>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    /// Starts one at this address.
    pub async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<(i64, bool)>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                // One that breaks off is the client's to ask again.
                tokio::spawn(async move { pass(stream, &noted).await });
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    /// Takes no more connections.
    pub fn end(&self) {
        self.task.abort();
    }
}

/// Passes one request on: `GET http://host/path` becomes `GET /path`, and the connection ends with the answer.
async fn pass(mut stream: TcpStream, asked: &Mutex<Vec<(i64, bool)>>) -> Option<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let lower = head.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1).unwrap_or("0");
    let length: usize = length.lines().next()?.trim().parse().ok()?;
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let has_password = lower.contains("proxy-authorization: basic ");
    asked.lock().unwrap().push((uid_of(&head), has_password));
    let (method, rest) = head.split_once(" http://")?;
    let (host, rest) = rest.split_once('/')?;
    let mut server = TcpStream::connect(host).await.ok()?;
    let head = format!("{method} /{rest}\r\nconnection: close\r\n\r\n");
    server.write_all(head.as_bytes()).await.ok()?;
    server.write_all(&bytes[end + 4..]).await.ok()?;
    tokio::io::copy(&mut server, &mut stream).await.ok()?;
    stream.shutdown().await.ok()
}
