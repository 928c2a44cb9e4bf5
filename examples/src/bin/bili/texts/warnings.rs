//! Warnings of the library, in Chinese.

use bilibili_session::poller::Warning;
use bilibili_session::{Error, FeedKind};

use super::library::{chinese, phrase, span};

pub(super) fn warning(warning: &Warning) -> String {
    match warning {
        Warning::Retry {
            delay,
            conversation: Some(conversation),
            error,
        } => chinese!(
            "retry-of-conversation",
            conversation = *conversation,
            delay = span(*delay),
            error = *error,
        ),
        Warning::Retry { delay, error, .. } => {
            chinese!("retry", delay = span(*delay), error = *error)
        }
        Warning::Throttled { delay, error, .. } => {
            chinese!("throttled", delay = span(*delay), error = *error)
        }
        Warning::RiskControl { delay, error, .. } => {
            chinese!("risk-control", delay = span(*delay), error = *error)
        }
        Warning::ListIncomplete { delay, error } => {
            chinese!("list-incomplete", delay = span(*delay), error = *error)
        }
        Warning::SendsPaused { delay, error } => {
            chinese!("sends-paused", delay = span(*delay), error = *error)
        }
        Warning::Gap {
            conversation,
            from_seqno,
            to_seqno,
        } => chinese!(
            "gap",
            conversation = *conversation,
            from = *from_seqno,
            to = *to_seqno,
        ),
        Warning::ConversationFailed {
            conversation,
            held: 0,
            error,
        } => {
            chinese!(
                "conversation-failed",
                conversation = *conversation,
                error = *error
            )
        }
        Warning::ConversationFailed {
            conversation,
            held,
            error,
        } => chinese!(
            "conversation-failed-held",
            conversation = *conversation,
            held = *held,
            error = *error,
        ),
        Warning::Undecodable {
            conversation: Some(conversation),
            reason,
            ..
        } => chinese!(
            "undecodable",
            conversation = *conversation,
            reason = phrase(reason),
        ),
        Warning::Undecodable { reason, .. } => {
            chinese!("undecodable-entry", reason = phrase(reason))
        }
        Warning::ReplyFailed {
            conversation,
            error: Error::UnknownOutcome(error),
        } => {
            chinese!(
                "reply-unknown",
                conversation = *conversation,
                error = **error
            )
        }
        Warning::ReplyFailed {
            conversation,
            error,
        } => {
            chinese!("reply-failed", conversation = *conversation, error = *error)
        }
        Warning::Push {
            connected: true, ..
        } => chinese!("push-connected"),
        Warning::Push { reason, .. } => {
            let reason = reason.as_deref().unwrap_or("no reason is known");
            chinese!("push-lost", reason = phrase(reason))
        }
        Warning::Login { reason } => chinese!("login-failed", reason = phrase(reason)),
        Warning::HandlerFailed {
            conversation,
            reason,
        } => chinese!(
            "handler-failed",
            conversation = *conversation,
            reason = phrase(reason),
        ),
        Warning::FeedRetry { delay, feed, error } => chinese!(
            "feed-retry",
            feed = asked(*feed),
            delay = span(*delay),
            error = *error,
        ),
        Warning::FeedsPaused { delay, feed, error } => chinese!(
            "feeds-paused",
            feed = asked(*feed),
            delay = span(*delay),
            error = *error,
        ),
        Warning::UndecodableNotification { feed, reason, .. } => chinese!(
            "undecodable-notification",
            feed = asked(Some(*feed)),
            reason = phrase(reason),
        ),
        Warning::FeedHandlerFailed { feed, reason } => chinese!(
            "feed-handler-failed",
            feed = asked(Some(*feed)),
            reason = phrase(reason),
        ),
        other => other.to_string(),
    }
}

/// Names what was asked for.
fn asked(feed: Option<FeedKind>) -> String {
    match feed {
        Some(FeedKind::Replies) => chinese!("feed-replies"),
        Some(FeedKind::At) => chinese!("feed-at"),
        Some(FeedKind::Likes) => chinese!("feed-likes"),
        Some(FeedKind::System) => chinese!("feed-system"),
        Some(other) => other.to_string(),
        None => chinese!("feed-counters"),
    }
}
