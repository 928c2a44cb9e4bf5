//! A poller and a service that has its answers ready: what a round costs is the poller's.
#![allow(dead_code, reason = "each user takes a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's support")]

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use bilibili_session::poller::{Output, Poller, PollerConfig, RequestId};
use bilibili_session::{ClientConfig, Credential, Now, UnixMicros};
use http::Response;
use serde_json::{Value, json};

const START: i64 = 1_700_000_000;
const INTERVAL: Duration = Duration::from_secs(6);
const MINUTE: i64 = 60_000_000;
const FIRST_UID: u64 = 20_001;

/// The answers of one round: a list, then a page for each conversation that the poller asks for.
#[derive(Clone)]
pub(crate) struct Answers {
    list: Vec<u8>,
    /// By uid.
    pages: Vec<(u64, Vec<u8>)>,
}

impl Answers {
    /// Returns the list.
    pub(crate) fn list(&self) -> &[u8] {
        &self.list
    }

    /// Returns all pages, without the list.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &[u8]> {
        self.pages.iter().map(|(_, body)| body.as_slice())
    }
}

/// A connected poller that knows some conversations with one user each.
pub(crate) struct Rounds {
    pub(crate) poller: Poller,
    elapsed: Duration,
    /// The newest message of each conversation that ever changed.
    newest: u64,
}

impl Rounds {
    /// Creates a poller that knows this many conversations, 100 or more, after its first rounds.
    pub(crate) fn new(known: u64) -> Self {
        assert!(known >= 100, "a page that is not full is the whole list");
        let context = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup").unwrap());
        let config = PollerConfig::new()
            .interval(INTERVAL)
            .spacing(Duration::ZERO)
            .max_conversations(200_000)
            .whole_list_interval(Some(Duration::from_secs(1_000_000_000)));
        let mut rounds = Self {
            poller: Poller::new(context, config).unwrap(),
            elapsed: Duration::from_secs(1000),
            newest: 1,
        };
        let nav = json!({
            "isLogin": true, "mid": 10001, "uname": "made up",
            "wbi_img": {
                "img_url": "https://127.0.0.1/7cd084941338484aae1ad9425b84077c.png",
                "sub_url": "https://127.0.0.1/4932caff0ff746eab6f01bf08b70ac45.png",
            },
        });
        let answers = Answers {
            list: rounds.list(0..known.min(100), MINUTE, known > 100),
            pages: Vec::new(),
        };
        let nav = body(&nav);
        rounds.run_with(&answers, |path, _| {
            path.ends_with("/nav").then(|| nav.clone())
        });
        // The whole list, page by page, makes the others known.
        let pages = (0..known).step_by(100).map(|first| {
            let end = known.min(first + 100);
            rounds.list(first..end, MINUTE, end < known)
        });
        let mut pages: VecDeque<_> = pages.collect();
        rounds.elapsed += Duration::from_secs(120);
        let empty = rounds.idle();
        while !pages.is_empty() {
            rounds.run_with(&empty, |path, _| {
                let is_whole = path.ends_with("/get_sessions");
                is_whole.then(|| pages.pop_front()).flatten()
            });
        }
        assert_eq!(
            u64::try_from(rounds.poller.remembered_conversations()).unwrap(),
            known
        );
        rounds
    }

    /// Returns the answers of a round in which nothing happened.
    pub(crate) fn idle(&self) -> Answers {
        Answers {
            list: self.list(0..0, 1, false),
            pages: Vec::new(),
        }
    }

    /// Returns the answers of a round whose list shows a known conversation again.
    pub(crate) fn overlap(&self) -> Answers {
        Answers {
            list: self.list(0..1, 1, false),
            pages: Vec::new(),
        }
    }

    /// Returns the answers of a round in which as many messages arrived in each of the first
    /// conversations. To be run before the next answers are made.
    pub(crate) fn active(&mut self, conversations: u64, messages: u64) -> Answers {
        self.active_at(self.server_now(), conversations, messages)
    }

    /// Returns the answers of so many rounds like that, one after the other.
    pub(crate) fn ahead(&mut self, rounds: u64, conversations: u64, messages: u64) -> Vec<Answers> {
        let from = self.server_now();
        let times = (0..rounds).map(|round| INTERVAL.as_secs() * round);
        let times = times.map(|later| from + i64::try_from(later).unwrap());
        times
            .map(|at| self.active_at(at, conversations, messages))
            .collect()
    }

    fn active_at(&mut self, ts: i64, conversations: u64, messages: u64) -> Answers {
        let first = self.newest + 1;
        self.newest += messages;
        let pages = (0..conversations).map(|n| {
            let uid = FIRST_UID + n;
            let messages: Vec<Value> = (first..=self.newest)
                .rev()
                .map(|seqno| message(uid, seqno, ts))
                .collect();
            (uid, body(&json!({"messages": messages, "has_more": 0})))
        });
        Answers {
            pages: pages.collect(),
            list: self.list_at(ts, 0..conversations, 1, false),
        }
    }

