//! The pagers of the library read whole feeds, however odd those are.
#![cfg(feature = "virtual-bot")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::time::Duration;

use bilibili_session::call::{Call, Output};
use bilibili_session::endpoints::{GetAt, GetLikes, GetReplies};
use bilibili_session::pager::{FeedPager, Pager, SystemPager};
use bilibili_session::{AuthState, ClientConfig, Credential, Now, UnixMicros};
use bilibili_session_simulator::{Config, FeedKind, NewNotification, Quirks, Rng, Simulator};
use serde_json::{Value, json};

const START_US: i64 = 1_700_000_000_000_000;

/// Each quirk alone, and some together.
fn quirks() -> Vec<Value> {
    vec![
        json!({}),
        json!({"page_size": 1}),
        json!({"page_size": 7}),
        json!({"page_size": 3, "late_s": 40}),
        json!({"page_size": 3, "ahead_s": 600}),
        json!({"page_size": 3, "ahead_s": 600, "by_id": true}),
        json!({"page_size": 4, "unreadable_every": 4}),
        json!({"page_size": 3, "unreadable_every": 2, "cursor_is_place": true, "posts_between_pages": true}),
        json!({"page_size": 3, "seconds_in_any_order": true}),
        json!({"page_size": 3, "likes_get_new_ids": true}),
        json!({"page_size": 3, "latest_alone": true}),
        json!({"page_size": 3, "posts_between_pages": true}),
        json!({"page_size": 2, "posts_between_pages": true, "cursor_is_place": true}),
        json!({"page_size": 2, "posts_between_pages": true, "cursor_is_place": true, "seconds_in_any_order": true}),
        json!({"empty_cursor_null": true}),
        json!({"page_size": 5, "ends_on_empty_page": true, "empty_cursor_null": true}),
        json!({"counters": "stuck", "reading_is_looking": true}),
    ]
}

/// A server with traffic of this many happenings in each feed, within some seconds.
fn server(feeds: &Value, happenings: u64) -> Simulator {
    let quirks = Quirks::from_json(&json!({"feeds": feeds})).unwrap();
    let mut simulator = Simulator::new(Config {
        feeds: false,
        quirks,
        ..Config::default()
    });
    let mut dice = Rng::new(happenings);
    for n in 0..happenings {
        let now_us = START_US + i64::try_from(n).unwrap() * 300_000;
        for kind in FeedKind::ALL {
            let new = NewNotification {
                item: Some(1 + i64::try_from(dice.below(12)).unwrap()),
                ..NewNotification::new(kind)
            };
            simulator.notify(now_us, new).unwrap();
        }
    }
    simulator
}

/// Drives a pager to its end: the items' numbers as `id` tells them, and the number of items that cannot be read.
fn drive<P: Pager>(
    simulator: &mut Simulator,
    now_us: i64,
    mut pager: P,
    id: impl Fn(&P::Item) -> i64,
) -> (Vec<i64>, usize) {
    let login = simulator.login();
    let credential = Credential::builder().sessdata(login.sessdata).build();
    let mut account = AuthState::new(ClientConfig::new(credential.unwrap()));
    let now = Now {
        monotonic: Duration::ZERO,
        wall: UnixMicros(now_us),
    };
    let (mut ids, mut unreadable) = (Vec::new(), 0);
    for _ in 0..1000 {
        let Some(endpoint) = pager.next_call() else {
            return (ids, unreadable);
        };
        let mut call = Call::new(endpoint);
        let page = loop {
            match call.poll_output(&mut account, now) {
                Output::Send(request) => {
                    let answer = simulator.handle(now_us, &request).into_response();
                    call.handle_response(&mut account, now, Ok(answer.unwrap()));
                }
                Output::Wait(_) => unreachable!("no other call shares the account"),
                Output::Done(page) => break page.unwrap(),
            }
        };
        ids.extend(pager.handle_page(page).unwrap().iter().map(&id));
        unreadable += pager.take_unreadable().len();
    }
    unreachable!("the pager goes on for ever");
}

