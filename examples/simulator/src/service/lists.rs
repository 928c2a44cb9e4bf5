//! Lists of conversations, and one of them.

use serde_json::{Map, Value, json};

use super::{Outcome, RequestKind};
use crate::model::account::Account;
use crate::model::conversation::{Conversation, ConversationId};
use crate::model::world::World;
use crate::wire::envelope::{Refusal, put};
use crate::wire::incoming::Incoming;

/// Number of conversations of a page by default, and at most.
const PAGE: usize = 20;
const LONGEST_PAGE: usize = 100;

pub(crate) fn get_sessions(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let kind = Kind::of(asked.request.number("session_type")?.unwrap_or(4))?;
    for fold in ["group_fold", "unfollow_fold", "sort_rule"] {
        asked.request.number::<i64>(fold)?;
    }
    let ignores_end = match kind {
        Kind::All => world.quirks.all_types_ignore_end_ts,
        _ => world.quirks.single_types_ignore_end_ts,
    };
    list(world, asked, kind, !ignores_end)
}

pub(crate) fn new_sessions(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    asked.request.required::<i64>("begin_ts")?;
    list(
        world,
        asked,
        Kind::All,
        world.quirks.new_sessions_takes_end_ts,
    )
}

pub(crate) fn session_detail(world: &mut World, asked: &RequestKind<'_>) -> Outcome {
    let id = conversation_id(asked.request)?;
    let conversation = world.conversation(asked.uid, id)?;
    Ok(to_json(world, conversation))
}

/// Reads `talker_id` and `session_type`.
pub(crate) fn conversation_id(request: &Incoming<'_>) -> Result<ConversationId, Refusal> {
    let id = ConversationId {
        session_type: request.required("session_type")?,
        talker_id: request.required("talker_id")?,
    };
    let known = matches!(id.session_type, 1 | 2) && id.talker_id > 0;
    known.then_some(id).ok_or(Refusal::ILLEGAL_ARGUMENT)
}

/// Kind of list.
#[derive(Clone, Copy)]
enum Kind {
    UserAndSystem,
    NotFollowed,
    Group,
    All,
    Intercepted,
    System,
    FollowedAndSystem,
}

impl Kind {
    fn of(session_type: i64) -> Result<Self, Refusal> {
        Ok(match session_type {
            1 => Self::UserAndSystem,
            2 | 8 => Self::NotFollowed,
            3 => Self::Group,
            4 => Self::All,
            5 => Self::Intercepted,
            7 => Self::System,
            9 => Self::FollowedAndSystem,
            _ => return Err(Refusal::ILLEGAL_ARGUMENT),
        })
    }

    fn has(self, world: &World, id: ConversationId) -> bool {
        if matches!(self, Self::All) {
            return true;
        }
        if !id.is_user() {
            return id.is_group() && matches!(self, Self::Group);
        }
        let peer = world.peer(id.talker_id);
        let is_system = peer.system_msg_type != 0;
        match self {
            Self::All => true,
            Self::Group => false,
            Self::UserAndSystem => (peer.is_follow || is_system) && !peer.is_intercept,
            Self::NotFollowed => !peer.is_follow && !is_system && !peer.is_intercept,
            Self::Intercepted => peer.is_intercept,
            Self::System => is_system,
            Self::FollowedAndSystem => peer.is_follow || is_system,
        }
    }
}

