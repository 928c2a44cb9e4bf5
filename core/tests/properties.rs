//! Properties that hold for inputs of any kind. They themselves are in `checks`, where the
//! fuzz targets take them from too; here they are tried on every build, for some seconds.
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod checks;

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::endpoints::{GetSessionDetail, GetSystemMessages, MyGroupUnread};
use bilibili_session::poller::{Checkpoint, Output, Poller, PollerConfig};
use bilibili_session::{
    ClientConfig, Content, Credential, Endpoint, Event, EventType, Hosts, Message,
};
use bilibili_session::{Now, Uid, UnixMicros};
use checks::credential::cookie_header;
use checks::poller::script::{Script, Settings, Step};
use http::Response;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

/// JSON of any shape, with the names that the service uses among others.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000_i32..1000).prop_map(|n| json!(f64::from(n) / 8.0)),
        "[ -~]{0,6}".prop_map(Value::from),
        (-9_i64..2000).prop_map(|n| json!(n.to_string())),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let name = prop::sample::select(NAMES);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name, inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Value>()),
        ]
    })
}

const NAMES: &[&str] = &[
    "messages",
    "session_list",
    "has_more",
    "msg_seqno",
    "msg_key",
    "msg_type",
    "content",
    "timestamp",
    "at_uids",
    "talker_id",
    "session_type",
    "max_seqno",
    "session_ts",
    "last_msg",
    "system_msg",
    "cursor",
    "items",
    "latest",
    "total",
    "user",
    "users",
    "item",
    "id",
    "time",
    "is_end",
    "system_notify_list",
    "isLogin",
    "mid",
    "wbi_img",
    "img_url",
    "sub_url",
    "url",
    "image_url",
    "bvid",
    "rid",
    "attach_msg",
    "modules",
    "sub_cards",
    "notifier",
    "account_info",
    "a.b",
    "",
    "[0]",
];

fn success(data: &Value) -> Response<Vec<u8>> {
    Response::new(json!({"code": 0, "data": data}).to_string().into_bytes())
}

fn context() -> ClientConfig {
    let hosts = Hosts::origin("http://127.0.0.1:1").unwrap();
    ClientConfig::new(Credential::parse("SESSDATA=made%2Cup").unwrap()).hosts(hosts)
}

