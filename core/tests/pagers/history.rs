//! The history of a conversation.

use bilibili_session::endpoints::{GetSessions, MessagePage};
use bilibili_session::error::{Error, PageError};
use bilibili_session::pager::{History, Pager, SessionsPager};
use bilibili_session::{Event, Seqno, Uid};
use serde_json::{Value, json};

use crate::drive;
use crate::lists::list_server;

/// Answer of a server when more lies between the bounds than a page holds.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Newest,
    Oldest,
    Either,
}

#[derive(Debug, Clone)]
struct Server {
    seqnos: Vec<u64>,
    habit: Habit,
    page: usize,
    inclusive: bool,
    /// Never says that there is more.
    silent: bool,
    asked: usize,
    random: u64,
}

impl Server {
    fn new(count: u64, habit: Habit, page: usize) -> Self {
        Self {
            // With holes.
            seqnos: (1..=count).map(|n| 1_000 + n * 3 + n % 2).collect(),
            habit,
            page,
            inclusive: false,
            silent: false,
            asked: 0,
            random: 88_172_645_463_325_252 ^ count,
        }
    }

    fn page(&mut self, begin: Option<i128>, end: Option<i128>, size: usize) -> Value {
        self.asked += 1;
        let slack = i128::from(self.inclusive);
        let within: Vec<u64> = self
            .seqnos
            .iter()
            .copied()
            .filter(|seqno| begin.is_none_or(|begin| i128::from(*seqno) > begin - slack))
            .filter(|seqno| end.is_none_or(|end| i128::from(*seqno) < end + slack))
            .collect();
        let size = size.min(self.page);
        let newest = match self.habit {
            Habit::Newest => true,
            Habit::Oldest => false,
            Habit::Either => {
                self.random ^= self.random << 13;
                self.random ^= self.random >> 7;
                self.random ^= self.random << 17;
                self.random.is_multiple_of(2)
            }
        };
        let has_more = within.len() > size;
        let chosen = match (has_more, newest) {
            (false, _) => &within[..],
            (true, true) => &within[within.len() - size..],
            (true, false) => &within[..size],
        };
        let messages: Vec<Value> = chosen
            .iter()
            .rev()
            .map(|seqno| json!({"msg_seqno": seqno, "msg_type": 1, "content": "{\"content\":\"x\"}"}))
            .collect();
        json!({
            "messages": if messages.is_empty() { Value::Null } else { json!(messages) },
            "has_more": u8::from(has_more && !self.silent),
            "min_seqno": chosen.first().copied().unwrap_or(u64::MAX),
            "max_seqno": chosen.last().copied().unwrap_or(0),
        })
    }

    fn read(&mut self, pager: &mut History) -> Result<Vec<u64>, PageError> {
        let events = drive(pager, |number, _| {
            let size = usize::try_from(number("size").unwrap()).unwrap();
            self.page(number("begin_seqno"), number("end_seqno"), size)
        })?;
        Ok(events.iter().map(|event| event.msg_seqno().0).collect())
    }
}

#[test]
fn a_history_is_whole_whatever_end_is_served() {
    for habit in [Habit::Newest, Habit::Oldest, Habit::Either] {
        for inclusive in [false, true] {
            for page in [2, 7, 30, 200] {
                for count in [0, 1, 2, 3, 4, 7, 8, 14, 29, 30, 31, 61, 201] {
                    let mut server = Server::new(count, habit, page);
                    server.inclusive = inclusive;
                    let what = format!("{habit:?} {count} by {page}, inclusive {inclusive}");
                    let mut all = server.seqnos.clone();
                    let rising = server.read(&mut History::rising(Uid(20001), Seqno(0)));
                    assert_eq!(rising.unwrap(), all, "{what}");

                    let after = all.get(all.len() / 3).copied().unwrap_or(5);
                    let rest = server.read(&mut History::rising(Uid(20001), Seqno(after)));
                    let expected: Vec<u64> =
                        all.iter().copied().filter(|seqno| *seqno > after).collect();
                    assert_eq!(rest.unwrap(), expected, "{what} after {after}");

                    all.reverse();
                    let falling = server.read(&mut History::newest_first(Uid(20001)));
                    assert_eq!(falling.unwrap(), all, "{what}");

                    all.truncate(11);
                    let first = server.read(&mut History::newest_first(Uid(20001)).limit(11));
                    assert_eq!(first.unwrap(), all, "{what}");
                }
            }
        }
    }
}