fn list(world: &World, asked: &RequestKind<'_>, kind: Kind, takes_end: bool) -> Outcome {
    let quirks = &world.quirks;
    let account = world.account(asked.uid)?;
    let begin_ts: Option<i64> = asked.request.number("begin_ts")?;
    let end_ts: Option<i64> = asked
        .request
        .number("end_ts")?
        .filter(|&ts| ts != 0 && takes_end);
    let size = asked
        .request
        .number::<usize>("size")?
        .filter(|&size| size > 0)
        .unwrap_or(PAGE);
    let size = size
        .min(LONGEST_PAGE)
        .min(quirks.conversation_page_cap.unwrap_or(usize::MAX))
        .max(1);

    // Both bounds, turned into inclusive ones.
    let from = begin_ts.map_or(i64::MIN, |ts| {
        if quirks.begin_ts_inclusive {
            ts
        } else {
            ts.saturating_add(1)
        }
    });
    let to = end_ts.map_or(i64::MAX, |ts| {
        if quirks.end_ts_inclusive {
            ts
        } else {
            ts.saturating_sub(1)
        }
    });

    let pinned = pinned_first(account, quirks.pinned_first, end_ts.is_none());
    let others = account
        .recent_between(from, to)
        .filter_map(|id| account.conversations.get(id))
        .filter(|conversation| !quirks.pinned_first || conversation.top_ts == 0);
    let mut page: Vec<&Conversation> = pinned
        .into_iter()
        .filter(|conversation| conversation.session_ts >= from)
        .chain(others)
        .filter(|conversation| kind.has(world, conversation.id))
        .take(size + 1)
        .collect();
    let more = page.len() > size;
    page.truncate(size);

    let mut list: Vec<Value> = page
        .iter()
        .map(|conversation| {
            let mut json = to_json(world, conversation);
            let max_seqno = conversation
                .max_seqno
                .saturating_add(quirks.list_max_seqno_ahead);
            put(&mut json, "max_seqno", max_seqno.into());
            json
        })
        .collect();
    if quirks.lists_twice {
        list.extend(list.first().cloned());
    }
    let mut data = json!({
        "has_more": quirks.say_more(more, list.is_empty()),
        "anti_disturb_cleaning": false,
        "is_address_list_empty": 0,
        "show_level": true,
    });
    let list = if list.is_empty() {
        Value::Null
    } else {
        list.into()
    };
    put(&mut data, "session_list", list);
    let system = system_conversations(world, account);
    if !system.is_empty() {
        put(&mut data, "system_msg", system.into());
    }
    Ok(data)
}

/// Returns the pinned conversations, the latest pin first, if they lead this page.
fn pinned_first(account: &Account, quirk: bool, first_page: bool) -> Vec<&Conversation> {
    if !quirk || !first_page {
        return Vec::new();
    }
    let mut pinned: Vec<_> = account
        .conversations
        .values()
        .filter(|it| it.top_ts != 0 && !it.removed)
        .collect();
    pinned.sort_by_key(|conversation| std::cmp::Reverse(conversation.top_ts));
    pinned
}

/// Returns the talkers of the system sources.
fn system_conversations(world: &World, account: &Account) -> Map<String, Value> {
    let peers = world
        .peers
        .iter()
        .filter(|(_, peer)| peer.system_msg_type != 0);
    peers
        .filter(|(uid, _)| {
            account
                .conversations
                .contains_key(&ConversationId::user(**uid))
        })
        .map(|(uid, peer)| (peer.system_msg_type.to_string(), Value::from(*uid)))
        .collect()
}

/// Returns a conversation as it stands on the wire.
fn to_json(world: &World, conversation: &Conversation) -> Value {
    let id = conversation.id;
    let last = conversation
        .messages
        .last_key_value()
        .and_then(|(seqno, key)| Some((*seqno, world.messages.get(key)?)));
    let mut json = json!({
        "talker_id": id.talker_id,
        "session_type": id.session_type,
        "at_seqno": 0,
        "top_ts": conversation.top_ts,
        "group_name": "",
        "group_cover": "",
        "is_follow": 0,
        "is_dnd": i64::from(conversation.is_dnd),
        "ack_seqno": conversation.ack_seqno,
        "ack_ts": conversation.ack_ts,
        "session_ts": conversation.session_ts,
        "unread_count": conversation.unread,
        "last_msg": last.filter(|(_, message)| !message.taken_down).map(|(seqno, message)| message.to_json(seqno)),
        "group_type": 0,
        "can_fold": 0,
        "status": 0,
        "max_seqno": conversation.max_seqno,
        "new_push_msg": 0,
        "setting": 0,
        "is_guardian": 0,
        "is_intercept": 0,
        "is_trust": 0,
        "system_msg_type": 0,
        "live_status": 0,
        "biz_msg_unread_count": 0,
        "user_label": null,
    });
    let Some(fields) = json.as_object_mut() else {
        return json;
    };
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    if id.is_group() {
        if let Some(group) = world.groups.get(&id.talker_id) {
            set("group_name", Value::from(group.name.as_str()));
        }
        set("group_cover", Value::from(FACE));
        set("can_fold", Value::from(1));
    } else if id.is_user() {
        let peer = world.peer(id.talker_id);
        set("is_follow", Value::from(i64::from(peer.is_follow)));
        set("is_intercept", Value::from(i64::from(peer.is_intercept)));
        set("system_msg_type", Value::from(peer.system_msg_type));
        if peer.system_msg_type != 0 || !world.quirks.people_unnamed {
            set("account_info", json!({"name": peer.name, "pic_url": FACE}));
        }
    }
    json
}

const FACE: &str = "https://i0.hdslb.com/bfs/face/member/noface.jpg";
