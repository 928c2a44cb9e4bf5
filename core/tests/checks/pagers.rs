//! A pager comes to its end, whatever the pages say, and returns everything once.

use std::collections::BTreeSet;
use std::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};
use bilibili_session::endpoints::{GetAt, GetLikes, GetReplies, GetSessions};
use bilibili_session::error::PageError;
use bilibili_session::model::SystemNotice;
use bilibili_session::pager::{
    FeedPager, History, LikeDetailPager, Pager, SessionsPager, SystemPager,
};
use bilibili_session::{Endpoint, Seqno, Uid};
use http::Response;
use serde_json::{Value, json};

/// More requests than any row of pages with 256 numbers can take.
const ENDLESS: usize = 4096;

/// A pager, and pages that come round again and again.
#[derive(Debug, Clone, Arbitrary)]
pub struct Script {
    pub kind: u8,
    pub limit: Option<u8>,
    pub pages: Vec<Page>,
}

/// A page of any kind.
#[derive(Debug, Clone, Arbitrary)]
pub struct Page {
    pub numbers: Vec<u8>,
    pub has_more: bool,
    pub unreadable: u8,
    /// The ends that the page claims, or the place where the next one begins.
    pub ends: (u8, u8),
}

/// Runs what is written in these bytes.
pub fn check(input: &[u8]) {
    if let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(input)) {
        check_script(&script);
    }
}

/// Drives the pager until it ends.
pub fn check_script(script: &Script) {
    let limit = script.limit.map_or(usize::MAX, usize::from);
    match script.kind % 8 {
        0 => {
            let pager = History::newest_first(Uid(20001)).limit(limit).size(7);
            let out = drive(pager, script, |event| event.msg_seqno().0);
            assert!(out.is_sorted_by(|a, b| a > b), "{out:?}");
        }
        1 => {
            let pager = History::rising(Uid(20001), Seqno(3)).limit(limit).size(7);
            let out = drive(pager, script, |event| event.msg_seqno().0);
            assert!(out.is_sorted_by(|a, b| a < b), "{out:?}");
            assert!(out.iter().all(|seqno| *seqno > 3), "{out:?}");
        }
        2 => {
            let pager = SessionsPager::new(GetSessions::new()).limit(limit);
            drive(pager, script, |conversation| conversation.talker_id);
        }
        3 => {
            // The cursor identifies a notice over both sources; their ids may be the same.
            let number = |notice: &SystemNotice| match notice.cursor {
                1.. => notice.cursor,
                _ => notice.id,
            };
            drive(SystemPager::new().limit(limit), script, number);
        }
        4 => {
            let pager = FeedPager::<GetReplies>::new().limit(limit);
            drive(pager, script, |reply| reply.id);
        }
        5 => {
            drive(FeedPager::<GetAt>::new().limit(limit), script, |at| at.id);
        }
        6 => {
            let pager = FeedPager::<GetLikes>::new().limit(limit);
            drive(pager, script, |like| like.id);
        }
        _ => {
            let pager = LikeDetailPager::new(1).limit(limit);
            drive(pager, script, |like| like.user.mid);
        }
    }
}

fn drive<P: Pager, K: Ord + Copy + Debug>(
    mut pager: P,
    script: &Script,
    key: impl Fn(&P::Item) -> K,
) -> Vec<K> {
    let nothing = Page {
        numbers: Vec::new(),
        has_more: false,
        unreadable: 0,
        ends: (0, 0),
    };
    let mut pages = script.pages.iter().chain([&nothing]).cycle();
    let mut out = Vec::new();
    for _ in 0..ENDLESS {
        let Some(call) = pager.next_call() else {
            let unique: BTreeSet<K> = out.iter().copied().collect();
            assert_eq!(unique.len(), out.len(), "something came twice: {out:?}");
            assert!(out.len() <= script.limit.map_or(usize::MAX, usize::from));
            assert!(pager.take_unreadable().len() <= 100);
            return out;
        };
        let page = pages.next().unwrap().answer(script.kind);
        let body = json!({"code": 0, "data": page}).to_string().into_bytes();
        let page = call.parse(&Response::new(body)).unwrap();
        match pager.handle_page(page) {
            Ok(items) => out.extend(items.iter().map(&key)),
            Err(error) => {
                assert_eq!(error, PageError::Stalled);
                assert!(pager.next_call().is_none(), "it is over after an error");
            }
        }
    }
    panic!("it does not end");
}

impl Page {
    fn answer(&self, kind: u8) -> Value {
        let of = |item: &dyn Fn(u8) -> Value| -> Vec<Value> {
            let broken = std::iter::repeat_n(json!({"made": "up"}), self.unreadable.into());
            self.numbers
                .iter()
                .map(|n| item(*n))
                .chain(broken)
                .collect()
        };
        let (low, high) = self.ends;
        match kind % 8 {
            0 | 1 => json!({
                "messages": of(&|n| json!({"msg_seqno": n})),
                "has_more": self.has_more, "min_seqno": low, "max_seqno": high,
            }),
            2 => json!({
                "session_list": of(&|n| json!({
                    "talker_id": n, "session_type": 1, "session_ts": n / 2, "top_ts": n % 5 / 4,
                })),
                "has_more": self.has_more,
            }),
            3 => json!(of(&|n| json!({"id": n, "cursor": (n / 2).max(low)}))),
            7 => json!({
                "page": {"is_end": !self.has_more}, "items": of(&|n| json!({"user": {"mid": n}})),
            }),
            _ => {
                let cursor = json!({"is_end": !self.has_more, "id": low, "time": high});
                let items = of(&|n| json!({"id": n}));
                let middle = items.len() / 2;
                match kind % 8 {
                    6 => json!({
                        "latest": {"items": items[middle..]},
                        "total": {"items": items[..middle], "cursor": cursor},
                    }),
                    _ => json!({"items": items, "cursor": cursor}),
                }
            }
        }
    }
}
