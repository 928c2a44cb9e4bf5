//! Pages to their end, against servers that do it this way or that.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::ops::ControlFlow;

use bilibili_session::endpoints::{
    FetchSessionMsgs, GetAt, GetLikes, GetReplies, GetSessions, GetSystemMessages, MessagePage,
};
use bilibili_session::error::{Error, PageError};
use bilibili_session::pager::{
    FeedPager, History, LikeDetailPager, Pager, SessionsPager, SystemPager,
};
use bilibili_session::{Endpoint, Event, Seqno, Uid};
use serde_json::{Value, json};
use support::{request, take_apart};

/// Drives a pager against a server that answers queries with `data`.
fn drive<P: Pager>(
    pager: &mut P,
    mut server: impl FnMut(&dyn Fn(&str) -> Option<i128>, &str) -> Value,
) -> Result<Vec<P::Item>, PageError> {
    let mut items = Vec::new();
    for turn in 0..10_000 {
        let Some(call) = pager.next_call() else {
            assert!(pager.next_call().is_none());
            return Ok(items);
        };
        let taken = take_apart(&request(&call));
        if turn < 3 {
            let again = take_apart(&request(&pager.next_call().unwrap()));
            assert_eq!(taken, again, "a call that failed can be made again");
        }
        let number = |name: &str| {
            let (_, value) = taken.query.iter().find(|(key, _)| key == name)?;
            Some(value.parse().unwrap())
        };
        let page = call.decode(&server(&number, &taken.url)).unwrap();
        items.extend(pager.handle_page(page)?);
    }
    panic!("it does not end");
}

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

fn feed_page(ids: impl Iterator<Item = i64>, is_end: bool) -> Value {
    let ids: Vec<i64> = ids.collect();
    let last = ids.last().copied().unwrap_or(0);
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    json!({"cursor": {"is_end": is_end, "id": last, "time": last}, "items": items, "last_view_at": 1})
}

#[test]
fn a_feed_to_its_end() {
    let mut pages = 0;
    let replies = drive(&mut FeedPager::<GetReplies>::new(), |number, _| {
        pages += 1;
        let from = number("id").map_or(100, |id| i64::try_from(id).unwrap());
        assert_eq!(number("reply_time"), number("id"));
        // Each page repeats the last item of the one before.
        feed_page((from - 9..=from).rev().filter(|id| *id > 0), from <= 10)
    });
    let ids: Vec<i64> = replies.unwrap().iter().map(|reply| reply.id).collect();
    assert_eq!(ids, (1..=100).rev().collect::<Vec<_>>());
    assert_eq!(pages, 11);

    let mut limited = FeedPager::<GetAt>::new().limit(15);
    let mut pages = 0;
    let at = drive(&mut limited, |number, _| {
        pages += 1;
        let from = number("id").map_or(100, |id| i64::try_from(id).unwrap() - 1);
        feed_page((from - 9..=from).rev(), false)
    });
    assert_eq!((at.unwrap().len(), pages), (15, 2));
}

#[test]
fn likes_are_the_latest_and_all() {
    let likes = drive(
        &mut FeedPager::<GetLikes>::new(),
        |number, _| match number("id") {
            None => json!({
                "latest": {"items": [{"id": 9}, {"id": 8}], "last_view_at": 5},
                "total": feed_page([8, 7].into_iter(), false),
            }),
            Some(7) => json!({"latest": null, "total": feed_page([7, 6].into_iter(), true)}),
            other => panic!("{other:?}"),
        },
    );
    let ids: Vec<i64> = likes.unwrap().iter().map(|like| like.id).collect();
    assert_eq!(ids, [9, 8, 7, 6]);
}

#[test]
fn everybody_who_liked_a_thing() {
    let mut likes = LikeDetailPager::new(9);
    let users = drive(&mut likes, |number, url| {
        assert!(url.ends_with("/x/msgfeed/like_detail"), "{url}");
        assert_eq!(number("card_id"), Some(9));
        let page = number("pn").unwrap();
        let last = (page > 1).then_some(page * 2 - 1);
        assert_eq!(number("last_mid"), last);
        // Somebody new moves one of each page onto the next.
        let user =
            |mid: i128| json!({"user": {"mid": i64::try_from(mid).unwrap()}, "like_time": 7});
        let mut items = vec![user(page * 2 - 1), user(page * 2), user(page * 2 + 1)];
        if page == 2 {
            items.insert(0, json!({"user": 7.5}));
        }
        // Of the last page nothing tells; the one after it is empty.
        match page {
            ..=3 => json!({"page": {"is_end": false}, "card": null, "items": items}),
            4 => json!({"page": null, "items": items}),
            _ => json!({"page": {}, "items": null}),
        }
    });
    let mids: Vec<i64> = users.unwrap().iter().map(|like| like.user.mid.0).collect();
    assert_eq!(mids, (1..=9).collect::<Vec<_>>());
    assert_eq!(likes.take_unreadable().len(), 1);

    let mut pages = 0;
    let users = drive(&mut LikeDetailPager::new(9).limit(3), |_, _| {
        pages += 1;
        json!({"items": [{"user": {"mid": 2 * pages}}, {"user": {"mid": 2 * pages + 1}}]})
    });
    assert_eq!((users.unwrap().len(), pages), (3, 2));
    let mut pages = 0;
    let same = drive(&mut LikeDetailPager::new(9), |_, _| {
        pages += 1;
        json!({"page": {"is_end": false}, "items": [{"user": {"mid": 1}}]})
    });
    assert_eq!((same.unwrap().len(), pages), (1, 4));
}