/// A server that tells nothing that is not so, and a network, clocks and a user that do
/// what they do.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        9 => any::<u8>().prop_map(|pick| Step::Serve { pick }),
        3 => (any::<u8>(), 1_u8..24, any::<u8>())
            .prop_map(|(talker, count, kind)| Step::Arrive { talker, count, kind }),
        4 => Just(Step::Wait),
        1 => (0_u32..90_000).prop_map(|millis| Step::Pass { millis }),
        1 => any::<i64>().prop_map(|micros| Step::Wall { micros }),
        1 => any::<(u8, u8)>().prop_map(|(pick, how)| Step::Lose { pick, how }),
        // Neither the end of a conversation nor that of the login.
        1 => (any::<u8>(), 0_u8..11).prop_map(|(pick, code)| Step::Refuse { pick, code }),
        1 => (any::<u8>(), any::<u8>(), vec(any::<u8>(), 0..9))
            .prop_map(|(pick, status, body)| Step::Http { pick, status, body }),
        1 => any::<u8>().prop_map(|pick| Step::Again { pick }),
        1 => any::<bool>().prop_map(|rewind| Step::Resume { rewind }),
        1 => Just(Step::Close),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    (any::<[u8; 5]>(), any::<bool>(), any::<u64>()).prop_map(|(numbers, with_own, seed)| Settings {
        page_size: numbers[0],
        backlog: numbers[1],
        kept_events: numbers[2],
        max_parallel: numbers[3],
        interval: numbers[4],
        with_own,
        seed,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn nothing_is_lost_and_nothing_comes_twice(settings in settings(), steps in vec(step(), 0..70)) {
        let connect = [Step::Serve { pick: 0 }, Step::Serve { pick: 0 }];
        let steps = connect.into_iter().chain(steps).collect();
        checks::poller::check_script(&Script { settings, steps }, None);
    }

    #[test]
    fn no_answer_breaks_a_decoder(how in any::<u8>(), data in json_value(), cut in 0_usize..400) {
        let text = data.to_string();
        for kind in 0..checks::decoders::KINDS {
            checks::decoders::check(&[&[kind, how], text.as_bytes()].concat());
            let cut = cut.min(text.len());
            checks::decoders::check(&[&[kind, how], &text.as_bytes()[..cut]].concat());
        }
    }

    #[test]
    fn no_bytes_break_a_decoder(bytes in vec(any::<u8>(), 0..200)) {
        for kind in 0..checks::decoders::KINDS {
            checks::decoders::check(&[&[kind, 0], bytes.as_slice()].concat());
        }
    }

    #[test]
    fn no_content_breaks_an_event(sides in any::<u8>(), data in json_value(), text in ".{0,60}") {
        for kind in 0..u8::try_from(checks::content::KINDS.len()).unwrap() {
            checks::content::check(&[&[kind, sides], data.to_string().as_bytes()].concat());
            checks::content::check(&[&[kind, sides], text.as_bytes()].concat());
        }
    }

    #[test]
    fn no_text_breaks_a_credential(text in "(Cookie: )?(SESSDATA|bili_jct|DedeUserID|x)=[ -~é\t]{0,20}(;[ -~\n]{0,20})?") {
        checks::credential::check_text(&text);
    }

    #[test]
    fn a_credential_is_the_same_from_each_of_its_forms(
        sessdata in "[A-Za-z0-9%*,_-]{1,40}",
        bili_jct in prop::option::of("[0-9a-f]{32}"),
        buvid3 in prop::option::of("[0-9A-F-]{8,40}infoc"),
        uid in prop::option::of(1_i64..),
    ) {
        let uid = uid.map(|uid| uid.to_string());
        let fields: Vec<(&str, &str)> = [
            ("SESSDATA", Some(&sessdata)),
            ("bili_jct", bili_jct.as_ref()),
            ("buvid3", buvid3.as_ref()),
            ("DedeUserID", uid.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.as_str())))
        .collect();

        let line: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let table: String = fields
            .iter()
            .map(|(name, value)| format!(".bilibili.com\tTRUE\t/\tTRUE\t0\t{name}\t{value}\n"))
            .collect();
        let list: Vec<Value> = fields
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value, "domain": ".bilibili.com"}))
            .collect();
        let object: Value = fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let forms = [
            format!("Cookie: {}", line.join("; ")),
            line.join(";"),
            format!("# Netscape HTTP Cookie File\n{table}"),
            json!(list).to_string(),
            json!({ "cookies": list }).to_string(),
            object.to_string(),
        ];
        let first = cookie_header(&Credential::parse(&forms[0]).unwrap());
        for form in forms {
            checks::credential::check_text(&form);
            prop_assert_eq!(&cookie_header(&Credential::parse(&form).unwrap()), &first);
        }
    }

    /// Code units of any kind, escaped: what Rust makes of lossy UTF-16 is what is read, and
    /// the text next to it is unharmed.
    #[test]
    fn lone_surrogates_are_mended_and_harm_no_neighbour(
        units in vec(prop_oneof![0xd800_u16..=0xdfff, any::<u16>()], 0..12),
        neighbour in "[a-z\\\\\"é😀]{0,8}",
    ) {
        let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let content = format!("{{\"before\":{0},\"content\":\"{escaped}\",\"after\":{0}}}", json!(neighbour));
        let mut message = Message::default();
        message.msg_type = EventType::Text;
        message.content = content;
        let event = Event::new(Uid(20001).into(), message.clone());
        let mended = String::from_utf16_lossy(&units);
        prop_assert_eq!(event.text(), Some(mended.as_str()));
        message.msg_type = EventType::System;
        let Content::System(system) = Content::of(&message) else { panic!() };
        prop_assert_eq!(system.fields["before"].as_str(), Some(neighbour.as_str()));
        prop_assert_eq!(system.fields["after"].as_str(), Some(neighbour.as_str()));
    }

    #[test]
    fn numbers_in_every_dress_mean_the_same(number in any::<i64>(), flag in any::<bool>()) {
        let in_string = format!(" {number} ");
        for value in [json!(number), json!(number.to_string()), json!(in_string)] {
            let counts = MyGroupUnread.parse(&success(&json!({"unread_count": value}))).unwrap();
            prop_assert_eq!(counts.unread_count, number);
        }
        #[allow(clippy::cast_precision_loss)]
        if number.unsigned_abs() < 1 << 53 {
            let value = json!(number as f64);
            let counts = MyGroupUnread.parse(&success(&json!({"unread_count": value}))).unwrap();
            prop_assert_eq!(counts.unread_count, number);
        }
        for value in [json!(flag), json!(u8::from(flag)), json!(f64::from(u8::from(flag))), json!(u8::from(flag).to_string()), json!(flag.to_string())] {
            let data = json!({"talker_id": number, "session_type": 1, "is_dnd": value});
            let conversation = GetSessionDetail::new(Uid(1)).parse(&success(&data)).unwrap();
            prop_assert_eq!(conversation.is_dnd, flag);
            prop_assert_eq!(conversation.talker_id, number);
        }
    }

    /// A field that does not fit costs that field; the item and its neighbours are read.
    #[test]
    fn one_bad_field_is_one_bad_field(bad in prop_oneof![Just(json!([])), Just(json!({})), Just(json!("x"))], field in prop::sample::select(&["type", "time_at", "is_send", "publisher", "card_type", "cursor"][..])) {
        let mut notice = json!({"id": 1, "title": "t"});
        notice[field] = bad;
        let data = json!({"system_notify_list": [{"id": 7}, notice, {"id": 9}]});
        let page = GetSystemMessages::new().parse(&success(&data)).unwrap();
        let ids: Vec<i64> = page.notices.iter().map(|notice| notice.id).collect();
        prop_assert_eq!(ids, [7, 1, 9]);
        prop_assert_eq!(&page.notices[1].title, "t");
    }

    #[test]
    fn origins_and_pictures_lead_nowhere_else(
        scheme in "(https?|ftp|HTTP|)(:/{0,3}|:\\\\\\\\)?",
        host in "([a-z]{1,3}@)?(127\\.0\\.0\\.1|localhost|\\[::1\\]|i0\\.hdslb\\.com|hdslb\\.com|x\\.biliimg\\.com)?(\\.?[a-z@:\\\\/#?.]{0,6})",
        rest in "[ -~é]{0,20}",
    ) {
        let text = format!("{scheme}{host}{rest}");
        checks::hosts_and_ids::check_origin(&text);
        checks::hosts_and_ids::check_picture(&text);
    }

    #[test]
    fn a_video_has_two_names(aid in prop_oneof![any::<i64>(), 1_i64..1 << 51], text in "BV1[1-9A-HJ-NP-Za-km-z]{9}|(av|AV|)-?[0-9]{0,17}") {
        checks::hosts_and_ids::check_aid(aid);
        checks::hosts_and_ids::check_video(&text);
    }

    #[test]
    fn a_signature_does_not_depend_on_the_order(wts in any::<i64>(), pairs in vec(("[a-z_é]{1,8}", "[ -~é😀]{0,20}"), 0..6)) {
        let lines: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        checks::hosts_and_ids::check_signature(&format!("a b {wts}\n{}", lines.join("\n")));
    }

    #[test]
    fn a_pager_comes_to_its_end(kind in 0_u8..8, bytes in vec(any::<u8>(), 0..400)) {
        checks::pagers::check(&[&[kind], bytes.as_slice()].concat());
    }

    #[test]
    fn a_poller_keeps_its_promises(bytes in vec(any::<u8>(), 0..1500)) {
        checks::poller::check(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn a_checkpoint_says_the_same_after_a_round_trip(bytes in vec(any::<u8>(), 40..300)) {
        checks::checkpoint::check(&[&[1], bytes.as_slice()].concat());
    }

    /// A byte that is replaced, inserted or lost: it is refused, or says the same.
    #[test]
    fn a_damaged_checkpoint_is_refused_or_equal(
        bytes in vec(any::<u8>(), 40..200),
        place in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"0123456789-.eE \",:{}[]"[..])],
    ) {
        use arbitrary::Arbitrary;
        let mut from = arbitrary::Unstructured::new(&bytes);
        let Ok(body) = checks::checkpoint::Body::arbitrary(&mut from) else { return Ok(()) };
        let text = body.to_json();
        let whole = Checkpoint::from_json(&text).unwrap();
        let place = place.index(text.len());
        for how in 0..3 {
            let mut damaged = text.clone().into_bytes();
            match how {
                0 => damaged[place] = byte,
                1 => damaged.insert(place, byte),
                _ => drop(damaged.remove(place)),
            }
            let damaged = String::from_utf8_lossy(&damaged);
            if let Some(read) = checks::checkpoint::check_text(&damaged) {
                prop_assert_eq!(&read, &whole, "{}", damaged);
            }
        }
    }

    /// Whichever seqnos, pages, ends and orders: all comes, once, in order.
    #[test]
    fn every_message_of_a_gap_comes_once_and_in_order(
        seqnos in btree_set(prop_oneof![8_u64..60, 8_u64..4000, 1_000_000_000_000_000_u64..1_000_000_000_000_400], 1..120),
        page_size in 2_u32..12,
        backlog in 0_usize..40,
        turns in vec(any::<bool>(), 1..7),
        shuffled in any::<u64>(),
        cap in 2_usize..20,
    ) {
        let out = drain_gap(&seqnos, page_size, backlog, &turns, shuffled, cap);
        prop_assert_eq!(out, seqnos.into_iter().collect::<Vec<u64>>());
    }
}

