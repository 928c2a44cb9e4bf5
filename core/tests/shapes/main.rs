//! Every answer's shape, with each field absent, null, and written in another way.
//!
//! From one full sample of each, generically: what is absent must do no harm, null must
//! mean the same as absent, and a number must mean the same written as a string, a flag
//! written as a bool.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod variants;

use bilibili_session::endpoints::{
    FetchSessionMsgs, GetAt, GetBlockWords, GetLikeDetail, GetLikes, GetReplies, GetSessionDetail,
    GetSessionSettings, GetSessions, GetSystemMessages, GetUnreadMessages, GetUserInfos,
    MyGroupUnread, Nav, NewSessions, SendMsg, SingleUnread, UploadPicture,
};
use bilibili_session::model::{Message, Picture};
use bilibili_session::{Content, Endpoint, Uid, UnixMicros};
use serde_json::{Value, json};
use variants::check;

fn decode<E: Endpoint>(
    endpoint: E,
) -> impl Fn(&Value) -> Result<E::Output, bilibili_session::error::DecodeError> {
    move |data| endpoint.decode(data)
}

fn message() -> Value {
    json!({
        "sender_uid": 20001, "receiver_type": 1, "receiver_id": 10001, "msg_type": 1,
        "content": "{\"content\":\"hi\"}", "msg_seqno": 7, "timestamp": 1_700_000_000,
        "at_uids": [5], "msg_key": 7_300_000_000_000_000_007_i64, "msg_status": 1,
        "sys_cancel": true, "notify_code": "n", "new_face_version": 1, "msg_source": 7,
    })
}

fn conversation() -> Value {
    json!({
        "talker_id": 20001, "session_type": 1, "at_seqno": 3, "ack_seqno": 4, "max_seqno": 7,
        "top_ts": 5, "ack_ts": 6, "session_ts": 1_700_000_000_000_000_i64, "unread_count": 2,
        "biz_msg_unread_count": 1, "last_msg": message(), "group_name": "g", "group_cover": "c",
        "group_type": 2, "is_follow": 1, "is_dnd": 1, "can_fold": 1, "status": 1,
        "new_push_msg": 1, "setting": 1, "is_guardian": 1, "is_intercept": 1, "is_trust": 1,
        "system_msg_type": 5, "account_info": {"name": "n", "pic_url": "p"}, "live_status": 1,
        "user_label": {"style_type": 1},
    })
}

#[test]
fn conversations() {
    let required = ["talker_id", "session_type", "last_msg.msg_seqno"];
    let detail = decode(GetSessionDetail::new(Uid(20001)));
    check(
        "session_detail",
        &conversation(),
        &required,
        &["user_label"],
        |data| detail(data).map(|conversation| (conversation.last_event(), conversation)),
    );
    let required = required.map(|name| format!("session_list.{name}"));
    let required = required.each_ref().map(String::as_str);
    let list = json!({
        "session_list": [conversation()], "has_more": 1, "anti_disturb_cleaning": true,
        "system_msg": {"5": 6, "7": 8},
    });
    check(
        "get_sessions",
        &list,
        &required,
        &["user_label"],
        decode(GetSessions::new()),
    );
    check(
        "new_sessions",
        &list,
        &required,
        &["user_label"],
        decode(NewSessions::new(UnixMicros(1))),
    );
}

#[test]
fn messages() {
    let page = json!({
        "messages": [message()], "has_more": 1, "min_seqno": 7, "max_seqno": 9,
        "e_infos": [{"text": "[a]", "url": "u", "gif_url": "g"}],
    });
    check(
        "fetch_session_msgs",
        &page,
        &["messages.msg_seqno"],
        &[],
        decode(FetchSessionMsgs::new(Uid(20001))),
    );
    let sent = json!({
        "msg_key": 7_300_000_000_000_000_007_i64, "msg_content": "c",
        "e_infos": [{"text": "[a]", "url": "u", "gif_url": "g"}],
        "key_hit_infos": {"toast": "t", "rule_id": "5"},
    });
    check(
        "send_msg",
        &sent,
        &["msg_key"],
        &[],
        decode(SendMsg::text(Uid(20001), "hi")),
    );
}