#[test]
fn a_feed_ends_where_nothing_new_comes() {
    for data in [
        json!({"cursor": null, "items": null}),
        json!({}),
        json!({"cursor": {"is_end": true, "id": 0, "time": 0}, "items": []}),
        feed_page([3, 2].into_iter(), false),
        json!({"cursor": {"is_end": false, "id": 5, "time": 5}, "items": [{"id": {}}]}),
    ] {
        let mut asked = 0;
        let mut pager = FeedPager::<GetReplies>::new();
        let read = drive(&mut pager, |_, _| {
            asked += 1;
            data.clone()
        });
        assert!(read.unwrap().len() <= 2 && asked <= 2, "{data}");
    }
}

#[test]
fn a_page_of_known_items_is_not_the_end_of_a_feed() {
    // So much comes in between two pages that the next one repeats the first, with a cursor of its own.
    let read = |repeats: i64| {
        let mut asked = 0;
        let replies = drive(&mut FeedPager::<GetReplies>::new(), |_, _| {
            asked += 1;
            if asked > 1 + repeats {
                return feed_page((1..=4).rev(), true);
            }
            let mut page = feed_page((5..=6).rev(), false);
            page["cursor"]["time"] = json!(100 - asked);
            page
        });
        (replies.unwrap().len(), asked)
    };
    assert_eq!(read(1), (6, 3));
    assert_eq!(read(2), (6, 4));
    // A service that never has anything else is left at last.
    assert_eq!(read(100), (2, 4));
}

fn list_server(
    times: &[(i64, i64)],
    page: usize,
    pinned: &[i64],
) -> impl Fn(Option<i128>, bool) -> Value {
    let mut times = times.to_vec();
    times.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let pinned = pinned.to_vec();
    move |end_ts, pinned_always| {
        let entry = |(id, time): &(i64, i64)| json!({"talker_id": id, "session_type": 1, "session_ts": time, "top_ts": i64::from(pinned.contains(id))});
        let front = times
            .iter()
            .filter(|(id, _)| pinned.contains(id) && (end_ts.is_none() || pinned_always));
        let rest = times
            .iter()
            .filter(|(id, _)| !pinned.contains(id))
            .filter(|(_, time)| end_ts.is_none_or(|end| i128::from(*time) < end));
        let all: Vec<Value> = front.chain(rest).map(entry).collect();
        json!({"session_list": &all[..page.min(all.len())], "has_more": u8::from(all.len() > page)})
    }
}

#[test]
fn the_whole_list_of_conversations() {
    // Some share a time; pinned ones are among the oldest and stand at the front.
    let times: Vec<(i64, i64)> = (1..=95)
        .map(|id| (id, 1_700_000_000_000_000 + id / 3))
        .collect();
    for pinned in [&[][..], &[2, 50], &[1, 2, 3, 4, 5]] {
        for always in [false, true] {
            for page in [9, 20, 100] {
                let server = list_server(&times, page, pinned);
                let mut pager = SessionsPager::new(GetSessions::new());
                let list = drive(&mut pager, |number, _| server(number("end_ts"), always)).unwrap();
                let mut ids: Vec<i64> = list.iter().map(|entry| entry.talker_id).collect();
                ids.sort_unstable();
                assert_eq!(
                    ids,
                    (1..=95).collect::<Vec<_>>(),
                    "{pinned:?} {always} {page}"
                );
            }
        }
    }
    // The first of each page is listed once more at its end.
    let server = list_server(&times, 7, &[]);
    let mut twice = SessionsPager::new(GetSessions::new());
    let list = drive(&mut twice, |number, _| {
        let mut data = server(number("end_ts"), false);
        let list = data["session_list"].as_array_mut().unwrap();
        list.push(list[0].clone());
        data
    });
    assert_eq!(list.unwrap().len(), 95);
    let server = list_server(&times, 20, &[]);
    let mut limited = SessionsPager::new(GetSessions::new()).limit(30);
    let list = drive(&mut limited, |number, _| server(number("end_ts"), false));
    assert_eq!(list.unwrap().len(), 30);
    let same = json!({"session_list": [{"talker_id": 1, "session_type": 1, "session_ts": 5}], "has_more": 1});
    let mut stuck = SessionsPager::new(GetSessions::new());
    assert_eq!(drive(&mut stuck, |_, _| same.clone()).unwrap().len(), 1);
}

