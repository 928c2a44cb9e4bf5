//! Lists of conversations, and notices of the system.

use bilibili_session::endpoints::GetSessions;
use bilibili_session::pager::{SessionsPager, SystemPager};
use serde_json::{Value, json};

use crate::drive;

pub(crate) fn list_server(
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
