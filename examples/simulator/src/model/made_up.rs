//! Notifications that are made up: those of the beginning, and the fields that nobody named.

use jiff::Timestamp;
use jiff::tz::{self, Offset};
use serde_json::{Map, Value, json};

use super::feed::{Happening, Item, Position};
use super::notification::{FeedKind, NewNotification, NoticeSource};

/// Time of the newest item of each made-up feed.
const NEWEST: i64 = 1_700_000_000;

/// Time of the last look at a feed, before any other.
pub(crate) const LAST_VIEW: i64 = 1_699_990_000;

/// The users who do what nobody is named for have numbers after this one.
pub(crate) const NEW_USERS: i64 = 40_000;

/// The users who liked things before the likes that are told one by one have numbers after this one.
pub(crate) const EARLIER_USERS: i64 = 1_000_000_000;

/// Number of the newest notice at the beginning. It is not its cursor.
const NOTICES: i64 = 5_000_060;

/// Returns the number of the newest item that a feed has at the beginning.
pub(crate) const fn newest_id(kind: FeedKind) -> i64 {
    match kind {
        FeedKind::Reply => 9_100_000_000_045,
        FeedKind::At => 9_200_000_000_035,
        FeedKind::Like => 9_300_000_000_060,
        FeedKind::System => 1_699_999_999_999_999_960,
    }
}

/// Returns the thing that the `posted`th happening of a feed is about.
pub(crate) fn thing(new: &NewNotification, posted: i64) -> i64 {
    let otherwise = match new.kind {
        FeedKind::Reply => 180_000,
        FeedKind::At => 280_000,
        FeedKind::Like => 380_000,
        FeedKind::System => 0,
    };
    new.item.unwrap_or(posted.saturating_add(otherwise))
}

/// Makes an item of what happens, the `posted`th of its feed.
pub(crate) fn item(new: NewNotification, posted: i64, happening: Happening) -> Item {
    let thing = thing(&new, posted);
    let comment = happening.position.id;
    let text = |otherwise: String| new.text.clone().unwrap_or(otherwise);
    let fields = match new.kind {
        FeedKind::Reply => reply(thing, comment, &text(format!("新回复 {posted}"))),
        FeedKind::At => mention(
            thing,
            comment,
            1,
            &text(format!("@模拟用户 新提到 {posted}")),
        ),
        FeedKind::Like => like(thing, &text(format!("新被赞的视频 {posted}"))),
        FeedKind::System => {
            let content = text(format!("新通知 {posted}：模拟器运行正常。"));
            notice(NOTICES + posted, &format!("新通知 {posted}"), &content)
        }
    };
    let in_turn = match (new.kind, posted % 2) {
        (FeedKind::System, 1) => NoticeSource::Unified,
        (FeedKind::System, _) => NoticeSource::User,
        _ => NoticeSource::Both,
    };
    Item {
        fields,
        raw: new.raw,
        thing,
        earlier: 0,
        happenings: vec![happening],
        source: new.source.unwrap_or(in_turn),
    }
}

/// An item that was there at the beginning, the `n`th from the newest.
fn old(kind: FeedKind, n: i64, age_s: i64, users: &[i64], fields: Map<String, Value>) -> Item {
    let position = Position {
        id: newest_id(kind) - n,
        time: NEWEST - age_s,
    };
    let happening = |user: &i64| Happening {
        position,
        user: *user,
        shown_from_us: i64::MIN,
        counted: true,
        seen: false,
    };
    Item {
        fields,
        raw: Map::new(),
        thing: 370_001 + n,
        earlier: 0,
        happenings: users.iter().rev().map(happening).collect(),
        source: NoticeSource::Both,
    }
}

pub(crate) fn old_reply(n: i64) -> Item {
    let mut fields = reply(170_001 + n, 8_800_000_000 + n, &format!("第 {n} 条回复"));
    fields.insert("counts".to_owned(), Value::from(1 + n % 4));
    fields.insert("is_multi".to_owned(), Value::from(i64::from(n % 4 > 0)));
    old(FeedKind::Reply, n, n * 600, &[30_000 + n], fields)
}

pub(crate) fn old_mention(n: i64) -> Item {
    let business = if n % 2 == 0 { 17 } else { 1 };
    let text = format!("@模拟用户 第 {n} 次");
    let fields = mention(270_001 + n, 8_900_000_000 + n, business, &text);
    old(FeedKind::At, n, n * 900, &[30_100 + n], fields)
}

