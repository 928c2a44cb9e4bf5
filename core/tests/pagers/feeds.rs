//! Feeds, and everybody who liked a thing.

use bilibili_session::endpoints::{GetAt, GetLikes, GetReplies};
use bilibili_session::pager::{FeedPager, LikeDetailPager, Pager};
use serde_json::{Value, json};

use crate::drive;

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