/// Returns the items of a feed, without those that cannot be read.
fn readable(simulator: &Simulator, now_us: i64, kind: FeedKind, every: u64) -> BTreeSet<i64> {
    let shown = simulator.feed(now_us, kind);
    let mut ids: Vec<i64> = shown.iter().map(|it| it.id).collect();
    ids.sort_unstable();
    let is_readable = |n: &u64| every == 0 || !n.is_multiple_of(every);
    let ids = (1..).zip(ids).filter(|(n, _)| is_readable(n));
    ids.map(|(_, id)| id).collect()
}

fn check(feeds: &Value, happenings: u64, later_us: i64) {
    let now_us = START_US + i64::try_from(happenings).unwrap() * 300_000 + later_us;
    let every = feeds["unreadable_every"].as_u64().unwrap_or(0);
    for kind in FeedKind::ALL {
        let simulator = &mut server(feeds, happenings);
        // Likes are as many things as there are, each with several happenings: not every item is one that was counted.
        let expected = match kind {
            FeedKind::Like => readable(simulator, now_us, kind, 0),
            _ => readable(simulator, now_us, kind, every),
        };
        let (found, unreadable) = match kind {
            FeedKind::Reply => drive(simulator, now_us, FeedPager::<GetReplies>::new(), |it| {
                it.id
            }),
            FeedKind::At => drive(simulator, now_us, FeedPager::<GetAt>::new(), |it| it.id),
            FeedKind::Like => drive(simulator, now_us, FeedPager::<GetLikes>::new(), |it| it.id),
            FeedKind::System => drive(simulator, now_us, SystemPager::new(), |it| it.cursor),
        };
        let once: BTreeSet<i64> = found.iter().copied().collect();
        let case = format!("{kind:?} {feeds}, {happenings} happenings, {later_us} µs later");
        assert_eq!(once.len(), found.len(), "none twice: {case}");
        let missing: Vec<&i64> = expected.difference(&once).collect();
        if every == 0 {
            assert!(missing.is_empty(), "{missing:?} are missing: {case}");
            assert_eq!(unreadable, 0, "{case}");
        } else {
            assert!(
                kind == FeedKind::Like || missing.is_empty(),
                "{missing:?} are missing: {case}"
            );
            assert!(missing.len() <= unreadable, "{case}");
        }
        if feeds["posts_between_pages"] != true && every == 0 {
            assert_eq!(once, expected, "{case}");
        }
    }
}

#[test]
fn whole_feeds_under_each_quirk() {
    for feeds in quirks() {
        for happenings in [0, 1, 3, 45] {
            check(&feeds, happenings, 0);
        }
        check(&feeds, 23, 60_000_000);
    }
}

#[test]
fn whole_feeds_under_quirks_in_any_company() {
    let all = quirks();
    for seed in 0..30 {
        let mut dice = Rng::new(seed);
        let mut feeds = json!({});
        for _ in 0..4 {
            let one = dice.choose(&all).unwrap().as_object().unwrap();
            feeds.as_object_mut().unwrap().extend(one.clone());
        }
        // A page of one item and a cursor that is a place lead nowhere together.
        if feeds["page_size"] == 1 {
            feeds["page_size"] = json!(2);
        }
        check(&feeds, dice.between(0, 40), 60_000_000);
    }
}

#[test]
fn made_up_feeds_are_read_whole() {
    for feeds in quirks() {
        let quirks = Quirks::from_json(&json!({"feeds": feeds})).unwrap();
        let mut simulator = Simulator::new(Config {
            quirks,
            ..Config::default()
        });
        let expected: BTreeSet<i64> = readable(&simulator, START_US, FeedKind::System, 0);
        let (found, _) = drive(&mut simulator, START_US, SystemPager::new(), |it| it.cursor);
        let found: BTreeSet<i64> = found.into_iter().collect();
        assert!(expected.is_subset(&found), "{feeds}");
        let expected: BTreeSet<i64> = readable(&simulator, START_US, FeedKind::Like, 0);
        let pager = FeedPager::<GetLikes>::new();
        let (found, _) = drive(&mut simulator, START_US, pager, |it| it.id);
        let found: BTreeSet<i64> = found.into_iter().collect();
        assert!(expected.is_subset(&found), "{feeds}");
    }
}