    /// Runs one round. Returns the number of requests and of events.
    pub(crate) fn run(&mut self, answers: &Answers) -> (u64, u64) {
        self.run_with(answers, |_, _| None)
    }

    /// Runs one round, which uses its answers up: nothing is copied meanwhile.
    #[inline(never)]
    pub(crate) fn run_once(&mut self, mut answers: Answers) -> (u64, u64) {
        let none = Answers {
            list: Vec::new(),
            pages: Vec::new(),
        };
        self.run_with(&none, |_, query| {
            Some(match talker(query) {
                Some(uid) => {
                    let page = answers.pages.iter_mut().find(|(talker, _)| *talker == uid);
                    page.map(|(_, body)| std::mem::take(body))
                        .unwrap_or_default()
                }
                None => std::mem::take(&mut answers.list),
            })
        })
    }

    fn run_with(
        &mut self,
        answers: &Answers,
        mut other: impl FnMut(&str, &str) -> Option<Vec<u8>>,
    ) -> (u64, u64) {
        let (mut requests, mut events) = (0, 0);
        loop {
            let now = self.now();
            match self.poller.poll_output(now) {
                Output::Send(outgoing) => {
                    requests += 1;
                    let uri = outgoing.request.uri();
                    let query = uri.query().unwrap_or_default();
                    let known = || match talker(query) {
                        Some(uid) => answers.page(uid),
                        None => &answers.list,
                    };
                    let body = other(uri.path(), query).unwrap_or_else(|| known().to_vec());
                    self.answer(outgoing.id, body);
                }
                Output::Event(_) => events += 1,
                Output::Status(_) => {}
                Output::Wait(until) => {
                    self.elapsed = self.elapsed.max(until);
                    return (requests, events);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn answer(&mut self, id: RequestId, body: Vec<u8>) {
        let now = self.now();
        let answer = Ok(Response::new(body));
        self.poller.handle_response(now, id, answer).unwrap();
    }

    fn now(&self) -> Now {
        let micros = i64::try_from(self.elapsed.as_micros()).unwrap();
        Now {
            monotonic: self.elapsed,
            wall: UnixMicros((START - 1000) * 1_000_000 + micros),
        }
    }

    fn server_now(&self) -> i64 {
        START - 1000 + i64::try_from(self.elapsed.as_secs()).unwrap()
    }

    /// Returns a list of the conversations with the users of these numbers, each of which changed
    /// so many microseconds before the one above it.
    fn list(&self, users: Range<u64>, distance: i64, has_more: bool) -> Vec<u8> {
        self.list_at(self.server_now(), users, distance, has_more)
    }

    fn list_at(&self, now: i64, users: Range<u64>, distance: i64, has_more: bool) -> Vec<u8> {
        let (now, newest) = (now * 1_000_000, self.newest);
        let list: Vec<Value> = users
            .map(|n| {
                let uid = FIRST_UID + n;
                let changed_at = now - distance * i64::try_from(n).unwrap();
                json!({
                    "talker_id": uid, "session_type": 1, "at_seqno": 0, "top_ts": 0,
                    "group_name": "", "group_cover": "", "is_follow": 1, "is_dnd": 0,
                    "ack_seqno": newest, "ack_ts": changed_at, "unread_count": 1,
                    "session_ts": changed_at,
                    "last_msg": message(uid, newest, changed_at / 1_000_000), "group_type": 0, "can_fold": 0,
                    "status": 0, "max_seqno": newest, "new_push_msg": 0, "setting": 0,
                })
            })
            .collect();
        body(&json!({"session_list": list, "has_more": u8::from(has_more)}))
    }
}

impl Answers {
    fn page(&self, uid: u64) -> &[u8] {
        let page = self.pages.iter().find(|(talker, _)| *talker == uid);
        page.map(|(_, body)| body.as_slice()).unwrap_or_default()
    }
}

fn talker(query: &str) -> Option<u64> {
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix("talker_id=")?.parse().ok())
}

fn message(sender: u64, seqno: u64, ts: i64) -> Value {
    json!({
        "sender_uid": sender, "receiver_type": 1, "receiver_id": 10001, "msg_type": 1,
        "content": json!({"content": format!("这是第 {seqno} 条")}).to_string(),
        "msg_seqno": seqno, "timestamp": ts, "at_uids": [0],
        "msg_key": 7_300_000_000_000_000_000_u64 + seqno * 1000 + sender % 1000,
        "msg_status": 0, "notify_code": "", "new_face_version": 1, "msg_source": 7,
    })
}

fn body(data: &Value) -> Vec<u8> {
    json!({"code": 0, "message": "0", "ttl": 1, "data": data})
        .to_string()
        .into_bytes()
}
