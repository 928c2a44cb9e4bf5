//! Replies, mentions and likes.

use serde_json::{Value, json};

/// The notifications of an account, newest first in each feed. They are the items as they stand on the wire.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    /// Replies: their `id` and `reply_time` are what pages go by.
    pub replies: Vec<Value>,
    /// Mentions, by `id` and `at_time`.
    pub at: Vec<Value>,
    /// Likes, by `id` and `like_time`.
    pub likes: Vec<Value>,
    /// Number of the newest likes that also stand in `latest`.
    pub latest_likes: usize,
}

/// Time of the newest item of each made-up feed.
const NEWEST: i64 = 1_700_000_000;

impl Feeds {
    /// Makes up 45 replies, 35 mentions and 60 likes.
    pub fn made_up() -> Self {
        Self {
            replies: (0..45).map(reply).collect(),
            at: (0..35).map(mention).collect(),
            likes: (0..60).map(like).collect(),
            latest_likes: 3,
        }
    }
}

fn user(n: i64) -> Value {
    json!({
        "mid": 30_000 + n,
        "fans": n % 3,
        "nickname": format!("路人{n}"),
        "avatar": format!("https://i0.hdslb.com/bfs/face/{n:032x}.jpg"),
        "mid_link": "",
        "follow": n % 2 == 0,
    })
}

fn reply(n: i64) -> Value {
    json!({
        "id": 9_100_000_000_045 - n,
        "user": user(n),
        "item": {
            "subject_id": 170_001 + n, "root_id": 0, "source_id": 8_800_000_000 + n, "target_id": 0,
            "type": "video", "business_id": 1, "business": "视频", "title": format!("模拟视频 {n}"), "desc": "",
            "image": "", "uri": format!("https://www.bilibili.com/video/av{}", 170_001 + n), "native_uri": "",
            "detail_title": "", "root_reply_content": "", "source_content": format!("第 {n} 条回复"),
            "target_reply_content": null, "at_details": null, "topic_details": if n % 2 == 0 { json!([]) } else { Value::Null },
            "hide_reply_button": false, "hide_like_button": false, "like_state": 0, "danmu": null, "message": "",
        },
        "counts": 1 + n % 4,
        "is_multi": i64::from(n % 4 > 0),
        "reply_time": NEWEST - n * 600,
    })
}

fn mention(n: i64) -> Value {
    json!({
        "id": 9_200_000_000_035 - n,
        "user": user(n + 100),
        "item": {
            "subject_id": 270_001 + n, "root_id": 0, "source_id": 8_900_000_000 + n, "target_id": 0,
            "type": "reply", "business_id": if n % 2 == 0 { 17 } else { 1 }, "business": "评论", "title": format!("提到你 {n}"),
            "desc": "", "image": "", "uri": "https://t.bilibili.com/1", "native_uri": "", "source_content": format!("@模拟用户 第 {n} 次"),
            "at_details": [{"mid": 10_001, "nickname": "模拟用户"}], "topic_details": null, "hide_reply_button": true,
        },
        "at_time": NEWEST - n * 900,
    })
}

fn like(n: i64) -> Value {
    json!({
        "id": 9_300_000_000_060 - n,
        "users": [user(n + 200), user(n + 300)],
        "item": {
            "item_id": 370_001 + n, "pid": 0, "type": "video", "business": "视频", "business_id": 1, "reply_business_id": 0,
            "like_business_id": 0, "title": format!("被赞的视频 {n}"), "desc": "", "image": "", "uri": "https://www.bilibili.com/",
            "detail_name": "", "native_uri": "", "ctime": NEWEST - 86_400,
        },
        "counts": 2 + n,
        "like_time": NEWEST - n * 300,
        "notice_state": 0,
    })
}
