//! What a user of the poller should know that is no message.

use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::ids::{ConversationId, Seqno};
use crate::one_line::OneLine;

/// Something that went wrong and was dealt with, or that was skipped.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A request failed and is tried again: all of them, or those of one conversation.
    Retry {
        /// How long from now.
        delay: Duration,
        /// Which conversation it concerns; `None`: all.
        conversation: Option<ConversationId>,
        /// Why.
        error: Error,
    },
    /// The service wants to be asked less often; nothing is asked meanwhile.
    Throttled {
        /// How long from now.
        delay: Duration,
        /// Which conversation was asked for; `None`: a list, or a call beside the poller.
        conversation: Option<ConversationId>,
        /// In the service's words.
        error: Error,
    },
    /// The risk control answered; nothing is asked meanwhile.
    RiskControl {
        /// How long from now.
        delay: Duration,
        /// Which conversation was asked for; `None`: a list, or a call beside the poller.
        conversation: Option<ConversationId>,
        /// In the service's words.
        error: Error,
    },
    /// The list of conversations could not be read down to what is known: it ended in a way
    /// that may hide some. The newest part is read in every round, the rest is tried again.
    ListIncomplete {
        /// Time until the rest is tried again.
        delay: Duration,
        /// Why it is not whole.
        error: Error,
    },
    /// The service takes no message for a while; asking goes on, what is to be sent fails at once.
    SendsPaused {
        /// Time until something is sent again.
        delay: Duration,
        /// The service's refusal.
        error: Error,
    },
    /// The list knows of messages that did not come, asked for in three rounds: the service
    /// does not deliver them. They are taken as gone.
    Gap {
        /// In which conversation.
        conversation: ConversationId,
        /// The first seqno.
        from_seqno: Seqno,
        /// The last seqno.
        to_seqno: Seqno,
    },
    /// The service said that a conversation is over. It is asked for again when it moves; if
    /// messages are held, also twice more before that is believed.
    ConversationFailed {
        /// Which one.
        conversation: ConversationId,
        /// Number of its messages that are here and lie above missing ones: it is asked twice
        /// more, then they are delivered.
        held: usize,
        /// In the service's words.
        error: Error,
    },
    /// An item of an answer could not be read at all.
    Undecodable {
        /// In which conversation; `None`: in the list.
        conversation: Option<ConversationId>,
        /// The item as it came.
        raw: String,
        /// Why it could not be read.
        reason: String,
    },
    /// A reply could not be sent.
    ReplyFailed {
        /// To which conversation.
        conversation: ConversationId,
        /// Why.
        error: Error,
    },
    /// A handler returned an error or panicked. The others were called all the same.
    HandlerFailed {
        /// On a message of which conversation.
        conversation: ConversationId,
        /// In the handler's words.
        reason: String,
    },
}

impl Warning {
    /// The kind, in a word or two.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Throttled { .. } => "throttled",
            Self::RiskControl { .. } => "risk_control",
            Self::ListIncomplete { .. } => "list_incomplete",
            Self::SendsPaused { .. } => "sends_paused",
            Self::Gap { .. } => "gap",
            Self::ConversationFailed { .. } => "conversation_failed",
            Self::Undecodable { .. } => "undecodable",
            Self::ReplyFailed { .. } => "reply_failed",
            Self::HandlerFailed { .. } => "handler_failed",
        }
    }

    /// The conversation it concerns, if it is one.
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
            Self::ListIncomplete { .. } | Self::SendsPaused { .. } => None,
        }
    }

    /// How long is waited, if anything is.
    pub const fn delay(&self) -> Option<Duration> {
        match self {
            Self::Retry { delay, .. }
            | Self::Throttled { delay, .. }
            | Self::RiskControl { delay, .. }
            | Self::ListIncomplete { delay, .. }
            | Self::SendsPaused { delay, .. } => Some(*delay),
            Self::ReplyFailed {
                error: Error::Paused(paused),
                ..
            } => Some(paused.remaining),
            _ => None,
        }
    }

    /// The error behind it, if there is one.
    pub const fn error(&self) -> Option<&Error> {
        match self {
            Self::Retry { error, .. }
            | Self::Throttled { error, .. }
            | Self::RiskControl { error, .. }
            | Self::ListIncomplete { error, .. }
            | Self::SendsPaused { error, .. }
            | Self::ConversationFailed { error, .. }
            | Self::ReplyFailed { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// One line in words.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
                error,
            } => write!(f, "the reply to {conversation} was not sent: {error}"),
            Self::HandlerFailed {
                conversation,
                reason,
            } => write!(
                f,
                "a handler failed on a message of {conversation}: {}",
                OneLine(reason)
            ),
        }
    }
}
