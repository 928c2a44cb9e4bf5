//! Answers of the service, as a measure of the decoders: pages of mixed messages, lists of
//! conversations, and the answer of an idle poll. Ids and texts are made up.
#![allow(
    dead_code,
    clippy::indexing_slicing,
    reason = "each measure uses a part of it, and the place is in its table"
)]

use serde_json::{Value, json};

/// The kinds of a page, in turn: half of them texts, the others as a busy account sees them.
const MIX: [i64; 20] = [
    1, 1, 2, 1, 7, 1, 10, 1, 5, 1, 18, 1, 6, 1, 11, 1, 7, 16, 1, 4711,
];

/// The body of a page of mixed messages, newest first.
pub(crate) fn message_page(size: usize) -> Vec<u8> {
    let messages: Vec<Value> = (0..size).rev().map(message).collect();
    body(&json!({
        "messages": messages, "has_more": 1, "min_seqno": 1_000_000_000_000_000_u64,
        "max_seqno": 1_000_000_000_000_000_u64 + 3 * size as u64, "e_infos": null,
    }))
}

/// The body of a list of conversations, each with its newest message.
pub(crate) fn session_list(size: usize) -> Vec<u8> {
    let list: Vec<Value> = (0..size).map(conversation).collect();
    body(&list_data(&json!(list)))
}

/// The body of the answer to an idle poll: no conversation has changed.
pub(crate) fn idle_list() -> Vec<u8> {
    body(&list_data(&Value::Null))
}

/// The body of nav.
pub(crate) fn nav() -> Vec<u8> {
    let key = |key| format!("https://i0.hdslb.com/bfs/wbi/{key}.png");
    body(&json!({
        "isLogin": true, "email_verified": 0, "face": "https://i0.hdslb.com/bfs/face/a.jpg",
        "level_info": {"current_level": 5, "current_min": 10800, "current_exp": 12345},
        "mid": 10001, "mobile_verified": 1, "money": 12.5, "moral": 70, "uname": "made up",
        "official": {"role": 0, "title": "", "desc": "", "type": -1}, "vip_status": 0,
        "wbi_img": {
            "img_url": key("7cd084941338484aae1ad9425b84077c"),
            "sub_url": key("4932caff0ff746eab6f01bf08b70ac45"),
        },
        "is_jury": false,
    }))
}

fn body(data: &Value) -> Vec<u8> {
    json!({"code": 0, "msg": "0", "message": "0", "ttl": 1, "data": data})
        .to_string()
        .into_bytes()
}

fn list_data(session_list: &Value) -> Value {
    json!({
        "session_list": session_list, "has_more": 0, "anti_disturb_cleaning": false,
        "is_address_list_empty": 0, "show_level": true, "system_msg": {"5": 844_424_930_131_966_i64},
    })
}

fn conversation(nth: usize) -> Value {
    json!({
        "talker_id": 20001 + nth, "session_type": 1, "at_seqno": 0, "top_ts": 0, "group_name": "",
        "group_cover": "", "is_follow": 1, "is_dnd": 0, "ack_seqno": 1_000_000_000_000_000_u64,
        "ack_ts": 1_700_000_000_000_000_u64, "session_ts": 1_700_000_000_000_000_u64 + nth as u64,
        "unread_count": nth % 3, "last_msg": message(nth), "group_type": 0, "can_fold": 0,
        "status": 0, "max_seqno": 1_000_000_000_000_000_u64 + 3 * nth as u64, "new_push_msg": 0,
        "setting": 0, "is_guardian": 0, "is_intercept": 0, "is_trust": 0, "system_msg_type": 0,
        "live_status": 0, "biz_msg_unread_count": 0, "user_label": null,
    })
}

fn message(nth: usize) -> Value {
    let msg_type = MIX[nth % MIX.len()];
    json!({
        "sender_uid": 20001, "receiver_type": 1, "receiver_id": 10001, "msg_type": msg_type,
        "content": content(msg_type, nth), "msg_seqno": 1_000_000_000_000_000_u64 + nth as u64 * 3,
        "timestamp": 1_700_000_000 + nth, "at_uids": [0],
        "msg_key": 7_300_000_000_000_000_000_u64 + nth as u64, "msg_status": 0,
        "notify_code": "", "new_face_version": 1, "msg_source": 7,
    })
}

fn content(msg_type: i64, nth: usize) -> String {
    let picture = format!("https://i0.hdslb.com/bfs/im_new/{nth:032x}.jpg");
    let content = match msg_type {
        1 => match nth % 3 {
            0 => json!({"content": format!("你好，这是第 {nth} 条消息 😀[微笑]")}),
            1 => {
                json!({"content": format!("line one\n\"line two\" of message {nth}, and a bit more")})
            }
            _ => json!({"content": "好的"}),
        },
        2 | 6 => json!({
            "url": picture, "height": 480, "width": 640, "imageType": "jpeg", "original": 1,
            "size": 123.456,
        }),
        5 => return (7_300_000_000_000_000_000_u64 + nth as u64).to_string(),
        7 => json!({
            "author": "某人", "headline": "", "id": 170_001, "source": 5, "thumb": picture,
            "title": "分享的一个视频", "bvid": "BV17x411w7KC",
        }),
        10 => json!({
            "title": "您的稿件已通过审核", "text": "稿件《视频》已经通过审核，感谢投稿", "jump_text": "查看",
            "jump_uri": "https://www.bilibili.com/video/BV17x411w7KC",
            "modules": [
                {"title": "稿件", "detail": "视频"}, {"title": "时间", "detail": "2023-11-15 06:13:20"},
            ],
            "jump_text_2": "", "jump_uri_2": "", "jump_text_3": "", "jump_uri_3": "",
            "notifier": null, "jump_uri_config": {"all_uri": "", "text": ""},
            "jump_uri_2_config": {"all_uri": "", "text": ""}, "biz_content": null,
        }),
        11 => json!({
            "title": "新的视频", "times": 215, "rid": 170_001, "cover": picture, "desc": "简介",
            "bvid": "BV17x411w7KC", "view": 12, "danmaku": 3, "pub_date": 1_700_000_000,
            "attach_msg": {"id": 1, "content": "来看"},
        }),
        16 => json!({
            "main_title": "感谢关注", "reply_content": "你好，欢迎", "sub_cards": [
                card(nth, &picture), card(nth + 1, &picture),
            ],
        }),
        18 => json!({
            "content": json!([
                {"text": "对方主动回复或关注你前，最多发送1条消息", "color_day": "#9499A0", "color_nig": "#9499A0"},
            ]).to_string(),
        }),
        _ => json!({"a": {"b": [1, 2, 3]}, "content": "of a kind that is not known"}),
    };
    content.to_string()
}

fn card(nth: usize, cover: &str) -> Value {
    json!({
        "card_id": nth, "card_type": 1, "jump_url": "https://www.bilibili.com/video/BV17x411w7KC",
        "cover_url": cover, "field1": "视频的标题", "field2": "2023-11-15", "field3": "1234",
        "icon3": 1, "field4": "56", "icon4": 3,
    })
}
