//! The lines of messages and warnings that scripts read.
//!
//! `msg_key` is a string wherever it stands, because JavaScript cannot hold it.

use bilibili_session::model::FeedUser;
use bilibili_session::poller::Warning;
use bilibili_session::{Content, Error, Event, FeedEvent, Names};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The object of a message, with the names that are known.
pub(crate) struct MessageLine<'a>(pub(crate) &'a Event, pub(crate) &'a Names);

impl Serialize for MessageLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(event, names) = self;
        let message = &event.message;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event", "message")?;
        map.serialize_entry("conversation", &event.conversation)?;
        map.serialize_entry("sender_uid", &message.sender_uid)?;
        map.serialize_entry("receiver_type", &message.receiver_type)?;
        map.serialize_entry("receiver_id", &message.receiver_id)?;
        map.serialize_entry("msg_seqno", &message.msg_seqno)?;
        map.serialize_entry("msg_type", &message.msg_type)?;
        map.serialize_entry("msg_key", &message.msg_key.0.to_string())?;
        map.serialize_entry("timestamp", &message.timestamp)?;
        map.serialize_entry("msg_status", &message.msg_status)?;
        if let Some(name) = names.get(message.sender_uid) {
            map.serialize_entry("name", name)?;
        }
        if !event.conversation.is_user()
            && let Some(name) = names.get(event.conversation)
        {
            map.serialize_entry("group_name", name)?;
        }
        match &event.content {
            Content::Undecodable { raw, reason } => {
                map.serialize_entry("type", "undecodable")?;
                map.serialize_entry("raw", raw)?;
                map.serialize_entry("error", reason)?;
            }
            Content::Raw(raw) => {
                // The types that lines name are those whose content they show; for the others there is the number.
                map.serialize_entry("type", "unknown")?;
                map.serialize_entry("raw", raw)?;
            }
            content => {
                map.serialize_entry("type", message.msg_type.as_str())?;
                map.serialize_entry("content", content)?;
            }
        }
        if matches!(event.content, Content::Withdraw(_)) {
            let withdrawn = event.withdrawn.as_deref();
            let withdrawn = withdrawn.map(|event| MessageLine(event, names));
            map.serialize_entry("withdrawn", &withdrawn)?;
        }
        map.end()
    }
}

/// Returns the name of the newest of these users that a line of a notification shows.
pub(crate) fn name_of<'a>(users: &'a [FeedUser], names: &'a Names) -> Option<&'a str> {
    let user = users.first()?;
    match user.nickname.as_str() {
        "" => names.get(user.mid),
        name => Some(name),
    }
}

/// Object of a notification, with the names that are known.
pub(crate) struct FeedLine<'a>(pub(crate) &'a FeedEvent, pub(crate) &'a Names);

impl Serialize for FeedLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(event, names) = self;
        let mut line = serializer.serialize_map(None)?;
        let name = match event {
            FeedEvent::Reply(_) => "reply",
            FeedEvent::At(_) => "at",
            FeedEvent::Like(_) => "like",
            _ => "system",
        };
        line.serialize_entry("event", name)?;
        line.serialize_entry("id", &event.id().to_string())?;
        line.serialize_entry("time", &event.time().unwrap_or_default())?;
        if let Some(name) = name_of(event.users(), names) {
            line.serialize_entry("name", name)?;
        }
        match event {
            FeedEvent::Reply(reply) => fields(&mut line, reply)?,
            FeedEvent::At(at) => fields(&mut line, at)?,
            FeedEvent::System(notice) => fields(&mut line, notice)?,
            FeedEvent::Like(likes) => {
                line.serialize_entry("counts", &likes.like.counts)?;
                line.serialize_entry("counts_before", &likes.counts_before)?;
                line.serialize_entry("users", &likes.users)?;
                line.serialize_entry("item", &likes.like.item)?;
            }
            _ => {}
        }
        line.end()
    }
}

