//! Answers of a message server that were written before the first request came: for measuring clients, not for testing them.
//!
//! ```text
//! cargo run --release -p bilibili-session-simulator --example static_server -- [--conversations 100] [--messages 30] \
//!     [--rounds 8] [--idle 20] [--delay-ms 0]
//! ```
//!
//! A client logs in, reads the list, and asks for what is new: `--rounds` times every conversation has `--messages` new
//! messages, and the next round begins when each of them was asked for. After that there is nothing new. A list shows all
//! conversations at once, and nothing lies below it.
//!
//! Prints its origin, and then a mark where whoever measures is to look at the client, which waits for its answer meanwhile:
//! an empty line on the standard input lets it go on. The marks are `start` (the first request for what is new), `settled`
//! (the third one with nothing new) and `idle` (so many requests later). `served` needs no answer.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

const UID: u64 = 10001;
const FIRST_TALKER: u64 = 20001;
/// Requests with nothing new before the first of those that are measured.
const SETTLING: u64 = 3;

#[derive(Debug, Clone, Copy)]
struct Options {
    conversations: u64,
    messages: u64,
    rounds: u64,
    idle: u64,
    delay: Duration,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            conversations: 100,
            messages: 30,
            rounds: 8,
            idle: 20,
            delay: Duration::ZERO,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value: u64 = arguments
                .next()
                .ok_or("an option without a value")?
                .parse()?;
            match name.as_str() {
                "--conversations" => options.conversations = value,
                "--messages" => options.messages = value,
                "--rounds" => options.rounds = value,
                "--idle" => options.idle = value,
                "--delay-ms" => options.delay = Duration::from_millis(value),
                _ => return Err(format!("no such option: {name}").into()),
            }
        }
        Ok(options)
    }

    /// The newest message of every conversation after so many rounds.
    const fn max_seqno(&self, rounds: u64) -> u64 {
        1 + rounds * self.messages
    }
}

/// Every answer that will be given, head and body.
struct Answers {
    /// By a part of the path.
    fixed: Vec<(&'static str, Vec<u8>)>,
    /// After so many rounds.
    lists: Vec<Vec<u8>>,
    nothing_new: Vec<u8>,
    /// By conversation and by the seqno that they begin after.
    pages: HashMap<(u64, u64), Vec<u8>>,
    empty_page: Vec<u8>,
    not_found: Vec<u8>,
}

impl Answers {
    fn new(options: Options) -> Result<Self, Box<dyn Error>> {
        let now = SystemTime::now();
        let started = now.duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let date = httpdate::fmt_http_date(now);
        let answer = |body: &Value| {
            let body = body.to_string();
            let length = body.len();
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: {date}\r\nContent-Length: {length}\r\n\r\n{body}")
                .into_bytes()
        };
        let done =
            |data: &Value| answer(&json!({"code": 0, "message": "0", "ttl": 1, "data": data}));
        let list = |rounds: u64| {
            let conversation = |n: u64| {
                json!({
                    "talker_id": FIRST_TALKER + n, "session_type": 1, "at_seqno": 0, "top_ts": 0, "group_name": "",
                    "group_cover": "", "is_follow": 1, "is_dnd": 0, "ack_seqno": 1, "ack_ts": started * 1_000_000,
                    "session_ts": (started - 60 + rounds) * 1_000_000 + n, "unread_count": rounds * options.messages,
                    "last_msg": message(n, options.max_seqno(rounds), started - 60 + rounds),
                    "group_type": 0, "can_fold": 0, "status": 0, "max_seqno": options.max_seqno(rounds),
                    "new_push_msg": 0, "setting": 0, "is_guardian": 0, "is_intercept": 0, "is_trust": 0,
                    "system_msg_type": 0, "live_status": 0, "biz_msg_unread_count": 0,
                })
            };
            let newest_first: Vec<Value> =
                (0..options.conversations).rev().map(conversation).collect();
            done(&json!({"session_list": newest_first, "has_more": 0}))
        };
        let mut pages = HashMap::new();
        for round in 0..options.rounds {
            let before = options.max_seqno(round);
            for n in 0..options.conversations {
                let seqnos = (before + 1..=before + options.messages).rev();
                let messages: Vec<Value> = seqnos
                    .clone()
                    .map(|seqno| message(n, seqno, started - 59 + round))
                    .collect();
                let page = done(&json!({
                    "messages": messages, "has_more": 0, "min_seqno": before + 1, "max_seqno": before + options.messages,
                }));
                pages.insert((FIRST_TALKER + n, before), page);
            }
        }
        let nav = json!({
            "isLogin": true, "mid": UID, "uname": "somebody",
            "wbi_img": {
                "img_url": "https://i0.hdslb.com/bfs/wbi/0123456789abcdef0123456789abcdef.png",
                "sub_url": "https://i0.hdslb.com/bfs/wbi/fedcba9876543210fedcba9876543210.png",
            },
        });
        Ok(Self {
            fixed: vec![
                ("/nav", done(&nav)),
                ("/myinfo", done(&json!({"mid": UID, "name": "somebody"}))),
                ("/get_sessions", list(0)),
            ],
            lists: (0..=options.rounds).map(list).collect(),
            nothing_new: done(&json!({"session_list": null, "has_more": 0})),
            pages,
            empty_page: done(&json!({"messages": null, "has_more": 0})),
            not_found: answer(&json!({"code": -404, "message": "-404"})),
        })
    }
}

/// Mostly texts; of thirty two are pictures, one a shared video, one a notice.
fn message(n: u64, seqno: u64, timestamp: u64) -> Value {
    let key = 7_300_000_000_000_000_000 + n * 1_000_000 + seqno;
    let (msg_type, content) = match seqno % 30 {
        0 | 15 => (
            2,
            json!({
                "url": format!("https://i0.hdslb.com/bfs/im_new/{key:032x}.jpg"), "height": 1080, "width": 1920,
                "imageType": "jpeg", "original": 1, "size": 251.5,
            }),
        ),
        10 => (
            7,
            json!({
                "author": "某人", "headline": "", "id": 170_001, "source": 5, "thumb": "http://i0.hdslb.com/bfs/archive/0.jpg",
                "title": "一个视频的标题", "bvid": "BV17x411w7KC",
            }),
        ),
        20 => (
            10,
            json!({"title": "一则通知", "text": format!("第 {seqno} 条"), "jump_text": "", "jump_uri": "", "modules": null}),
        ),
        _ => (
            1,
            json!({"content": format!("你好，这是第 {seqno} 条消息 😀")}),
        ),
    };
    json!({
        "sender_uid": FIRST_TALKER + n, "receiver_type": 1, "receiver_id": UID, "msg_type": msg_type,
        "content": content.to_string(), "msg_seqno": seqno, "timestamp": timestamp, "at_uids": [0], "msg_key": key,
        "msg_status": 0, "notify_code": "", "new_face_version": 1, "msg_source": 7,
    })
}

/// Progress of the client.
struct Progress {
    round: u64,
    /// Conversations of this round that were not asked for yet.
    left: Vec<u64>,
    idle: u64,
    fetches: u64,
}

struct Server {
    options: Options,
    answers: Answers,
    progress: Mutex<Progress>,
}

impl Server {
    /// Answers requests one after the other until the client hangs up.
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = vec![0; 16 << 10];
        let mut filled = 0;
        loop {
            let end = buffer.get(..filled).and_then(|it| find(it, b"\r\n\r\n"));
            let Some(end) = end else {
                let room = buffer.get_mut(filled..).unwrap_or_default();
                match stream.read(room)? {
                    0 => return Ok(()),
                    n => filled += n,
                }
                continue;
            };
            let answer = self.answer(buffer.get(..end).unwrap_or_default());
            if !self.options.delay.is_zero() {
                thread::sleep(self.options.delay);
            }
            stream.write_all(answer)?;
            buffer.copy_within(end + 4..filled, 0);
            filled -= end + 4;
        }
    }

