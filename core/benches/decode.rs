//! Reading pages, lists and nav, each against its floor in the same run: `serde_json` into the
//! smallest borrowed struct, the contents of messages parsed.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/workload/mod.rs"]
mod workload;

use bilibili_session::endpoints::{
    FetchSessionMsgs, GetSessions, MessagePage, Nav, NavInfo, SessionPage,
};
use bilibili_session::{Endpoint, Uid};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Response;

const PAGE: usize = 200;
const LIST: usize = 100;

// Not inlined, so that a profiler finds each by its name.

#[inline(never)]
fn decode_messages(answer: &Response<Vec<u8>>) -> MessagePage {
    FetchSessionMsgs::new(Uid(20001)).parse(answer).unwrap()
}

#[inline(never)]
fn decode_list(answer: &Response<Vec<u8>>) -> SessionPage {
    GetSessions::new().parse(answer).unwrap()
}

#[inline(never)]
fn decode_nav(answer: &Response<Vec<u8>>) -> NavInfo {
    Nav.parse(answer).unwrap()
}

#[inline(never)]
fn floor_messages(body: &[u8]) -> Vec<(floor::Message<'_>, floor::Content)> {
    with_contents(serde_json::from_slice(body).unwrap())
}

#[inline(never)]
fn floor_checked_messages(body: &[u8]) -> Vec<(floor::Message<'_>, floor::Content)> {
    with_contents(serde_json::from_str(std::str::from_utf8(body).unwrap()).unwrap())
}

fn with_contents(
    answer: floor::Answer<floor::Messages<'_>>,
) -> Vec<(floor::Message<'_>, floor::Content)> {
    assert_eq!((answer.code, answer.data.has_more), (0, 1));
    let messages = answer.data.messages.into_iter();
    messages
        .map(|message| {
            let content = floor::Content::of(&message);
            (message, content)
        })
        .collect()
}

#[inline(never)]
fn floor_list(body: &[u8]) -> floor::Answer<floor::List<'_>> {
    let answer: floor::Answer<floor::List<'_>> = serde_json::from_slice(body).unwrap();
    assert_eq!((answer.code, answer.data.has_more), (0, 0));
    answer
}

#[inline(never)]
fn floor_nav(body: &[u8]) -> floor::Answer<floor::Nav<'_>> {
    let answer: floor::Answer<floor::Nav<'_>> = serde_json::from_slice(body).unwrap();
    assert_eq!(answer.code, 0);
    answer
}

fn messages(criterion: &mut Criterion) {
    let body = workload::message_page(PAGE);
    let mut group = criterion.benchmark_group("a page of 200 mixed messages");
    group.throughput(Throughput::Elements(PAGE as u64));
    group.bench_function("floor", |bencher| bencher.iter(|| floor_messages(&body)));
    // What is checked once is not checked for each text.
    group.bench_function("floor of what is checked to be UTF-8", |bencher| {
        bencher.iter(|| floor_checked_messages(&body));
    });
    let answer = Response::new(body.clone());
    group.bench_function("FetchSessionMsgs::parse", |bencher| {
        bencher.iter(|| decode_messages(&answer));
    });
    group.finish();
}

fn lists(criterion: &mut Criterion) {
    for (name, body) in [
        ("a list of 100 conversations", workload::session_list(LIST)),
        ("an idle list", workload::idle_list()),
    ] {
        let mut group = criterion.benchmark_group(name);
        group.bench_function("floor", |bencher| bencher.iter(|| floor_list(&body)));
        let answer = Response::new(body.clone());
        group.bench_function("GetSessions::parse", |bencher| {
            bencher.iter(|| decode_list(&answer));
        });
        group.finish();
    }
}

fn nav(criterion: &mut Criterion) {
    let body = workload::nav();
    let mut group = criterion.benchmark_group("nav");
    group.bench_function("floor", |bencher| bencher.iter(|| floor_nav(&body)));
    let answer = Response::new(body.clone());
    group.bench_function("Nav::parse", |bencher| bencher.iter(|| decode_nav(&answer)));
    group.finish();
}

/// As little as can be said of each, borrowed where nothing is escaped.
mod floor {
    use std::borrow::Cow;

    use serde::Deserialize;
    use serde_json::from_str;

    #[derive(Deserialize)]
    pub(crate) struct Answer<T> {
        pub(crate) code: i64,
        pub(crate) data: T,
    }

