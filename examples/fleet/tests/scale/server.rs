//! A server whose answers are all written before the first request: what it costs is sockets, and as good as nothing else.
//!
//! Threads of the measuring process, one a connection. The worker is a process of its own, so neither's time counts for the
//! other, but on a small machine they share the processors.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};

/// Messages that an account had before: they are in its list, and none of them is new.
const TALKERS: u64 = 20_001;

/// Subject of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The login, once.
    Nav,
    /// The list, at the beginning.
    List,
    /// The news, once a round.
    Changes,
    Else,
}

/// One request, and when it was here.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub uid: i64,
    pub asked: Asked,
    pub at: Instant,
}

pub struct Server {
    pub origin: String,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

struct Answers {
    /// By account.
    navs: HashMap<i64, Vec<u8>>,
    list: Vec<u8>,
    nothing_new: Vec<u8>,
    not_found: Vec<u8>,
}

impl Server {
    /// Serves these accounts, each with so many conversations.
    pub fn start(uids: impl Iterator<Item = i64>, conversations: u64) -> Self {
        let answers = Arc::new(Answers::new(uids, conversations));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let arrivals: Arc<Mutex<Vec<Arrival>>> = Arc::default();
        let noted = Arc::clone(&arrivals);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answers, noted) = (Arc::clone(&answers), Arc::clone(&noted));
                // A client that hangs up in the middle is its own affair.
                thread::spawn(move || stream.and_then(|it| serve(it, &answers, &noted)));
            }
        });
        Self { origin, arrivals }
    }

    /// Takes what was noted since the last time.
    pub fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.arrivals.lock().unwrap())
    }
}

fn serve(
    mut stream: TcpStream,
    answers: &Answers,
    arrivals: &Mutex<Vec<Arrival>>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 8 << 10];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Ok(());
        }
        let at = Instant::now();
        filled += read;
        while let Some(end) = buffer[..filled].windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.copy_within(end + 4..filled, 0);
            filled -= end + 4;
            let (arrival, answer) = answers.of(&head, at);
            arrivals.lock().unwrap().push(arrival);
            stream.write_all(answer)?;
        }
    }
}

impl Answers {
    fn new(uids: impl Iterator<Item = i64>, conversations: u64) -> Self {
        let now = SystemTime::now();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let date = httpdate::fmt_http_date(now);
        let answer = |body: Value| {
            let body = body.to_string();
            let length = body.len();
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: {date}\r\nContent-Length: {length}\r\n\r\n{body}")
                .into_bytes()
        };
        let done = |data: Value| answer(json!({"code": 0, "message": "0", "ttl": 1, "data": data}));
        let sessions: Vec<Value> = (0..conversations)
            .map(|n| conversation(n, since.as_secs() - 3600 - n))
            .collect();
        let nav = |uid: i64| {
            done(json!({
                "isLogin": true, "mid": uid, "uname": "somebody",
                "wbi_img": {
                    "img_url": "https://i0.hdslb.com/bfs/wbi/0123456789abcdef0123456789abcdef.png",
                    "sub_url": "https://i0.hdslb.com/bfs/wbi/fedcba9876543210fedcba9876543210.png",
                },
            }))
        };
        Self {
            navs: uids.map(|uid| (uid, nav(uid))).collect(),
            list: done(json!({"session_list": sessions, "has_more": 0})),
            nothing_new: done(json!({"session_list": null, "has_more": 0})),
            not_found: answer(json!({"code": -404, "message": "-404"})),
        }
    }

    /// Returns what this request is, and its answer.
    fn of(&self, head: &str, at: Instant) -> (Arrival, &[u8]) {
        let target = head.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let uid = head.split("DedeUserID=").nth(1).map(|rest| {
            let end = rest.find(|it: char| !it.is_ascii_digit());
            rest[..end.unwrap_or(rest.len())].parse()
        });
        let uid = uid.and_then(Result::ok).unwrap_or_default();
        let (asked, answer) = match path.rsplit('/').next().unwrap_or_default() {
            "nav" => (Asked::Nav, self.navs.get(&uid)),
            // All there is was on the first page.
            "get_sessions" if query.contains("end_ts=") => (Asked::List, Some(&self.nothing_new)),
            "get_sessions" => (Asked::List, Some(&self.list)),
            "new_sessions" => (Asked::Changes, Some(&self.nothing_new)),
            _ => (Asked::Else, None),
        };
        let arrival = Arrival { uid, asked, at };
        (arrival, answer.unwrap_or(&self.not_found))
    }
}

/// One in which all was read.
fn conversation(n: u64, at_s: u64) -> Value {
    json!({
        "talker_id": TALKERS + n, "session_type": 1, "at_seqno": 0, "top_ts": 0, "group_name": "", "group_cover": "",
        "is_follow": 1, "is_dnd": 0, "ack_seqno": 1, "ack_ts": at_s * 1_000_000, "session_ts": at_s * 1_000_000,
        "unread_count": 0, "group_type": 0, "can_fold": 0, "status": 0, "max_seqno": 1, "new_push_msg": 0, "setting": 0,
        "is_guardian": 0, "is_intercept": 0, "is_trust": 0, "system_msg_type": 0, "live_status": 0,
        "biz_msg_unread_count": 0,
        "last_msg": {
            "sender_uid": TALKERS + n, "receiver_type": 1, "receiver_id": 10001, "msg_type": 1,
            "content": r#"{"content":"你好"}"#, "msg_seqno": 1, "timestamp": at_s, "at_uids": [0],
            "msg_key": 7_300_000_000_000_000_000 + n, "msg_status": 0, "notify_code": "", "new_face_version": 1,
            "msg_source": 7,
        },
    })
}
