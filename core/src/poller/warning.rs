//! Reports to the user of the poller that are no messages.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorClass};
use crate::feeds::FeedKind;
use crate::ids::{ConversationId, Seqno};
use crate::one_line::OneLine;

/// Something that went wrong and was dealt with, or that was skipped.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A request failed and is tried again: all requests, or those of one conversation.
    Retry {
        /// Delay until the next attempt.
        delay: Duration,
        /// The conversation concerned; `None`: all.
        conversation: Option<ConversationId>,
        /// The reason.
        error: Error,
    },
    /// The service wants to be asked less often; nothing is asked meanwhile.
    Throttled {
        /// Delay until the next request.
        delay: Duration,
        /// The conversation that was asked for; `None`: a list, or a call beside the poller.
        conversation: Option<ConversationId>,
        /// The answer of the service.
        error: Error,
    },
    /// The risk control answered; nothing is asked meanwhile.
    RiskControl {
        /// Delay until the next request.
        delay: Duration,
        /// The conversation that was asked for; `None`: a list, or a call beside the poller.
        conversation: Option<ConversationId>,
        /// The answer of the service.
        error: Error,
    },
    /// The list of conversations could not be read down to the known part: it ended in a way that
    /// may hide some. The newest part is read in every round, the rest is tried again.
    ListIncomplete {
        /// Delay until the rest is tried again.
        delay: Duration,
        /// The reason why the list is not whole.
        error: Error,
    },
    /// The service takes no message for a while; asking goes on, what is to be sent fails at
    /// once.
    SendsPaused {
        /// Delay until something is sent again.
        delay: Duration,
        /// The refusal of the service.
        error: Error,
    },
    /// The list tells of messages that did not come, asked for in three rounds: the service does
    /// not return them. They are taken as gone.
    Gap {
        /// The conversation of the messages.
        conversation: ConversationId,
        /// The first seqno.
        from_seqno: Seqno,
        /// The last seqno.
        to_seqno: Seqno,
    },
    /// The service said that a conversation is over. The conversation is asked for again when it
    /// changes; if messages are held, also twice more before the end is believed.
    ConversationFailed {
        /// The conversation.
        conversation: ConversationId,
        /// Number of messages that are held above missing ones: the service is asked twice more,
        /// then they are delivered.
        held: usize,
        /// The answer of the service.
        error: Error,
    },
    /// An item of an answer could not be read at all.
    Undecodable {
        /// The conversation of the item; `None`: an item of the list.
        conversation: Option<ConversationId>,
        /// The item as it came.
        raw: String,
        /// The reason why the item could not be read.
        reason: String,
    },
    /// A request for notifications failed and is sent again. Messages go on.
    FeedRetry {
        /// Delay until the next attempt.
        delay: Duration,
        /// The feed concerned; `None`: the counters of unread notifications.
        feed: Option<FeedKind>,
        /// The reason.
        error: Error,
    },
    /// The service refused a request for notifications, by risk control or because it was asked
    /// too often: no feed is asked for meanwhile. Messages go on.
    FeedsPaused {
        /// Delay until the next request for notifications.
        delay: Duration,
        /// The feed that was asked for; `None`: the counters of unread notifications.
        feed: Option<FeedKind>,
        /// The answer of the service.
        error: Error,
    },
    /// An entry of a feed could not be read at all.
    UndecodableNotification {
        /// The feed of the entry.
        feed: FeedKind,
        /// The entry as it came.
        raw: String,
        /// The reason why the entry could not be read.
        reason: String,
    },
    /// A reply was not sent, or nobody knows whether it was ([`Error::UnknownOutcome`]).
    ReplyFailed {
        /// The conversation that the reply was for.
        conversation: ConversationId,
        /// The reason.
        error: Error,
    },
    /// The push channel is connected, or not any more. Without it messages come with the usual
    /// rounds.
    Push {
        /// Set if it is connected.
        connected: bool,
        /// The reason for which it is not.
        reason: Option<String>,
    },
    /// The login could not be renewed; it is tried again. Reported by whoever renews it, through
    /// [`SessionMachine::report`](crate::session::SessionMachine::report).
    Login {
        /// The reason in words.
        reason: String,
    },
    /// A handler returned an error or panicked. The others were called all the same.
    HandlerFailed {
        /// The conversation of the message that was handled.
        conversation: ConversationId,
        /// The error in the handler's words.
        reason: String,
    },
    /// A handler of a notification returned an error or panicked. The others were called all the
    /// same.
    FeedHandlerFailed {
        /// The feed of the notification that was handled.
        feed: FeedKind,
        /// The error in the handler's words.
        reason: String,
    },
}