#[test]
fn a_full_page_may_have_more_behind_it_whatever_it_says() {
    for habit in [Habit::Newest, Habit::Oldest, Habit::Either] {
        for count in [0, 1, 7, 8, 14, 60] {
            let mut server = Server::new(count, habit, 7);
            server.silent = true;
            let mut all = server.seqnos.clone();
            let rising = server.read(&mut History::rising(Uid(20001), Seqno(0)).size(7));
            assert_eq!(rising.unwrap(), all, "{habit:?} {count}");
            all.reverse();
            let falling = server.read(&mut History::newest_first(Uid(20001)).size(7));
            assert_eq!(falling.unwrap(), all, "{habit:?} {count}");
        }
    }
    let times: Vec<(i64, i64)> = (1..=50).map(|id| (id, id)).collect();
    let server = list_server(&times, 20, &[]);
    let list = drive(&mut SessionsPager::new(GetSessions::new()), |number, _| {
        let mut data = server(number("end_ts"), false);
        data["has_more"] = json!(0);
        data
    });
    assert_eq!(list.unwrap().len(), 50);
}

#[test]
fn a_history_costs_few_requests() {
    let asked = |habit, pager: &mut History| {
        let mut server = Server::new(1000, habit, 100);
        assert_eq!(server.read(pager).unwrap().len(), 1000);
        server.asked
    };
    let newest = || History::newest_first(Uid(20001));
    let rising = || History::rising(Uid(20001), Seqno(0));
    // Ten pages; in the order in which they are served each is asked for once.
    assert_eq!(asked(Habit::Newest, &mut newest()), 10);
    assert!(asked(Habit::Oldest, &mut rising()) <= 12);
    // Against that order each is asked for twice.
    assert!(asked(Habit::Newest, &mut rising()) <= 20);
    assert!(asked(Habit::Oldest, &mut newest()) <= 22);
    let mut one = Server::new(20, Habit::Newest, 200);
    one.read(&mut newest()).unwrap();
    assert_eq!(one.asked, 1);
}

#[test]
fn an_empty_page_that_says_there_is_more_is_the_end_when_it_stays_so() {
    let empty = json!({"messages": null, "has_more": 1, "min_seqno": u64::MAX, "max_seqno": 0});
    for mut pager in [
        History::newest_first(Uid(1)),
        History::rising(Uid(1), Seqno(9)),
    ] {
        let mut asked = 0;
        let read = drive(&mut pager, |_, _| {
            asked += 1;
            empty.clone()
        });
        assert!(read.unwrap().is_empty());
        assert_eq!(asked, 3);
        assert_eq!(
            pager.handle_page(MessagePage::default()).unwrap_err(),
            PageError::Unasked
        );
    }
    // Two messages, and has_more is 1 whatever is asked.
    for mut pager in [
        History::newest_first(Uid(1)),
        History::rising(Uid(1), Seqno(0)),
    ] {
        let read = drive(&mut pager, |number, _| {
            let [begin, end] = ["begin_seqno", "end_seqno"].map(number);
            let within = [12, 7].into_iter().filter(|seqno| {
                begin.is_none_or(|begin| begin < *seqno) && end.is_none_or(|end| *seqno < end)
            });
            let messages: Vec<Value> = within.map(|it| json!({"msg_seqno": it})).collect();
            json!({"messages": messages, "has_more": 1})
        });
        assert_eq!(read.unwrap().len(), 2);
    }
}

#[test]
fn a_page_that_moves_nothing_is_an_error() {
    // Always the same page, whatever is asked for.
    let data = json!({"messages": [{"msg_seqno": 7}, {"msg_seqno": 8}], "has_more": 1});
    for mut pager in [
        History::newest_first(Uid(1)),
        History::rising(Uid(1), Seqno(0)),
    ] {
        let read: Result<Vec<Event>, _> = drive(&mut pager, |_, _| data.clone());
        assert!(read.is_ok_and(|events| events.len() == 2) || pager.next_call().is_none());
    }
    let error = Error::from(PageError::Stalled);
    assert_eq!(error.class().as_str(), "server");
}

#[test]
fn what_cannot_be_read_does_not_stop_a_history() {
    let pages = [
        json!({"messages": [{"msg_seqno": 9}, {"msg_seqno": {}}], "has_more": 1, "min_seqno": 8, "max_seqno": 9}),
        json!({"messages": [{"msg_seqno": []}], "has_more": 1, "min_seqno": 6, "max_seqno": 7}),
        json!({"messages": [{"msg_seqno": 5}], "has_more": 0}),
    ];
    let mut pager = History::newest_first(Uid(1));
    let mut turn = pages.iter();
    let events = drive(&mut pager, |_, _| turn.next().unwrap().clone()).unwrap();
    let seqnos: Vec<u64> = events.iter().map(|event| event.msg_seqno().0).collect();
    assert_eq!(seqnos, [9, 5]);
    assert_eq!(pager.take_unreadable().len(), 2);
    assert!(pager.take_unreadable().is_empty());
}
