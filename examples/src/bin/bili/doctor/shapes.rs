//! Fields and types that nobody knows: names and shapes, never a value.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::{Content, EventType, Message};
use serde_json::Value;

use super::question::Question;

const LIST: &[&str] = &[
    "session_list",
    "has_more",
    "anti_disturb_cleaning",
    "is_address_list_empty",
    "show_level",
    "system_msg",
];
const CONVERSATION: &[&str] = &[
    "talker_id",
    "session_type",
    "at_seqno",
    "top_ts",
    "group_name",
    "group_cover",
    "is_follow",
    "is_dnd",
    "ack_seqno",
    "ack_ts",
    "session_ts",
    "unread_count",
    "last_msg",
    "group_type",
    "can_fold",
    "status",
    "max_seqno",
    "new_push_msg",
    "setting",
    "is_guardian",
    "is_intercept",
    "is_trust",
    "system_msg_type",
    "account_info",
    "live_status",
    "biz_msg_unread_count",
    "user_label",
];
const ACCOUNT: &[&str] = &["name", "pic_url"];
const PAGE: &[&str] = &["messages", "has_more", "min_seqno", "max_seqno", "e_infos"];
const MESSAGE: &[&str] = &[
    "sender_uid",
    "receiver_type",
    "receiver_id",
    "msg_type",
    "content",
    "msg_seqno",
    "timestamp",
    "at_uids",
    "msg_key",
    "msg_status",
    "sys_cancel",
    "notify_code",
    "new_face_version",
    "msg_source",
];
const EMOTE: &[&str] = &["text", "url", "size", "gif_url"];
/// Names of the unread counts, where none is left out.
pub(super) const UNREAD: &[&str] = &[
    "unfollow_unread",
    "follow_unread",
    "unfollow_push_msg",
    "dustbin_push_msg",
    "dustbin_unread",
    "biz_msg_unfollow_unread",
    "biz_msg_follow_unread",
    "custom_unread",
];
/// Fields that are yes or no.
const FLAGS: &[&str] = &["has_more", "is_follow", "is_dnd", "is_intercept"];
/// Longer names are none of a field.
const LONGEST_NAME: usize = 40;
/// More different ones of a kind are not kept.
const MOST: usize = 50;
/// Numbers of types are small; a larger one might say more than a type.
const LARGEST_TYPE: i64 = 99_999;

/// Shapes of the answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shapes {
    /// `session_list[].name: int`
    unknown: BTreeSet<String>,
    /// Messages of each type.
    messages: BTreeMap<String, usize>,
    /// Conversations of each type.
    conversations: BTreeMap<String, usize>,
    unknown_messages: BTreeSet<String>,
    unknown_conversations: BTreeSet<String>,
    /// Ids that came as numbers, and as strings.
    pub(super) numbers: (usize, usize),
    /// Flags that came as numbers, and as yes or no.
    pub(super) flags: (usize, usize),
    /// `at_uids` that came as an array, and as null.
    pub(super) arrays: (usize, usize),
}

impl Shapes {
    /// Looks at `data` of an answer.
    pub(super) fn observe(&mut self, question: &Question, data: &Value) {
        match question {
            Question::List { .. } => {
                self.fields("", data, LIST);
                for conversation in items(data, "session_list") {
                    self.conversation(conversation);
                }
            }
            Question::Messages { .. } => {
                self.fields("", data, PAGE);
                for emote in items(data, "e_infos") {
                    self.fields("e_infos[].", emote, EMOTE);
                }
                for message in items(data, "messages") {
                    self.message("messages[].", message);
                    *entry(&mut self.messages, &type_of(message, "msg_type")) += 1;
                }
            }
            Question::Unread => self.fields("", data, UNREAD),
        }
    }

    fn conversation(&mut self, conversation: &Value) {
        self.fields("session_list[].", conversation, CONVERSATION);
        if let Some(account) = conversation.get("account_info") {
            self.fields("session_list[].account_info.", account, ACCOUNT);
        }
        let kind = type_of(conversation, "session_type");
        if !matches!(kind.as_str(), "1" | "2") {
            keep(&mut self.unknown_conversations, &kind);
        }
        *entry(&mut self.conversations, &kind) += 1;
        if let Some(message) = conversation.get("last_msg").filter(|it| it.is_object()) {
            self.message("session_list[].last_msg.", message);
        }
    }

    fn message(&mut self, place: &str, message: &Value) {
        self.fields(place, message, MESSAGE);
        match message.get("at_uids") {
            Some(Value::Null) => self.arrays.1 += 1,
            Some(Value::Array(_)) => self.arrays.0 += 1,
            _ => {}
        }
        let kind = type_of(message, "msg_type");
        if !kind.parse().is_ok_and(is_read) {
            keep(&mut self.unknown_messages, &kind);
        }
    }