    fn answer(&self, head: &[u8]) -> &[u8] {
        let line = head.split(|it| *it == b'\r').next().unwrap_or_default();
        let target = std::str::from_utf8(line).unwrap_or_default();
        let target = target.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path.ends_with("/fetch_session_msgs") {
            return self.page(number(query, "talker_id="), number(query, "begin_seqno="));
        }
        if path.ends_with("/new_sessions") {
            return self.list();
        }
        if path.ends_with("/get_sessions") && query.contains("end_ts=") {
            // All there is was on the first page: a client that asks what lies below is told that nothing does.
            return &self.answers.nothing_new;
        }
        let fixed = self
            .answers
            .fixed
            .iter()
            .find(|(end, _)| path.ends_with(end));
        fixed.map_or(&self.answers.not_found, |(_, answer)| answer)
    }

    fn page(&self, talker: u64, after: u64) -> &[u8] {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.fetches += 1;
        let is_of_this_round =
            progress.round > 0 && after == self.options.max_seqno(progress.round - 1);
        let page = self
            .answers
            .pages
            .get(&(talker, after))
            .filter(|_| is_of_this_round);
        let Some(page) = page else {
            return &self.answers.empty_page;
        };
        let before = progress.left.len();
        progress.left.retain(|it| *it != talker);
        if before == 1 && progress.left.is_empty() && progress.round == self.options.rounds {
            say(&json!({"mark": "served", "fetches": progress.fetches}));
        }
        page
    }

    /// The list of a new round, if the last one was taken; of the same one otherwise.
    fn list(&self) -> &[u8] {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if !progress.left.is_empty() {
            // Falls through to the list of this round.
        } else if progress.round < self.options.rounds {
            if progress.round == 0 {
                mark(&json!({"mark": "start"}));
            }
            progress.round += 1;
            progress.left = (0..self.options.conversations)
                .map(|n| FIRST_TALKER + n)
                .collect();
        } else {
            progress.idle += 1;
            if progress.idle == SETTLING {
                mark(&json!({"mark": "settled"}));
            }
            if progress.idle == SETTLING + self.options.idle {
                mark(&json!({"mark": "idle", "polls": self.options.idle}));
            }
            return &self.answers.nothing_new;
        }
        let round = usize::try_from(progress.round).unwrap_or_default();
        self.answers
            .lists
            .get(round)
            .unwrap_or(&self.answers.not_found)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|it| it == what)
}

fn number(query: &str, name: &str) -> u64 {
    let value = query.split('&').find_map(|it| it.strip_prefix(name));
    value.and_then(|it| it.parse().ok()).unwrap_or_default()
}

fn say(line: &Value) {
    // Who measures is gone: nothing is left to do but serve.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Says it, and waits until it was noted.
fn mark(line: &Value) {
    say(line);
    let _ = io::stdin().lock().read_line(&mut String::new());
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let server = Arc::new(Server {
        options,
        answers: Answers::new(options)?,
        progress: Mutex::new(Progress {
            round: 0,
            left: Vec::new(),
            idle: 0,
            fetches: 0,
        }),
    });
    say(&json!({"origin": format!("http://{}", listener.local_addr()?)}));
    for stream in listener.incoming() {
        let (server, stream) = (Arc::clone(&server), stream?);
        // A client that hangs up in the middle is its own affair.
        thread::spawn(move || drop(server.serve(stream)));
    }
    Ok(())
}