/// Writes the fields of an entry but its `id`, which stands in the line already.
fn fields<M: SerializeMap>(line: &mut M, entry: &impl Serialize) -> Result<(), M::Error> {
    let entry = serde_json::to_value(entry).map_err(serde::ser::Error::custom)?;
    let fields = entry.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| *name != "id")
        .try_for_each(|(name, value)| line.serialize_entry(name, value))
}

/// Object of a warning.
pub(crate) struct WarningLine<'a>(pub(crate) &'a Warning);

impl Serialize for WarningLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(warning) = self;
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("event", "notice")?;
        line.serialize_entry("kind", warning.kind())?;
        line.serialize_entry("message", &format_args!("{warning}"))?;
        if let Some(delay) = warning.delay() {
            line.serialize_entry("delay_s", &delay.as_secs_f64())?;
        }
        if let Some(conversation) = warning.conversation() {
            line.serialize_entry("conversation", &conversation)?;
        }
        if let Some(feed) = warning.feed() {
            line.serialize_entry("feed", feed.as_str())?;
        }
        if let Some(code) = warning.error().and_then(Error::code) {
            line.serialize_entry("code", &code)?;
        }
        if let Some(status) = warning.error().and_then(Error::http_status) {
            line.serialize_entry("http_status", &status.as_u16())?;
        }
        match warning {
            Warning::Gap {
                from_seqno,
                to_seqno,
                ..
            } => {
                line.serialize_entry("from_seqno", from_seqno)?;
                line.serialize_entry("to_seqno", to_seqno)?;
            }
            Warning::ConversationFailed { held, .. } if *held > 0 => {
                line.serialize_entry("count", held)?;
            }
            Warning::Undecodable { raw, .. } | Warning::UndecodableNotification { raw, .. } => {
                line.serialize_entry("raw", raw)?;
            }
            Warning::Push { connected, .. } => line.serialize_entry("connected", connected)?,
            _ => {}
        }
        line.end()
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may"
)]
mod tests {
    use bilibili_session::endpoints::FetchSessionMsgs;
    use bilibili_session::{ConversationId, Endpoint as _, MsgKey, Uid};
    use bilibili_session_simulator::NewMessage;
    use serde_json::{Value, json};

    use super::*;

    const OTHER: Uid = Uid(20001);

    /// Reads a message as it comes in a page.
    fn read(conversation: ConversationId, message: &Value) -> Event {
        let page = FetchSessionMsgs::new(conversation).decode(&json!({"messages": [message]}));
        let [event] = <[Event; 1]>::try_from(page.unwrap().messages).unwrap();
        event
    }

    fn event(msg_type: i64, content: &Value) -> Event {
        let message = NewMessage::new(OTHER.0, msg_type, content);
        let mut fields =
            json!({"sender_uid": message.from, "msg_type": msg_type, "content": message.content});
        fields["receiver_type"] = json!(1);
        fields["receiver_id"] = json!(10001);
        fields["msg_seqno"] = json!(7);
        fields["msg_key"] = json!(7_300_000_000_000_000_007_i64);
        fields["timestamp"] = json!(1_700_000_000);
        read(OTHER.into(), &fields)
    }