#[test]
fn unread_and_settings() {
    let unread = json!({
        "at": 1, "chat": 2, "coin": 3, "danmu": 4, "favorite": 5, "like": 6, "recv_like": 7,
        "recv_reply": 8, "reply": 9, "sys_msg": 10, "up": 11,
    });
    check("unread", &unread, &[], &[], decode(GetUnreadMessages));
    let single = json!({
        "follow_unread": 1, "unfollow_unread": 2, "unfollow_push_msg": 3, "dustbin_push_msg": 4,
        "dustbin_unread": 5, "biz_msg_follow_unread": 6, "biz_msg_unfollow_unread": 7,
        "custom_unread": 8,
    });
    check("single_unread", &single, &[], &[], decode(SingleUnread));
    check(
        "my_group_unread",
        &json!({"unread_count": 5}),
        &[],
        &[],
        decode(MyGroupUnread),
    );
    let settings = json!({
        "show_unfollowed_msg": 1, "msg_notify": 1, "set_like": 5, "set_comment": 2, "set_at": 1,
        "is_group_fold": 1, "should_receive_group": 1, "receive_unfollow_msg": 1,
        "followed_reply": 1, "keys_reply": 0, "recv_reply": 1, "voyage_reply": 0,
        "recommend_followed_reply": 1, "ai_intercept": 1, "set_recv_reply": 0,
        "set_recv_like": 2, "set_new_follow": 1, "anti_harassment": {"a": 1},
    });
    check(
        "settings",
        &settings,
        &[],
        &["anti_harassment"],
        decode(GetSessionSettings),
    );
    check(
        "block_words",
        &json!({
            "words": [{"content": "w", "ctime": 1_700_000_000}], "message": "",
            "max_word_length": 20, "max_words_size": 200,
        }),
        &["words.content"],
        &["message"],
        decode(GetBlockWords),
    );
}

#[test]
fn users() {
    let users = json!([{
        "mid": 20001, "name": "n", "face": "f", "sign": "s",
        "vip": {"type": 2, "status": 1}, "official": {"role": 3, "desc": "d"},
    }]);
    let call = GetUserInfos::of([Uid(20001)]).remove(0);
    check(
        "user_infos",
        &users,
        &["mid"],
        &["vip", "official"],
        decode(call.clone()),
    );
    // One bad item is one bad item.
    let mut some = users.clone();
    some.as_array_mut().unwrap().push(json!({"name": "nobody"}));
    let read = call.decode(&some).unwrap();
    assert_eq!((read.users.len(), read.unreadable.len()), (1, 1));
    assert_eq!(call.decode(&Value::Null).unwrap().users, []);
    call.decode(&json!({"a": 1})).unwrap_err();
}

fn user() -> Value {
    json!({"mid": 5, "nickname": "n", "avatar": "a", "fans": 2, "mid_link": "l", "follow": true})
}

fn feed_item() -> Value {
    json!({
        "subject_id": 1, "root_id": 2, "source_id": 3, "target_id": 4, "business_id": 11,
        "type": "reply", "business": "b", "title": "t", "desc": "d", "image": "i", "uri": "u",
        "native_uri": "n", "detail_title": "dt", "root_reply_content": "r",
        "source_content": "s", "target_reply_content": "tr", "at_details": [user()],
        "topic_details": [{"topic": 1}], "hide_reply_button": true, "hide_like_button": true,
        "like_state": 1, "danmu": {"x": 1}, "message": "m",
    })
}

#[test]
fn feeds() {
    let raw = ["topic_details", "danmu"];
    let cursor = json!({"is_end": true, "id": 9, "time": 1_700_000_000});
    let reply = json!({
        "id": 9, "user": user(), "item": feed_item(), "counts": 2, "is_multi": 1,
        "reply_time": 1_700_000_000,
    });
    let page = json!({"cursor": cursor, "items": [reply], "last_view_at": 5});
    check(
        "reply",
        &page,
        &["items.id"],
        &raw,
        decode(GetReplies::new()),
    );
    let at = json!({"id": 9, "user": user(), "item": feed_item(), "at_time": 1_700_000_000});
    let page = json!({"cursor": cursor, "items": [at], "last_view_at": 5});
    check("at", &page, &["items.id"], &raw, decode(GetAt::new()));
    let like = json!({
        "id": 9, "users": [user()], "counts": 3, "like_time": 1_700_000_000, "notice_state": 1,
        "item": {
            "item_id": 1, "pid": 2, "type": "t", "business": "b", "business_id": 3,
            "reply_business_id": 4, "like_business_id": 5, "title": "t", "desc": "d",
            "image": "i", "uri": "u", "detail_name": "dn", "native_uri": "n", "ctime": 6,
        },
    });
    let page = json!({
        "latest": {"items": [like], "last_view_at": 5},
        "total": {"cursor": cursor, "items": [like]},
    });
    check(
        "like",
        &page,
        &["total", "latest.items.id", "total.items.id"],
        &raw,
        decode(GetLikes::new()),
    );
    let detail = json!({
        "page": {"is_end": true}, "card": like["item"],
        "items": [{"user": user(), "like_time": 1_700_000_000}],
    });
    check(
        "like_detail",
        &detail,
        &["items.user"],
        &[],
        decode(GetLikeDetail::new(9)),
    );
}

