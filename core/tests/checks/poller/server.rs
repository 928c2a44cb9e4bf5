//! The server, which works, or tells what the script says.

use bilibili_session::poller::Status;
use serde_json::{Value, json};

use super::life::{Life, OnItsWay};
use super::script::{ListEntry, PageEntry};

/// Owner of the account.
pub(super) const OWN: i64 = 10001;
/// The server's clock at the beginning (s).
pub(super) const START: i64 = 1_700_000_000;
/// Number of users.
pub(super) const TALKERS: u8 = 6;

/// A message that the server has.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) seqno: u64,
    pub(super) key: i64,
    pub(super) at: i64,
    pub(super) kind: u8,
    pub(super) is_own: bool,
}

impl Life {
    pub(super) fn arrive(&mut self, talker: u8, count: u8, kind: u8) {
        if self.store.values().map(Vec::len).sum::<usize>() > 200 {
            return;
        }
        let at = self.server_now();
        let is_connected = self.status == Status::Connected;
        let is_own = kind >= 250;
        for nth in 0..count % 32 {
            // With holes.
            self.next_seqno += 1 + u64::from(nth % 3);
            let seqno = self.next_seqno;
            self.store.entry(talker).or_default().push(Stored {
                seqno,
                key: 7_300_000_000_000_000_000 + i64::try_from(seqno).unwrap(),
                at,
                kind,
                is_own,
            });
            if (is_connected || self.uid_is_known_by_checkpoint())
                && (!is_own || self.settings.with_own)
                && !is_unreadable(kind)
            {
                self.owed.insert((talker_id(talker), seqno));
            }
        }
        self.fed += usize::from(count);
    }

    /// After a resume the base line is the checkpoint's, connected or not.
    pub(super) fn uid_is_known_by_checkpoint(&self) -> bool {
        self.status == Status::Init && self.poller.checkpoint().is_some()
    }

    /// Returns the answer of a server that works.
    pub(super) fn serve(&mut self, request: &OnItsWay) -> Value {
        let number = |name: &str| -> Option<u64> { request.query.get(name)?.parse().ok() };
        match request.path.as_str() {
            "nav" => json!({
                "isLogin": true, "mid": OWN, "uname": "made up", "face": "",
                "wbi_img": {
                    "img_url": "https://i0.hdslb.com/bfs/wbi/7cd084941338484aae1ad9425b84077c.png",
                    "sub_url": "https://i0.hdslb.com/bfs/wbi/4932caff0ff746eab6f01bf08b70ac45.png",
                },
            }),
            "fetch_session_msgs" => {
                let begin = number("begin_seqno").unwrap_or(0);
                let end = number("end_seqno").unwrap_or(u64::MAX);
                let size = usize::try_from(number("size").unwrap()).unwrap();
                let talker = (0..TALKERS)
                    .find(|t| Some(talker_id(*t).unsigned_abs()) == number("talker_id"));
                let none = Vec::new();
                let stored = talker.and_then(|t| self.store.get(&t)).unwrap_or(&none);
                let within: Vec<&Stored> = stored
                    .iter()
                    .rev()
                    .filter(|stored| begin < stored.seqno && stored.seqno < end)
                    .collect();
                let messages: Vec<Value> = within
                    .iter()
                    .take(size)
                    .map(|s| message(talker.unwrap(), s))
                    .collect();
                self.fed += messages.len();
                let on_page = || within.iter().take(size).map(|stored| stored.seqno);
                json!({
                    "messages": messages, "has_more": u8::from(within.len() > size),
                    "min_seqno": on_page().min().unwrap_or(u64::MAX),
                    "max_seqno": on_page().max().unwrap_or(0),
                })
            }
            _ => {
                let after = number("begin_ts").unwrap_or(0);
                let before = number("end_ts").unwrap_or(u64::MAX);
                let mut list: Vec<(u64, Value)> = self
                    .store
                    .iter()
                    .filter_map(|(talker, stored)| {
                        let newest = stored.last()?;
                        let ts = newest.at.unsigned_abs() * 1_000_000;
                        let entry = json!({
                            "talker_id": talker_id(*talker), "session_type": 1,
                            "max_seqno": newest.seqno, "session_ts": ts,
                        });
                        (after < ts && ts < before).then_some((ts, entry))
                    })
                    .collect();
                list.sort_by_key(|(ts, _)| std::cmp::Reverse(*ts));
                let list: Vec<Value> = list.into_iter().map(|(_, entry)| entry).collect();
                json!({"session_list": list, "has_more": 0})
            }
        }
    }