    fn undecodable(content: &Content) -> &str {
        match content {
            Content::Undecodable { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_recorded_message_has_a_line() {
        let text = include_str!("../../../../core/tests/wire/events.json")
            // Half of a surrogate pair, which no JSON text can hold.
            .replace("信息 a\\ud83db", "信息 a\\ufffdb");
        let recording: Value = serde_json::from_str(&text).unwrap();
        let entries = recording["events"].as_array().unwrap();
        assert!(entries.len() > 50);
        for entry in entries {
            let name = &entry["name"];
            let event = read(OTHER.into(), &entry["data"]);
            let line = serde_json::to_value(MessageLine(&event, &Names::new(0))).unwrap();
            assert_eq!(line["event"], "message", "{name}");
            assert_eq!(line["msg_seqno"], 7, "{name}");
            assert!(line["msg_key"].is_string(), "{name}");
            let raw = entry["data"]["content"].as_str().unwrap_or_default();
            match &event.content {
                Content::Undecodable { reason, .. } => {
                    assert_eq!(line["type"], "undecodable", "{name}");
                    assert_eq!(
                        (&line["raw"], &line["error"]),
                        (&json!(raw), &json!(reason))
                    );
                }
                Content::Raw(_) => {
                    assert_eq!(
                        (&line["type"], &line["raw"]),
                        (&json!("unknown"), &json!(raw))
                    );
                }
                _ => {
                    assert_eq!(line["type"], event.event_type().as_str(), "{name}");
                    assert!(line["content"].is_object(), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_lines_that_scripts_read() {
        let common = json!({
            "event": "message", "conversation": {"session_type": 1, "talker_id": 20001},
            "sender_uid": 20001, "receiver_type": 1, "receiver_id": 10001, "msg_seqno": 7,
            "msg_key": "7300000000000000007", "timestamp": 1_700_000_000, "msg_status": 0,
        });
        let line = |msg_type: i64, more: &Value| {
            let mut line = common.clone();
            line["msg_type"] = json!(msg_type);
            for (name, value) in more.as_object().unwrap() {
                line[name] = value.clone();
            }
            line
        };
        let nobody = Names::new(0);
        let written = |event: &Event| serde_json::to_value(MessageLine(event, &nobody)).unwrap();

        let text = event(1, &json!({"content": "hi"}));
        let text_line = line(1, &json!({"type": "text", "content": {"content": "hi"}}));
        assert_eq!(written(&text), text_line);
        assert_eq!(
            serde_json::to_string(&MessageLine(&text, &nobody)).unwrap(),
            r#"{"event":"message","conversation":{"session_type":1,"talker_id":20001},"sender_uid":20001,"receiver_type":1,"receiver_id":10001,"msg_seqno":7,"msg_type":1,"msg_key":"7300000000000000007","timestamp":1700000000,"msg_status":0,"type":"text","content":{"content":"hi"}}"#
        );

        let key = json!({"msg_key": "7300000000000000007"});
        for form in [
            json!("7300000000000000007"),
            json!("\"7300000000000000007\""),
            json!({"content": "7300000000000000007"}),
            json!({"content": 7_300_000_000_000_000_007_i64}),
        ] {
            let mut withdrawal = event(5, &form);
            assert_eq!(
                withdrawal.content,
                Content::Withdraw(MsgKey(7_300_000_000_000_000_007))
            );
            assert_eq!(
                written(&withdrawal),
                line(
                    5,
                    &json!({"type": "withdraw", "content": key, "withdrawn": null})
                )
            );
            withdrawal.withdrawn = Some(std::sync::Arc::new(text.clone()));
            assert_eq!(
                written(&withdrawal),
                line(
                    5,
                    &json!({"type": "withdraw", "content": key, "withdrawn": text_line})
                )
            );
        }

        assert_eq!(
            written(&event(999, &json!("as it came"))),
            line(999, &json!({"type": "unknown", "raw": "as it came"}))
        );
        let broken = event(10, &json!("{"));
        let reason = undecodable(&broken.content);
        assert_eq!(
            written(&broken),
            line(
                10,
                &json!({"type": "undecodable", "raw": "{", "error": reason})
            )
        );
        // What a message lacks is 0.
        let bare = read(OTHER.into(), &json!({"msg_seqno": 9}));
        for name in [
            "sender_uid",
            "receiver_type",
            "receiver_id",
            "msg_type",
            "timestamp",
            "msg_status",
        ] {
            assert_eq!(written(&bare)[name], 0, "{name}");
        }
        assert_eq!(written(&bare)["msg_key"], "0");
    }
}
