//! Counts of what is unread.

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