pub(crate) fn old_like(n: i64) -> Item {
    let fields = like(370_001 + n, &format!("被赞的视频 {n}"));
    Item {
        earlier: n,
        ..old(
            FeedKind::Like,
            n,
            n * 300,
            &[30_200 + n, 30_300 + n],
            fields,
        )
    }
}

/// The newest come from the unified source, those from the sixth on from the user's: five stand in both. Each way to
/// write content and time is among them.
pub(crate) fn old_notice(n: i64) -> Item {
    let content = match n % 3 {
        0 => format!("第 {n} 号通知：模拟器运行正常。"),
        1 => json!({"web": format!("第 {n} 号通知：网页可见。")}).to_string(),
        _ => format!("第 {n} 号通知，#{{点击查看}}{{\"https://www.bilibili.com/\"}}"),
    };
    let fields = notice(NOTICES - n, &format!("通知 {n}"), &content);
    let mut item = old(FeedKind::System, n, n * 3600, &[0], fields);
    item.source = match n {
        ..5 => NoticeSource::Unified,
        5..10 => NoticeSource::Both,
        _ => NoticeSource::User,
    };
    if n % 4 == 3 {
        item.raw
            .insert("time_at".to_owned(), Value::from(NEWEST - n * 3600));
    }
    item
}

/// Returns a user as items name them.
pub(crate) fn user(uid: i64) -> Value {
    json!({
        "mid": uid,
        "fans": uid % 3,
        "nickname": format!("路人{uid}"),
        "avatar": format!("https://i0.hdslb.com/bfs/face/{uid:032x}.jpg"),
        "mid_link": "",
        "follow": uid % 2 == 0,
    })
}

/// Writes a time (seconds) as notices do: a clock in Beijing, without a zone.
pub(crate) fn time_at(time: i64) -> String {
    const BEIJING: Offset = tz::offset(8);
    Timestamp::from_second(time).map_or_else(
        // What some servers write where there is no time.
        |_| "0001-01-01 00:00:00".to_owned(),
        |time| {
            BEIJING
                .to_datetime(time)
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        },
    )
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn reply(thing: i64, comment: i64, text: &str) -> Map<String, Value> {
    object(json!({
        "item": {
            "subject_id": thing, "root_id": 0, "source_id": comment, "target_id": 0,
            "type": "video", "business_id": 1, "business": "视频", "title": format!("模拟视频 {thing}"), "desc": "",
            "image": "", "uri": format!("https://www.bilibili.com/video/av{thing}"), "native_uri": "",
            "detail_title": "", "root_reply_content": "", "source_content": text,
            "target_reply_content": null, "at_details": null, "topic_details": if thing % 2 == 1 { json!([]) } else { Value::Null },
            "hide_reply_button": false, "hide_like_button": false, "like_state": 0, "danmu": null, "message": "",
        },
        "counts": 1,
        "is_multi": 0,
    }))
}

fn mention(thing: i64, comment: i64, business: i64, text: &str) -> Map<String, Value> {
    object(json!({
        "item": {
            "subject_id": thing, "root_id": 0, "source_id": comment, "target_id": 0,
            "type": "reply", "business_id": business, "business": "评论", "title": format!("提到你 {thing}"),
            "desc": "", "image": "", "uri": "https://t.bilibili.com/1", "native_uri": "", "source_content": text,
            "at_details": [{"mid": 10_001, "nickname": "模拟用户"}], "topic_details": null, "hide_reply_button": true,
        },
    }))
}

fn like(thing: i64, title: &str) -> Map<String, Value> {
    object(json!({
        "item": {
            "item_id": thing, "pid": 0, "type": "video", "business": "视频", "business_id": 1, "reply_business_id": 0,
            "like_business_id": 0, "title": title, "desc": "", "image": "", "uri": "https://www.bilibili.com/",
            "detail_name": "", "native_uri": "", "ctime": NEWEST - 86_400,
        },
        "notice_state": 0,
    }))
}

fn notice(id: i64, title: &str, content: &str) -> Map<String, Value> {
    object(json!({
        "id": id,
        "publisher": if id % 2 == 0 { json!({"name": "系统通知", "mid": 0, "face": ""}) } else { Value::Null },
        "type": 1 + id % 2,
        "title": title,
        "content": content,
        "source": {"name": "系统", "logo": ""},
        "card_type": 0, "card_brief": "", "card_cover": "", "card_link": "", "mc": "1_0_0", "is_station": 0, "is_send": 1,
    }))
}
