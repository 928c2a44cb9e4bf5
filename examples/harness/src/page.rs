//! Content of an answer, as far as the harness has to know.

use bilibili_session::ConversationId;
use serde::Deserialize;
use serde_json::Value;

/// Entry of a list about a conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListEntry {
    pub(crate) id: ConversationId,
    /// Newest message; 0 if the entry does not name one.
    pub(crate) newest: u64,
    pub(crate) session_ts: i64,
    pub(crate) is_pinned: bool,
}

/// A page of either kind.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) says_more: bool,
    pub(crate) entries: Vec<ListEntry>,
    /// Number and key; 0 for what cannot be read.
    pub(crate) messages: Vec<(u64, i64)>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    data: Data,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    has_more: Value,
    session_list: Option<Vec<Conversation>>,
    messages: Option<Vec<Message>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Conversation {
    session_type: Value,
    talker_id: Value,
    max_seqno: Value,
    session_ts: Value,
    top_ts: Value,
    last_msg: Option<Message>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message {
    msg_seqno: Value,
    msg_key: Value,
}

impl Page {
    pub(crate) fn read(body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let data = body.data;
        let list = data.session_list.unwrap_or_default();
        let messages = data.messages.unwrap_or_default();
        Self {
            says_more: matches!(data.has_more, Value::Bool(true)) || int(&data.has_more) == 1,
            entries: list.iter().map(entry).collect(),
            messages: messages
                .iter()
                .map(|it| (seqno(&it.msg_seqno), int(&it.msg_key)))
                .collect(),
        }
    }
}

fn entry(entry: &Conversation) -> ListEntry {
    let last = entry.last_msg.as_ref().map(|it| seqno(&it.msg_seqno));
    ListEntry {
        id: ConversationId::new(int(&entry.session_type), int(&entry.talker_id)),
        newest: seqno(&entry.max_seqno).max(last.unwrap_or_default()),
        session_ts: int(&entry.session_ts),
        is_pinned: int(&entry.top_ts) != 0,
    }
}

/// Reads a number, also one in a string; 0 if it is none.
pub(crate) fn int(value: &Value) -> i64 {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_i64().or(text).unwrap_or_default()
}

/// Reads the number of a message; 0 if no message can have it.
pub(crate) fn seqno(value: &Value) -> u64 {
    match u64::try_from(int(value)) {
        Ok(number) if number < i64::MAX.unsigned_abs() => number,
        _ => 0,
    }
}