#[test]
fn system_notices_of_both_sources_and_the_older_ones() {
    // 60 notices; the unified source has the newest ten, the user's those from the sixth on.
    let notice = |n: i64| json!({"id": 5_000_060 - n, "cursor": 1_699_999_999_999_999_960_i64 - n});
    let list = |range: std::ops::Range<i64>| range.map(notice).collect::<Vec<Value>>();
    let mut asked = Vec::new();
    let answer =
        |number: &dyn Fn(&str) -> Option<i128>, url: &str| match url.rsplit('/').next().unwrap() {
            "query_user_notify" => json!({"system_notify_list": list(5..25)}),
            "query_unified_notify" => json!({"system_notify_list": list(0..10)}),
            "query_notify_list" => {
                let cursor = i64::try_from(number("cursor").unwrap()).unwrap();
                let next = 1_699_999_999_999_999_960 - cursor + 1;
                json!(list(next..(next + 20).min(60)))
            }
            other => panic!("{other}"),
        };
    let notices = drive(&mut SystemPager::new(), |number, url| {
        asked.push(url.to_owned());
        answer(number, url)
    });
    let ids: Vec<i64> = notices.unwrap().iter().map(|notice| notice.id).collect();
    assert_eq!(ids, (0..60).map(|n| 5_000_060 - n).collect::<Vec<_>>());
    assert!(asked.len() <= 7, "{asked:?}");

    let first = drive(&mut SystemPager::new().limit(8), answer).unwrap();
    let ids: Vec<i64> = first.iter().map(|notice| notice.id).collect();
    assert_eq!(ids, (0..8).map(|n| 5_000_060 - n).collect::<Vec<_>>());

    // Nothing anywhere; one source only; the same page for ever.
    assert!(
        drive(&mut SystemPager::new(), |_, _| json!(null))
            .unwrap()
            .is_empty()
    );
    let only_user = drive(&mut SystemPager::new(), |_, url| {
        match url.contains("user") {
            true => json!({"system_notify_list": [notice(3), notice(1)]}),
            false => json!([]),
        }
    });
    assert_eq!(only_user.unwrap().len(), 2);
    assert_eq!(
        drive(&mut SystemPager::new(), |_, _| json!([notice(1)]))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_page_of_known_notices_is_not_the_end_of_the_older_ones() {
    // The user's source fills a page of the older ones exactly, below all that the unified one has.
    let notice = |n: i64| json!({"id": n, "cursor": n});
    let list = |range: std::ops::Range<i64>| range.rev().map(notice).collect::<Vec<Value>>();
    let notices = drive(&mut SystemPager::new(), |number, url| {
        let end = match url.rsplit('/').next().unwrap() {
            "query_user_notify" => 51,
            "query_unified_notify" => return json!(list(51..61)),
            _ => i64::try_from(number("cursor").unwrap()).unwrap(),
        };
        json!(list((end - 20).max(1)..end))
    });
    let ids: Vec<i64> = notices.unwrap().iter().map(|notice| notice.id).collect();
    assert_eq!(ids, (1..61).rev().collect::<Vec<_>>());
}

/// That it can be driven as a runtime does: generically, in a few lines.
#[test]
fn any_pager_is_driven_the_same_way() {
    fn first<P: Pager>(
        mut pager: P,
        mut call: impl FnMut(P::Endpoint) -> Result<<P::Endpoint as Endpoint>::Output, Error>,
    ) -> Result<Option<P::Item>, Error> {
        while let Some(endpoint) = pager.next_call() {
            let flow = match pager.handle_page(call(endpoint)?)?.into_iter().next() {
                Some(item) => ControlFlow::Break(item),
                None => ControlFlow::Continue(()),
            };
            if let ControlFlow::Break(item) = flow {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
    let notice = first(SystemPager::new(), |call: GetSystemMessages| {
        Ok(call.decode(&json!([{"id": 1, "cursor": 2}]))?)
    });
    assert_eq!(notice.unwrap().unwrap().cursor, 2);
    let message = first(History::newest_first(Uid(1)), |call: FetchSessionMsgs| {
        Ok(call.decode(&json!({"messages": [{"msg_seqno": 3}]}))?)
    });
    assert_eq!(message.unwrap().unwrap().msg_seqno(), Seqno(3));
}