impl Warning {
    /// Returns the kind of the warning, in a word or two.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Retry { .. } | Self::FeedRetry { .. } => "retry",
            Self::FeedsPaused { error, .. } => match error.class() {
                ErrorClass::RiskControl => "risk_control",
                _ => "throttled",
            },
            Self::Throttled { .. } => "throttled",
            Self::RiskControl { .. } => "risk_control",
            Self::ListIncomplete { .. } => "list_incomplete",
            Self::SendsPaused { .. } => "sends_paused",
            Self::Gap { .. } => "gap",
            Self::ConversationFailed { .. } => "conversation_failed",
            Self::Undecodable { .. } | Self::UndecodableNotification { .. } => "undecodable",
            Self::ReplyFailed { .. } => "reply_failed",
            Self::Push { .. } => "push",
            Self::Login { .. } => "login",
            Self::HandlerFailed { .. } | Self::FeedHandlerFailed { .. } => "handler_failed",
        }
    }

    /// Returns the conversation concerned, if the warning is about one.
    pub const fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Retry { conversation, .. }
            | Self::Throttled { conversation, .. }
            | Self::RiskControl { conversation, .. }
            | Self::Undecodable { conversation, .. } => *conversation,
            Self::Gap { conversation, .. }
            | Self::ConversationFailed { conversation, .. }
            | Self::ReplyFailed { conversation, .. }
            | Self::HandlerFailed { conversation, .. } => Some(*conversation),
            Self::ListIncomplete { .. }
            | Self::SendsPaused { .. }
            | Self::Push { .. }
            | Self::Login { .. }
            | Self::FeedRetry { .. }
            | Self::FeedsPaused { .. }
            | Self::UndecodableNotification { .. }
            | Self::FeedHandlerFailed { .. } => None,
        }
    }

    /// Returns the feed concerned, if the warning is about one.
    pub const fn feed(&self) -> Option<FeedKind> {
        match self {
            Self::FeedRetry { feed, .. } | Self::FeedsPaused { feed, .. } => *feed,
            Self::UndecodableNotification { feed, .. } | Self::FeedHandlerFailed { feed, .. } => {
                Some(*feed)
            }
            _ => None,
        }
    }

    /// Returns the delay until the next attempt, if there is one.
    pub const fn delay(&self) -> Option<Duration> {
        match self {
            Self::Retry { delay, .. }
            | Self::Throttled { delay, .. }
            | Self::RiskControl { delay, .. }
            | Self::ListIncomplete { delay, .. }
            | Self::SendsPaused { delay, .. }
            | Self::FeedRetry { delay, .. }
            | Self::FeedsPaused { delay, .. } => Some(*delay),
            Self::ReplyFailed {
                error: Error::Paused(paused),
                ..
            } => Some(paused.remaining),
            _ => None,
        }
    }

    /// Returns the error behind the warning, if there is one.
    pub const fn error(&self) -> Option<&Error> {
        match self {
            Self::Retry { error, .. }
            | Self::Throttled { error, .. }
            | Self::RiskControl { error, .. }
            | Self::ListIncomplete { error, .. }
            | Self::SendsPaused { error, .. }
            | Self::FeedRetry { error, .. }
            | Self::FeedsPaused { error, .. }
            | Self::ConversationFailed { error, .. }
            | Self::ReplyFailed { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Formats the warning as one line in words.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A table, so it may be long: an arm for each warning.
        match self {
            Self::Retry {
                delay,
                conversation: Some(conversation),
                error,
            } => write!(f, "{conversation} failed, again in {delay:.1?}: {error}"),
            Self::Retry { delay, error, .. } => write!(f, "failed, again in {delay:.1?}: {error}"),
            Self::Throttled { delay, error, .. } => {
                write!(f, "asked too often, pausing {delay:.1?}: {error}")
            }
            Self::RiskControl { delay, error, .. } => {
                write!(f, "risk control, pausing {delay:.1?}: {error}")
            }
            Self::ListIncomplete { delay, error } => write!(
                f,
                "the list of conversations is not whole, its rest again in {delay:.1?}: {error}"
            ),
            Self::SendsPaused { delay, error } => {
                write!(f, "nothing is sent for {delay:.1?}: {error}")
            }
            Self::Gap {
                conversation,
                from_seqno,
                to_seqno,
            } => write!(
                f,
                "{conversation}: the service does not deliver what lies in {from_seqno} to {to_seqno}"
            ),
            Self::ConversationFailed {
                conversation,
                held: 0,
                error,
            } => write!(f, "{conversation} is over: {error}"),
            Self::ConversationFailed {
                conversation,
                held,
                error,
            } => write!(
                f,
                "{conversation} is over: {error}; {held} of its messages are here, and are delivered if that is still so when it was asked twice more"
            ),
            Self::Undecodable {
                conversation: Some(conversation),
                reason,
                ..
            } => write!(
                f,
                "{conversation}: an item cannot be read: {}",
                OneLine(reason)
            ),
            Self::Undecodable { reason, .. } => {
                write!(
                    f,
                    "an entry of the list cannot be read: {}",
                    OneLine(reason)
                )
            }
            Self::ReplyFailed {
                conversation,
                error: Error::UnknownOutcome(error),
            } => write!(
                f,
                "it is not known whether the reply to {conversation} was sent: {error}"
            ),
            Self::ReplyFailed {
                conversation,
                error,
            } => write!(f, "the reply to {conversation} was not sent: {error}"),
            Self::Push {
                connected: true, ..
            } => f.write_str("the push channel is connected"),
            Self::Push { reason, .. } => write!(
                f,
                "the push channel is lost, messages come with the usual rounds meanwhile: {}",
                OneLine(reason.as_deref().unwrap_or("no reason is known"))
            ),
            Self::Login { reason } => {
                write!(f, "the login was not renewed: {}", OneLine(reason))
            }
            Self::HandlerFailed {
                conversation,
                reason,
            } => write!(
                f,
                "a handler failed on a message of {conversation}: {}",
                OneLine(reason)
            ),
            Self::FeedRetry { delay, feed, error } => {
                write!(f, "{} failed, again in {delay:.1?}: {error}", Asked(*feed))
            }
            Self::FeedsPaused { delay, feed, error } => write!(
                f,
                "{} was refused, no notifications for {delay:.1?}: {error}",
                Asked(*feed)
            ),
            Self::UndecodableNotification { feed, reason, .. } => write!(
                f,
                "{feed}: a notification cannot be read: {}",
                OneLine(reason)
            ),
            Self::FeedHandlerFailed { feed, reason } => write!(
                f,
                "a handler failed on a notification of {feed}: {}",
                OneLine(reason)
            ),
        }
    }
}

/// The subject of a request for notifications.
struct Asked(Option<FeedKind>);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(feed) => write!(f, "feed {feed}"),
            None => f.write_str("the request for the counters of notifications"),
        }
    }
}