    fn fields(&mut self, place: &str, object: &Value, known: &[&str]) {
        for (name, value) in object.as_object().into_iter().flatten() {
            if !known.contains(&name.as_str()) {
                let seen = format!("{place}{}: {}", plain(name), shape(value));
                keep(&mut self.unknown, &seen);
                continue;
            }
            let is_id = matches!(name.as_str(), "talker_id" | "msg_seqno");
            if is_id {
                count(&mut self.numbers, value.is_number(), value.is_string());
            } else if FLAGS.contains(&name.as_str()) {
                count(&mut self.flags, !value.is_boolean(), value.is_boolean());
            }
        }
    }

    pub(super) fn unknown_fields(&self) -> String {
        joined(&self.unknown)
    }

    pub(super) fn unknown_message_types(&self) -> String {
        joined(&self.unknown_messages)
    }

    pub(super) fn unknown_conversation_types(&self) -> String {
        joined(&self.unknown_conversations)
    }

    /// Lists the types and their counts: `type 1: 40, type 5: 1`.
    pub(super) fn message_types(&self) -> String {
        counted(&self.messages)
    }

    pub(super) fn conversation_types(&self) -> String {
        counted(&self.conversations)
    }
}

fn items<'a>(data: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    data.get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn entry<'a>(counts: &'a mut BTreeMap<String, usize>, kind: &str) -> &'a mut usize {
    counts.entry(kind.to_owned()).or_default()
}

fn count(counts: &mut (usize, usize), is_plain: bool, is_odd: bool) {
    counts.0 += usize::from(is_plain);
    counts.1 += usize::from(is_odd);
}

fn keep(kept: &mut BTreeSet<String>, new: &str) {
    if kept.len() < MOST {
        kept.insert(new.to_owned());
    }
}

fn joined(all: &BTreeSet<String>) -> String {
    if all.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    all.join("; ")
}

fn counted(counts: &BTreeMap<String, usize>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("type {kind}: {count}"))
        .collect();
    counts.join(", ")
}

/// Returns the number of a type, if it can be one.
fn type_of(item: &Value, name: &str) -> String {
    let value = item.get(name).unwrap_or(&Value::Null);
    let text = value.as_str().and_then(|text| text.parse().ok());
    match value.as_i64().or(text) {
        Some(kind) if (0..=LARGEST_TYPE).contains(&kind) => kind.to_string(),
        Some(_) => "(a large number)".to_owned(),
        None => format!("({})", shape(value)),
    }
}

/// Returns a name that can be one of a field: anything else may be a user or their words, and
/// is nobody's business.
fn plain(name: &str) -> &str {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_number = name
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > 3);
    match name.len() <= LONGEST_NAME && name.chars().all(is_word) && !is_number {
        true => name,
        false => "(not a plain name)",
    }
}

/// Returns whether contents of this type are read; of some types the name alone is known.
fn is_read(msg_type: i64) -> bool {
    let mut message = Message::default();
    message.msg_type = EventType::from_number(msg_type);
    !matches!(Content::of(&message), Content::Raw(_))
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use bilibili_session::Uid;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_shapes_are_told_and_no_value() {
        let mut shapes = Shapes::default();
        let list = Question::List {
            kind: super::super::question::ListKind::Changes,
            begin: None,
            end: None,
            size: 20,
            signed: false,
        };
        shapes.observe(
            &list,
            &json!({
                "session_list": [
                    {"talker_id": 20001, "session_type": 1, "foo": 5, "last_msg": {"msg_type": 1, "bar": "secret"}},
                    {"talker_id": "20002", "session_type": 6, "小明": "秘密", "account_info": {"vip": {"20003": 1}}},
                    {"session_type": 123_456_789, "uid_20003": 1.5},
                ],
                "more": [20001],
            }),
        );
        let messages = Question::Messages {
            id: Uid(20001).into(),
            begin: None,
            end: None,
            size: 20,
        };
        let page = json!({"messages": [
            {"msg_type": 1}, {"msg_type": "5"}, {"msg_type": 999}, {"msg_type": 3}, {"msg_type": "alice"}, {},
        ]});
        shapes.observe(&messages, &page);
        assert_eq!(
            shapes.unknown_fields(),
            "more: array; session_list[].(not a plain name): float; \
             session_list[].(not a plain name): string; session_list[].account_info.vip: object; \
             session_list[].foo: int; session_list[].last_msg.bar: string"
        );
        assert_eq!(
            shapes.unknown_message_types(),
            "(null); (string); 3; 999",
            "{shapes:?}"
        );
        assert_eq!(shapes.unknown_conversation_types(), "(a large number); 6");
        assert_eq!(
            shapes.message_types(),
            "type (null): 1, type (string): 1, type 1: 1, type 3: 1, type 5: 1, type 999: 1"
        );
        assert_eq!(shapes.numbers, (1, 1));
    }
}