    pub(super) fn list_entry(&self, entry: &ListEntry) -> Value {
        let at = (self.server_now() + i64::from(entry.at)) * 1_000_000;
        let mut value = json!({
            "talker_id": talker_id(entry.talker % TALKERS),
            "session_type": 1 + i64::from(entry.shape % 3 == 1),
            "max_seqno": entry.max_seqno.0,
            "session_ts": at,
        });
        match entry.shape / 16 {
            1 => value["session_ts"] = json!(0),
            2 => value["session_ts"] = json!(i64::MAX),
            3 => value["top_ts"] = json!(at),
            4 => value["talker_id"] = json!([]),
            5 => value["last_msg"] = json!({"msg_seqno": entry.max_seqno.0 / 2}),
            6 => value["max_seqno"] = json!("x"),
            7 => value["session_ts"] = json!(i64::MIN),
            8 => value = json!(entry.max_seqno.0),
            9 => value["session_type"] = json!(entry.talker),
            _ => {}
        }
        value
    }

    pub(super) fn page_entry(&self, entry: &PageEntry) -> Value {
        let mut value = json!({
            "sender_uid": if entry.shape % 16 == 1 { OWN } else { 20001 },
            "receiver_type": 1, "receiver_id": OWN,
            "msg_type": 1, "content": "{\"content\":\"hi\"}",
            "msg_seqno": entry.seqno.0,
            "timestamp": self.server_now() + i64::from(entry.at),
            "msg_key": entry.key,
        });
        match entry.kind % 4 {
            1 => {
                value["msg_type"] = json!(5);
                value["content"] = json!(entry.key.to_string());
            }
            2 => value["msg_type"] = json!(entry.kind),
            _ => {}
        }
        match entry.shape / 16 {
            1 => value["timestamp"] = json!(0),
            2 => value["timestamp"] = json!(i64::MIN),
            3 => value["msg_seqno"] = json!(null),
            4 => value["msg_seqno"] = json!("x"),
            5 => value["at_uids"] = json!(["x", {}]),
            6 => value = json!([]),
            _ => {}
        }
        value
    }

    /// Many of a kind.
    pub(super) fn flood(&mut self, request: &OnItsWay, count: usize, kind: u8) -> Value {
        self.fed += count;
        let at = self.server_now() * 1_000_000;
        let mut base = self.fed;
        if kind % 4 == 3 {
            // Right above what is here, and what arrives later stands above these.
            let begin = request
                .query
                .get("begin_seqno")
                .and_then(|n| n.parse().ok());
            base = begin.map_or(1, |begin: usize| begin.saturating_add(1).min(1 << 40));
            let newest = u64::try_from(base + count).unwrap();
            self.next_seqno = self.next_seqno.max(newest);
        }
        let list: Vec<Value> = (base..base + count)
            .map(|nth| match kind % 4 {
                0 => json!({"talker_id": 30_000 + nth, "session_type": 1, "max_seqno": 5, "session_ts": at}),
                1 => json!({"talker_id": 30_000 + nth, "session_type": 1, "session_ts": at}),
                2 => json!({"made up": nth}),
                _ => json!({
                    "sender_uid": 20_001, "msg_seqno": nth, "msg_key": nth, "msg_type": 1,
                    "content": "{\"content\":\"hi\"}", "timestamp": at / 1_000_000,
                }),
            })
            .collect();
        let name = if kind % 4 == 3 {
            "messages"
        } else {
            "session_list"
        };
        json!({name: list, "has_more": kind >= 128})
    }
}

pub(super) fn talker_id(talker: u8) -> i64 {
    20_001 + i64::from(talker)
}

/// Messages of this kind have no seqno that can be read.
pub(super) const fn is_unreadable(kind: u8) -> bool {
    kind % 8 == 5
}

pub(super) fn message(talker: u8, stored: &Stored) -> Value {
    let (sender, receiver) = match stored.is_own {
        true => (OWN, talker_id(talker)),
        false => (talker_id(talker), OWN),
    };
    let seqno = match is_unreadable(stored.kind) {
        true => json!("made up"),
        false => json!(stored.seqno),
    };
    json!({
        "sender_uid": sender, "receiver_type": 1, "receiver_id": receiver,
        "msg_type": if stored.kind % 8 == 7 { 99 } else { 1 },
        "content": if stored.kind % 8 == 6 { "broken" } else { "{\"content\":\"hi\"}" },
        "msg_seqno": seqno, "timestamp": stored.at, "msg_key": stored.key,
    })
}
