//! Counts of what is unread, and the settings.

use serde_json::{Value, json};

use super::{Outcome, RequestKind};
use crate::FeedKind;
use crate::model::world::World;

pub(crate) fn single_unread(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let account = world.account(asked.uid)?;
    let (mut followed, mut not_followed, mut dustbin) = (0, 0, 0);
    for conversation in account
        .conversations
        .values()
        .filter(|it| it.id.is_user() && !it.is_dnd && !it.removed)
    {
        let peer = world.peer(conversation.id.talker_id);
        let count = match (
            peer.is_intercept,
            peer.is_follow || peer.system_msg_type != 0,
        ) {
            (true, _) => &mut dustbin,
            (false, true) => &mut followed,
            (false, false) => &mut not_followed,
        };
        *count += conversation.unread;
    }
    Ok(counts(
        world,
        json!({
            "follow_unread": followed, "unfollow_unread": not_followed, "unfollow_push_msg": 0, "dustbin_push_msg": 0,
            "dustbin_unread": dustbin, "biz_msg_follow_unread": 0, "biz_msg_unfollow_unread": 0, "custom_unread": 0,
        }),
    ))
}

pub(crate) fn my_group_unread(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let groups = world
        .account(asked.uid)?
        .conversations
        .values()
        .filter(|it| it.id.is_group() && !it.is_dnd && !it.removed);
    let unread_count: i64 = groups.map(|group| group.unread).sum();
    Ok(json!({"unread_count": unread_count}))
}

pub(crate) fn feed_unread(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let account = world.account(asked.uid)?;
    let quirks = &world.quirks.feeds;
    let unread = |kind| account.feeds.get(kind).unread(asked.now_us, quirks);
    let (reply, at, like, system) = (
        unread(FeedKind::Reply),
        unread(FeedKind::At),
        unread(FeedKind::Like),
        unread(FeedKind::System),
    );
    Ok(counts(
        world,
        json!({
            "at": at, "chat": 0, "coin": 0, "danmu": 0, "favorite": 0, "like": like, "recv_like": like, "recv_reply": reply,
            "reply": reply, "sys_msg": system, "up": 0,
        }),
    ))
}

/// Zeros may be absent.
fn counts(world: &World, mut data: Value) -> Value {
    if let Some(fields) = data.as_object_mut().filter(|_| world.quirks.zeros_absent) {
        fields.retain(|_, value| value.as_i64() != Some(0));
    }
    data
}

pub(crate) fn settings(_: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let mut data = json!({
        "set_like": 0, "set_comment": 0, "set_at": 0, "is_group_fold": 1, "should_receive_group": 1, "receive_unfollow_msg": 1,
        "followed_reply": 0, "keys_reply": 0, "recv_reply": 0, "voyage_reply": 0, "recommend_followed_reply": 0,
        "ai_intercept": 0, "set_recv_reply": 0, "set_recv_like": 0, "set_new_follow": 0, "anti_harassment": null,
    });
    for name in ["msg_notify", "show_unfollowed_msg"] {
        let asked_for = asked.request.number::<i64>(name)? == Some(1);
        if let Some(fields) = data.as_object_mut().filter(|_| asked_for) {
            fields.insert(name.to_owned(), Value::from(1));
        }
    }
    Ok(data)
}
