//! Sending: text, picture, sticker, withdrawal.

use serde_json::{Value, json};
use url::Url;

use super::messages::emotes;
use super::{Outcome, RequestKind};
use crate::model::conversation::ConversationId;
use crate::model::message::NewMessage;
use crate::model::world::World;
use crate::wire::envelope::Refusal;

/// The longest content, in bytes.
const LONGEST: usize = 2000;
/// Time in which a message can be taken back, in seconds.
const WITHDRAWABLE: i64 = 120;

pub(crate) fn send_msg(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let request = asked.request;
    let sender: i64 = request.required("msg[sender_uid]")?;
    let receiver: i64 = request.required("msg[receiver_id]")?;
    let receiver_type: i64 = request.required("msg[receiver_type]")?;
    let msg_type: i64 = request.required("msg[msg_type]")?;
    let timestamp: i64 = request.required("msg[timestamp]")?;
    let face_version: i64 = request.number("msg[new_face_version]")?.unwrap_or(0);
    let status: i64 = request.number("msg[msg_status]")?.unwrap_or(0);
    let device = request.text("msg[dev_id]").ok_or(Refusal::BAD_REQUEST)?;
    let content = request
        .text("msg[content]")
        .ok_or(Refusal::ILLEGAL_ARGUMENT)?;

    // What is signed must be what is sent.
    let signed = |name: &str| {
        request
            .query_text(name)
            .and_then(|value| value.parse::<i64>().ok())
    };
    let agree = signed("w_sender_uid") == Some(sender)
        && signed("w_receiver_id") == Some(receiver)
        && request
            .query_text("w_dev_id")
            .is_none_or(|signed| signed == device);
    let sane = sender == asked.uid
        && receiver > 0
        && matches!(receiver_type, 1 | 2)
        && timestamp > 0
        && matches!(face_version, 0 | 1)
        && status == 0
        && is_device(device);
    if !agree || !sane {
        return Err(Refusal::ILLEGAL_ARGUMENT);
    }

    let id = ConversationId {
        session_type: receiver_type,
        talker_id: receiver,
    };
    may_send(world, asked.uid, id)?;
    if content.len() > LONGEST {
        return Err(Refusal::new(21_007));
    }
    let parsed: Value = serde_json::from_str(content).map_err(|_| Refusal::ILLEGAL_ARGUMENT)?;
    match msg_type {
        1 if parsed
            .get("content")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty) =>
        {
            return Err(Refusal::ILLEGAL_ARGUMENT);
        }
        2 | 6
            if !parsed
                .get("url")
                .and_then(Value::as_str)
                .is_some_and(is_own_picture) =>
        {
            return Err(Refusal::new(21_037));
        }
        1 | 2 | 6 => {}
        5 => return withdraw(world, asked, id, &parsed),
        _ => return Err(Refusal::new(21_035)),
    }

    refused(world)?;
    let new = NewMessage {
        to: (receiver_type == 1).then_some(receiver),
        group: (receiver_type == 2).then_some(receiver),
        msg_source: 7,
        timestamp: Some(asked.now_us.div_euclid(1_000_000)),
        ..NewMessage::new(asked.uid, msg_type, &Value::from(content))
    };
    let arrived = world
        .deliver(asked.now_us, asked.uid, new)
        .ok_or(Refusal::new(-500))?;
    world.account_mut(asked.uid)?.sent.push(arrived.msg_key);
    let mut data = json!({"msg_key": arrived.msg_key, "msg_content": content, "key_hit_infos": {}});
    let emotes = emotes(std::iter::once(content));
    if let Some(fields) = data.as_object_mut().filter(|_| !emotes.is_empty()) {
        fields.insert("e_infos".to_owned(), Value::Array(emotes));
    }
    Ok(data)
}

/// Refuses a send that this account may not make at all.
fn may_send(world: &World, uid: i64, id: ConversationId) -> Result<(), Refusal> {
    if id == ConversationId::user(uid) {
        return Err(Refusal::new(21_026));
    }
    if let Some(refusal) = world.closed(id) {
        return Err(refusal);
    }
    if id.is_group() {
        // Groups are joined elsewhere: one that is not among the conversations is not the account's.
        return world
            .conversation(uid, id)
            .map(|_| ())
            .map_err(|_| Refusal::new(700_014));
    }
    world
        .peer(id.talker_id)
        .refuses
        .map_or(Ok(()), |code| Err(Refusal::new(code)))
}

fn withdraw(
    world: &mut World,
    asked: &RequestKind<'_>,
    id: ConversationId,
    content: &Value,
) -> Outcome {
    let key = key(content).ok_or(Refusal::ILLEGAL_ARGUMENT)?;
    let message = world
        .messages
        .get(&key)
        .filter(|message| message.conversation_of(asked.uid) == id);
    let message = message.ok_or(Refusal::new(10_005))?;
    if message.sender_uid != asked.uid {
        return Err(Refusal::new(700_009));
    }
    if message.msg_type == 5 {
        return Err(Refusal::new(10_005));
    }
    if message.msg_status == 1 {
        return Err(Refusal::new(21_042));
    }
    if asked
        .now_us
        .div_euclid(1_000_000)
        .saturating_sub(message.timestamp)
        > WITHDRAWABLE
    {
        return Err(Refusal::new(21_041));
    }
    refused(world)?;
    let now_s = asked.now_us.div_euclid(1_000_000);
    let arrived = world
        .withdraw(asked.now_us, asked.uid, key, Some(now_s))
        .ok_or(Refusal::new(-500))?;
    world.account_mut(asked.uid)?.sent.push(arrived.msg_key);
    Ok(json!({"msg_key": arrived.msg_key, "key_hit_infos": {}}))
}

/// Refuses a send with the code of a quirk, if that is set.
fn refused(world: &World) -> Result<(), Refusal> {
    let code = world.quirks.sends_refused;
    code.map_or(Ok(()), |code| Err(Refusal::new(code)))
}

/// Reads the key of a withdrawal: a number, a string, or an object with one of them.
fn key(content: &Value) -> Option<i64> {
    match content {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Object(fields) => fields
            .get("content")
            .filter(|inner| !inner.is_object())
            .and_then(key),
        _ => None,
    }
}

/// Returns whether this service holds the picture.
fn is_own_picture(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let own = |host: &str| {
        ["hdslb.com", "biliimg.com"].iter().any(|domain| {
            host.strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
        })
    };
    matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(own)
}

/// Returns whether a text has the shape of a UUID, in upper case.
fn is_device(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && id.chars().all(|c| matches!(c, '-' | '0'..='9' | 'A'..='F'))
}
