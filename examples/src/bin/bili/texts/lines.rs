//! The lines of messages and notifications, with names.

use bilibili_session::model::{At, FeedItem, FeedUser, Reply};
use bilibili_session::{Content, ConversationId, Event, EventType, FeedEvent, Names, OneLine, Uid};

use super::library::{chinese, conversation};
use super::{Language, catalogue};

/// Shows a message on one line: `小电视 (20001): hi`.
pub(crate) fn message_in_words(event: &Event, names: &Names) -> String {
    match Language::current() {
        Language::English => event.with_names(names).to_string(),
        Language::Chinese => message(event, names),
    }
}

/// Shows a notification on one line.
pub(crate) fn feed_in_words(event: &FeedEvent, names: &Names) -> String {
    match Language::current() {
        Language::English => event.with_names(names).to_string(),
        Language::Chinese => notification(event, names),
    }
}

/// Shows a user or a group: `小电视 (20001)`, without a name `user 20001`.
pub(crate) fn named(id: impl Into<ConversationId>, names: &Names) -> String {
    let id = id.into();
    match Language::current() {
        Language::English => names.display(id).to_string(),
        Language::Chinese => chinese_named(id, names),
    }
}

fn chinese_named(id: ConversationId, names: &Names) -> String {
    match (names.get(id), id) {
        (None, id) => conversation(&id),
        (Some(name), ConversationId::User(uid)) => {
            chinese!("named", name = OneLine(name), number = uid)
        }
        (Some(name), id) => chinese!("named", name = OneLine(name), number = id),
    }
}

pub(super) fn message(event: &Event, names: &Names) -> String {
    let conversation = chinese_named(event.conversation, names);
    let uid = event.sender_uid();
    let who = match event.conversation {
        ConversationId::User(other) if uid == other => conversation,
        ConversationId::User(_) if uid != Uid(0) => chinese!("to", conversation = conversation),
        _ if uid == Uid(0) => chinese!("of-system", conversation = conversation),
        _ => {
            let sender = chinese_named(uid.into(), names);
            chinese!("in-group", conversation = conversation, sender = sender)
        }
    };
    let saying = match (&event.content, &event.withdrawn) {
        (Content::Withdraw(_), Some(earlier)) => chinese!("took-back", saying = saying(earlier)),
        _ => saying(event),
    };
    chinese!("line", who = who, saying = saying)
}

fn saying(event: &Event) -> String {
    let kind = event.event_type();
    match (&event.content, kind) {
        (Content::Text(text), _) => OneLine(text).to_string(),
        (Content::Withdraw(key), _) => chinese!("took-back-key", key = *key),
        (Content::Raw(raw), EventType::Unknown(number)) => {
            chinese!("unknown-type", number = number, raw = OneLine(raw))
        }
        (Content::Undecodable { raw, reason }, _) => chinese!(
            "cannot-be-read",
            kind = label(kind),
            reason = OneLine(reason),
            raw = OneLine(raw),
        ),
        (content, _) => {
            let mut line = format!("[{}]", label(kind));
            for part in content.shown_parts() {
                line.push(' ');
                line.push_str(&OneLine(&part).to_string());
            }
            line
        }
    }
}

/// Names a type of messages.
fn label(kind: EventType) -> String {
    let name = kind.as_str();
    let key = format!("type-{}", name.replace('_', "-"));
    catalogue::of_library(&key, &[]).unwrap_or_else(|| name.to_owned())
}

pub(super) fn notification(event: &FeedEvent, names: &Names) -> String {
    match event {
        FeedEvent::Reply(Reply { user, item, .. }) => {
            chinese!("reply", who = person(user, names), saying = comment(item))
        }
        FeedEvent::At(At { user, item, .. }) => {
            chinese!("mention", who = person(user, names), saying = comment(item))
        }
        FeedEvent::Like(likes) => {
            let item = &likes.like.item;
            let mut what = OneLine(&item.business).to_string();
            if !item.title.is_empty() {
                what = format!("{what} {}", OneLine(&item.title));
            }
            let counts = likes.like.counts;
            let line = match likes.counts_before {
                Some(before) if before < counts => {
                    let new = counts.saturating_sub(before);
                    chinese!("likes-new", counts = counts, new = new, what = what)
                }
                _ => chinese!("likes", counts = counts, what = what),
            };
            let who: Vec<String> = likes.users.iter().map(|user| person(user, names)).collect();
            match who.is_empty() {
                true => line,
                false => chinese!("likes-from", likes = line, who = who.join("、")),
            }
        }
        FeedEvent::System(notice) => {
            let body = notice.body();
            chinese!(
                "system-notice",
                title = OneLine(&notice.title),
                text = OneLine(&body.text),
            )
        }
        other => other.with_names(names).to_string(),
    }
}

fn person(user: &FeedUser, names: &Names) -> String {
    match user.nickname.as_str() {
        "" => chinese_named(user.mid.into(), names),
        name => chinese!("named", name = OneLine(name), number = user.mid),
    }
}

/// A comment, and the title of the thing that it stands below.
fn comment(item: &FeedItem) -> String {
    let said = OneLine(&item.source_content);
    match item.title.as_str() {
        "" => said.to_string(),
        title => chinese!("of-what", saying = said, title = OneLine(title)),
    }
}
