//! Actions of a user on a conversation: read, remove, pin, mute.

use serde_json::json;

use super::lists::conversation_id;
use super::{Outcome, RequestKind};
use crate::model::conversation::ConversationId;
use crate::model::world::World;
use crate::wire::envelope::Refusal;

pub(crate) fn update_ack(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let id = conversation_id(asked.request)?;
    let seqno: u64 = asked.request.required("ack_seqno")?;
    world.acknowledge(asked.now_us, asked.uid, id, seqno)?;
    Ok(json!({}))
}

pub(crate) fn remove_session(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let id = conversation_id(asked.request)?;
    let known = world.account_mut(asked.uid)?.remove(id);
    known.then(|| json!({})).ok_or(Refusal::new(1_000_004))
}

pub(crate) fn set_top(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let id = conversation_id(asked.request)?;
    let top_ts = match asked.request.required::<i64>("op_type")? {
        0 => asked.now_us,
        1 => 0,
        _ => return Err(Refusal::ILLEGAL_ARGUMENT),
    };
    world.conversation(asked.uid, id)?;
    world.account_mut(asked.uid)?.conversation(id).top_ts = top_ts;
    Ok(json!({}))
}

pub(crate) fn set_msg_dnd(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let request = asked.request;
    if request.required::<i64>("uid")? != asked.uid {
        return Err(Refusal::ILLEGAL_ARGUMENT);
    }
    let is_dnd = match request.required::<i64>("setting")? {
        0 => false,
        1 => true,
        _ => return Err(Refusal::ILLEGAL_ARGUMENT),
    };
    let id = match (request.number("dnd_uid")?, request.number("dnd_group_id")?) {
        (Some(uid), None) => ConversationId::user(uid),
        (None, Some(group)) => ConversationId::group(group),
        _ => return Err(Refusal::BAD_REQUEST),
    };
    world.conversation(asked.uid, id)?;
    world.account_mut(asked.uid)?.conversation(id).is_dnd = is_dnd;
    Ok(json!({}))
}