const START: i64 = 1_700_000_000;

/// Drives a poller over one gap: the server answers with what `turns` says, the newest end
/// (true) or the oldest, in an order of its own, and no more than `cap` at a time.
fn drain_gap(
    seqnos: &BTreeSet<u64>,
    page_size: u32,
    backlog: usize,
    turns: &[bool],
    shuffled: u64,
    cap: usize,
) -> Vec<u64> {
    let config = PollerConfig::new().page_size(page_size).backlog(backlog);
    let mut poller = Poller::new(context(), config).unwrap();
    let mut elapsed = Duration::from_secs(1);
    let mut out = Vec::new();
    let (mut requests, mut lists, mut waits) = (0, 0, 0);
    loop {
        let now = Now {
            monotonic: elapsed,
            wall: UnixMicros(START * 1_000_000),
        };
        let outgoing = match poller.poll_output(now) {
            Output::Send(outgoing) => outgoing,
            Output::Event(event) => {
                out.push(event.msg_seqno().0);
                continue;
            }
            Output::Wait(until) => {
                waits += 1;
                if waits > 3 {
                    return out;
                }
                elapsed = until;
                continue;
            }
            Output::Status(_) => continue,
            other => panic!("{other:?}"),
        };
        requests += 1;
        assert!(requests < 2000, "it does not end");
        let uri = outgoing.request.uri().clone();
        let number = |name: &str| -> Option<u64> {
            url::form_urlencoded::parse(uri.query()?.as_bytes())
                .find(|(key, _)| key == name)?
                .1
                .parse()
                .ok()
        };
        let data = match uri.path().rsplit('/').next().unwrap() {
            "nav" => json!({"isLogin": true, "mid": 10001, "wbi_img": {
                "img_url": "https://i0.hdslb.com/bfs/wbi/7cd084941338484aae1ad9425b84077c.png",
                "sub_url": "https://i0.hdslb.com/bfs/wbi/4932caff0ff746eab6f01bf08b70ac45.png",
            }}),
            "fetch_session_msgs" => {
                let begin = number("begin_seqno").unwrap_or(0);
                let end = number("end_seqno").unwrap_or(u64::MAX);
                let size = usize::try_from(number("size").unwrap()).unwrap().min(cap);
                let within: Vec<u64> = seqnos
                    .iter()
                    .copied()
                    .filter(|s| begin < *s && *s < end)
                    .collect();
                let more = within.len().saturating_sub(size);
                let mut page = match turns[requests % turns.len()] {
                    true => within[more..].to_vec(),
                    false => within[..within.len() - more].to_vec(),
                };
                page.sort_by_key(|seqno| seqno.wrapping_mul(shuffled | 1));
                let messages: Vec<Value> = page
                    .iter()
                    .map(|seqno| json!({"msg_seqno": seqno, "sender_uid": 20001, "timestamp": START, "msg_key": seqno}))
                    .collect();
                json!({"messages": messages, "has_more": u8::from(more > 0)})
            }
            _ => {
                lists += 1;
                let newest = if lists == 1 {
                    7
                } else {
                    *seqnos.last().unwrap()
                };
                json!({"has_more": 0, "session_list": [{
                    "talker_id": 20001, "session_type": 1, "max_seqno": newest,
                    "session_ts": (START + lists) * 1_000_000,
                }]})
            }
        };
        let body = json!({"code": 0, "data": data}).to_string().into_bytes();
        poller
            .handle_response(now, outgoing.id, Ok(Response::new(body)))
            .unwrap();
    }
}