    #[derive(Deserialize)]
    pub(crate) struct Messages<'a> {
        #[serde(borrow)]
        pub(crate) messages: Vec<Message<'a>>,
        pub(crate) has_more: i64,
    }

    #[allow(dead_code, reason = "it is read")]
    #[derive(Deserialize)]
    pub(crate) struct Message<'a> {
        sender_uid: i64,
        receiver_id: i64,
        msg_type: i64,
        #[serde(borrow)]
        content: Cow<'a, str>,
        msg_seqno: u64,
        timestamp: i64,
        msg_key: i64,
        msg_status: i64,
    }

    #[allow(dead_code, reason = "it is read")]
    #[derive(Deserialize)]
    pub(crate) struct List<'a> {
        #[serde(borrow)]
        pub(crate) session_list: Option<Vec<Conversation<'a>>>,
        pub(crate) has_more: i64,
    }

    #[allow(dead_code, reason = "it is read")]
    #[derive(Deserialize)]
    pub(crate) struct Conversation<'a> {
        talker_id: i64,
        session_type: i64,
        ack_seqno: u64,
        max_seqno: u64,
        session_ts: i64,
        unread_count: i64,
        #[serde(borrow)]
        last_msg: Message<'a>,
    }

    #[allow(dead_code, reason = "it is read")]
    #[derive(Deserialize)]
    pub(crate) struct Nav<'a> {
        #[serde(rename = "isLogin")]
        is_login: bool,
        mid: i64,
        uname: &'a str,
        #[serde(borrow)]
        wbi_img: WbiImg<'a>,
    }

    #[allow(dead_code, reason = "it is read")]
    #[derive(Deserialize)]
    struct WbiImg<'a> {
        img_url: &'a str,
        sub_url: &'a str,
    }

    #[derive(Deserialize)]
    struct Text<'a> {
        #[serde(borrow)]
        content: Cow<'a, str>,
    }

    #[derive(Deserialize)]
    struct Picture<'a> {
        #[serde(borrow)]
        url: Cow<'a, str>,
        width: u32,
        height: u32,
    }

    #[derive(Deserialize)]
    struct Share<'a> {
        id: i64,
        #[serde(borrow)]
        title: Cow<'a, str>,
        bvid: &'a str,
    }

    #[derive(Deserialize)]
    struct Notice<'a> {
        #[serde(borrow)]
        title: Cow<'a, str>,
        #[serde(borrow)]
        text: Cow<'a, str>,
        #[serde(borrow)]
        modules: Vec<Module<'a>>,
    }

    #[derive(Deserialize)]
    struct Module<'a> {
        #[serde(borrow)]
        title: Cow<'a, str>,
        #[serde(borrow)]
        detail: Cow<'a, str>,
    }

    #[derive(Deserialize)]
    struct Video<'a> {
        rid: i64,
        #[serde(borrow)]
        title: Cow<'a, str>,
        bvid: &'a str,
    }

    #[derive(Deserialize)]
    struct Works<'a> {
        #[serde(borrow)]
        main_title: Cow<'a, str>,
        #[serde(borrow)]
        sub_cards: Vec<Card<'a>>,
    }

    #[derive(Deserialize)]
    struct Card<'a> {
        card_id: i64,
        #[serde(borrow)]
        field1: Cow<'a, str>,
    }

    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        text: Cow<'a, str>,
    }

    /// A number that depends on what was read: the content itself borrows from the message.
    pub(crate) struct Content(#[allow(dead_code, reason = "it is made")] usize);

    impl Content {
        pub(crate) fn of(message: &Message<'_>) -> Self {
            let raw = message.content.as_ref();
            Self(match message.msg_type {
                1 => from_str::<Text<'_>>(raw).unwrap().content.len(),
                2 | 6 => {
                    let picture: Picture<'_> = from_str(raw).unwrap();
                    picture.url.len() + (picture.width * picture.height) as usize
                }
                5 => from_str::<u64>(raw).unwrap() as usize,
                7 => {
                    let share: Share<'_> = from_str(raw).unwrap();
                    share.title.len() + share.bvid.len() + share.id as usize
                }
                10 => {
                    let notice: Notice<'_> = from_str(raw).unwrap();
                    let modules = notice.modules.iter();
                    let lines: usize = modules
                        .map(|line| line.title.len() + line.detail.len())
                        .sum();
                    notice.title.len() + notice.text.len() + lines
                }
                11 => {
                    let video: Video<'_> = from_str(raw).unwrap();
                    video.title.len() + video.bvid.len() + video.rid as usize
                }
                16 => {
                    let works: Works<'_> = from_str(raw).unwrap();
                    let cards = works.sub_cards.iter();
                    let cards: usize = cards
                        .map(|card| card.field1.len() + card.card_id as usize)
                        .sum();
                    works.main_title.len() + cards
                }
                18 => {
                    let text: Text<'_> = from_str(raw).unwrap();
                    let parts: Vec<Part<'_>> = from_str(&text.content).unwrap();
                    parts.iter().map(|part| part.text.len()).sum()
                }
                _ => raw.len(),
            })
        }
    }
}

criterion_group!(benches, messages, lists, nav);
criterion_main!(benches);