#[test]
fn notices_of_the_system() {
    let notice = json!({
        "id": 9, "cursor": 1_699_999_999_999_999_960_i64, "type": 2, "title": "t",
        "publisher": {"name": "n", "mid": 1, "face": "f"}, "content": "c",
        "source": {"name": "n", "logo": "l"}, "time_at": 1_700_000_000, "card_type": 1,
        "card_brief": "b", "card_cover": "c", "card_link": "l", "mc": "1_0_0", "is_station": 1,
        "is_send": 1,
    });
    let page = json!({"system_notify_list": [notice]});
    check(
        "system",
        &page,
        &["system_notify_list.id"],
        &[],
        decode(GetSystemMessages::new()),
    );
    check(
        "older",
        &json!([notice]),
        &["id"],
        &[],
        decode(GetSystemMessages::older(1)),
    );
}

#[test]
fn nav_and_upload() {
    let key = "7cd084941338484aae1ad9425b84077c";
    let url = format!("https://i0.hdslb.com/bfs/wbi/{key}.png");
    let nav = json!({
        "isLogin": true, "mid": 10001, "uname": "n", "face": "f",
        "wbi_img": {"img_url": url, "sub_url": url},
    });
    let required = [
        "mid",
        "isLogin",
        "wbi_img",
        "wbi_img.img_url",
        "wbi_img.sub_url",
    ];
    check(
        "nav",
        &nav,
        &[&required[..], &["uname", "face"]].concat(),
        &[],
        decode(Nav),
    );
    let gif = Picture::from_bytes(b"GIF89a\x02\0\x03\0\0\0\0;".to_vec()).unwrap();
    let uploaded = json!({"image_url": "u", "image_width": 1, "image_height": 1, "img_size": 1.5});
    check(
        "upload",
        &uploaded,
        &["image_url"],
        &[],
        decode(UploadPicture::new(gif)),
    );
}

#[test]
fn contents() {
    let attach = json!({"id": 1, "content": "c"});
    let config = json!({"all_uri": "a", "web_uri": "w", "text": "t"});
    for (number, sample, required, raw) in [
        (
            2,
            json!({"url": "u", "width": 2, "height": 3, "imageType": "png", "original": 1, "size": 4}),
            &["url"][..],
            &[][..],
        ),
        (
            7,
            json!({"id": 2, "source": 4, "title": "t", "thumb": "t", "author": "a", "headline": "h",
            "url": "u", "bvid": "x", "source_desc": "s"}),
            &[],
            &[],
        ),
        (
            9,
            json!({"id": "i", "title": "t", "name": "n", "avatar": "a", "cover": "c", "jump_uri": "j",
            "label_name": "l", "label_cover": "lc"}),
            &[],
            &[],
        ),
        (
            10,
            json!({"title": "t", "text": "x", "jump_text": "1", "jump_uri": "u",
            "jump_uri_config": config, "jump_text_2": "2", "jump_uri_2": "u", "jump_uri_2_config": config,
            "jump_text_3": "3", "jump_uri_3": "u", "jump_uri_3_config": config,
            "modules": [{"title": "t", "detail": "d"}],
            "notifier": {"nickname": "n", "avatar_url": "a", "jump_url": "j"}, "biz_content": {"a": 1}}),
            &[],
            &["biz_content"],
        ),
        (
            11,
            json!({"rid": 170_001, "bvid": "BV1Q541167Qg", "title": "t", "times": 2, "cover": "c", "desc": "d",
            "view": 3, "danmaku": 4, "pub_date": 5, "attach_msg": attach}),
            &[],
            &[],
        ),
        (
            12,
            json!({"rid": 2, "title": "t", "summary": "s", "author": "a", "view": 3, "like": 4, "reply": 5,
            "image_urls": ["u"], "pub_date": 6, "attach_msg": attach}),
            &[],
            &[],
        ),
        (
            13,
            json!({"pic_url": "p", "jump_url": "j", "title": "t"}),
            &[],
            &[],
        ),
        (
            14,
            json!({"title": "t", "desc": "d", "cover": "c", "author": "a", "source": "s", "url": "u"}),
            &[],
            &[],
        ),
        (
            16,
            json!({"main_title": "m", "reply_content": "r", "sub_cards": [{"card_id": 2, "card_type": 1,
            "jump_url": "j", "cover_url": "c", "field1": "1", "field2": "2", "field3": "3", "icon3": 1,
            "field4": "4", "icon4": 3}]}),
            &[],
            &[],
        ),
        (
            19,
            json!({"content": {"paragraphs": [1]}, "gpt_session_id": 2, "sub_type": 3, "show_like": true,
            "show_change": true, "voice_url": "v", "voice_time": 4}),
            &[],
            &["content"],
        ),
        (301, json!({"group_id": 221_300, "content": "c"}), &[], &[]),
    ] {
        check(
            &format!("content {number}"),
            &sample,
            required,
            raw,
            |content| {
                let mut message: Message =
                    serde_json::from_value(json!({"msg_seqno": 1, "msg_type": number})).unwrap();
                message.content = content.to_string();
                match Content::of(&message) {
                    Content::Undecodable { reason, .. } => Err(reason),
                    content => Ok(content),
                }
            },
        );
    }
}
