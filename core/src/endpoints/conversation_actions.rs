//! Actions on a conversation: mark as read, pin, mute, remove.

use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts, UidAuth};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::ids::{ConversationId, Seqno, Uid};

/// The parts of an [`Endpoint`] that all actions have in common: the same check before, and an
/// answer without data.
macro_rules! action {
    () => {
        type Output = ();

        fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
            check(self.conversation, context)
        }

        fn decode(&self, _: &Value) -> Result<(), DecodeError> {
            Ok(())
        }
    };
}

/// Marks a conversation as read up to a message. Needs `bili_jct`.
///
/// `POST https://api.vc.bilibili.com/session_svr/v1/session_svr/update_ack`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct UpdateAck {
    conversation: ConversationId,
    ack_seqno: Seqno,
}

impl UpdateAck {
    /// Marks the messages up to and with `ack_seqno` as read.
    pub fn new(conversation: impl Into<ConversationId>, ack_seqno: Seqno) -> Self {
        Self {
            conversation: conversation.into(),
            ack_seqno,
        }
    }
}

impl Endpoint for UpdateAck {
    type Auth = CookieAuth;
    action!();

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        named("/session_svr/v1/session_svr/update_ack", self.conversation)
            .field("ack_seqno", self.ack_seqno)
            .web()
            .csrf(context)
    }
}

/// Removes a conversation from the list. Needs `bili_jct`.
///
/// `POST https://api.vc.bilibili.com/session_svr/v1/session_svr/remove_session`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct RemoveSession {
    conversation: ConversationId,
}

impl RemoveSession {
    /// Removes this conversation.
    pub fn new(conversation: impl Into<ConversationId>) -> Self {
        Self {
            conversation: conversation.into(),
        }
    }
}

impl Endpoint for RemoveSession {
    type Auth = CookieAuth;
    action!();

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        named(
            "/session_svr/v1/session_svr/remove_session",
            self.conversation,
        )
        .web()
        .csrf(context)
    }
}

/// Pins a conversation to the top of the list, or unpins it. Needs `bili_jct`.
///
/// `POST https://api.vc.bilibili.com/session_svr/v1/session_svr/set_top`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct SetTop {
    conversation: ConversationId,
    pin: bool,
}

impl SetTop {
    /// Pins this conversation.
    pub fn pin(conversation: impl Into<ConversationId>) -> Self {
        Self {
            conversation: conversation.into(),
            pin: true,
        }
    }

    /// Unpins this conversation.
    pub fn unpin(conversation: impl Into<ConversationId>) -> Self {
        Self {
            conversation: conversation.into(),
            pin: false,
        }
    }
}

impl Endpoint for SetTop {
    type Auth = CookieAuth;
    action!();

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        // The service counts the other way round: 0 pins.
        named("/session_svr/v1/session_svr/set_top", self.conversation)
            .field("op_type", u8::from(!self.pin))
            .web()
            .csrf(context)
    }
}

/// Mutes or unmutes a conversation. Needs `bili_jct`, and the account's own number.
///
/// `POST https://api.vc.bilibili.com/link_setting/v1/link_setting/set_msg_dnd`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct SetMsgDnd {
    conversation: ConversationId,
    mute: bool,
}

impl SetMsgDnd {
    /// Mutes this conversation.
    pub fn mute(conversation: impl Into<ConversationId>) -> Self {
        Self {
            conversation: conversation.into(),
            mute: true,
        }
    }

    /// Unmutes this conversation.
    pub fn unmute(conversation: impl Into<ConversationId>) -> Self {
        Self {
            conversation: conversation.into(),
            mute: false,
        }
    }
}

impl Endpoint for SetMsgDnd {
    type Auth = UidAuth;
    action!();

    fn parts(&self, context: &ClientConfig, own: Uid) -> Result<RequestParts, BuildError> {
        let parts = RequestParts::post(Host::Vc, "/link_setting/v1/link_setting/set_msg_dnd")
            .field("uid", own)
            .field("setting", u8::from(self.mute));
        let parts = match self.conversation {
            ConversationId::Group(group) => parts.field("dnd_group_id", group),
            other => parts.field("dnd_uid", other.talker_id()),
        };
        parts.web().csrf(context)
    }
}

/// Creates a POST that names a conversation.
fn named(path: &'static str, conversation: ConversationId) -> RequestParts {
    RequestParts::post(Host::Vc, path)
        .field("talker_id", conversation.talker_id())
        .field("session_type", conversation.session_type())
}

fn check(conversation: ConversationId, context: &ClientConfig) -> Result<(), BuildError> {
    match conversation {
        ConversationId::Other { session_type, .. } => {
            Err(BuildError::UnknownReceiver { session_type })
        }
        _ if !context.credential().can_write() => Err(BuildError::MissingBiliJct),
        _ => Ok(()),
    }
}
