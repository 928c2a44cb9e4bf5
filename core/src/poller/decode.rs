//! The meaning of an answer, apart from its consequences.

use http::Response;

use super::in_flight::Purpose;
use super::lists::newest_page;
use crate::endpoint::{Endpoint, server_date};
use crate::endpoints::{
    FetchSessionMsgs, GetUnreadMessages, MessagePage, Nav, SessionPage, UnreadMessages,
};
use crate::error::Error;
use crate::feeds::{self, FeedAnswer, FeedCall, FeedKind, SentAt};
use crate::identity::Identity;
use crate::ids::ConversationId;
use crate::time::UnixSeconds;

/// A parsed answer.
#[derive(Debug)]
pub(super) enum Reply {
    /// The user who is logged in.
    Identity(Identity),
    /// The first list, and the time at which it was made.
    Baseline(SessionPage, Option<UnixSeconds>),
    /// A page of the lists.
    List(SessionPage),
    /// A page of a conversation that was asked for with this size.
    Messages(ConversationId, u32, MessagePage),
    /// The counters of unread notifications.
    Counters(UnreadMessages, SentAt),
    /// A page of a feed.
    Feed(FeedKind, FeedAnswer, SentAt),
}

/// Reads the answer to a request.
pub(super) fn decode(purpose: Purpose, answer: &Response<Vec<u8>>) -> Result<Reply, Error> {
    Ok(match purpose {
        Purpose::Nav => Reply::Identity(Nav.parse(answer)?.into_identity()?),
        // All lists are read the same way.
        Purpose::Baseline => Reply::Baseline(newest_page().parse(answer)?, server_date(answer)),
        Purpose::List => Reply::List(newest_page().parse(answer)?),
        Purpose::Fetch(id, size) => {
            Reply::Messages(id, size, FetchSessionMsgs::new(id).parse(answer)?)
        }
        Purpose::Feed(FeedCall::Counters, sent) => {
            Reply::Counters(GetUnreadMessages.parse(answer)?, sent)
        }
        Purpose::Feed(FeedCall::Page(kind), sent) => {
            Reply::Feed(kind, feeds::decode(kind, answer)?, sent)
        }
    })
}
