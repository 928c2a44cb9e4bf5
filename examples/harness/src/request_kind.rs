//! Kinds of requests.

use std::fmt;

use bilibili_session::{ConversationId, FeedKind};
use http::Request;

/// Kind of request, as far as the harness has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Nav,
    List(RequestedList),
    /// Messages.
    Fetch {
        id: ConversationId,
        /// Number after which messages are requested.
        begin: u64,
        /// Set if messages up to the newest are requested.
        open: bool,
        size: u64,
        /// Time of the signature, as given in the request (in seconds).
        wts: i64,
    },
    /// A reply is sent.
    Send,
    /// The counters of unread notifications.
    Counters,
    /// A page of notifications.
    Feed(FeedKind, Step),
}

/// Place of a page in a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The newest page; of system notices that of the first source.
    Newest,
    Further,
}

/// A page of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestedList {
    pub(crate) of: ListOf,
    pub(crate) begin_ts: Option<i64>,
    pub(crate) end_ts: Option<i64>,
    pub(crate) signed: bool,
}

/// Kind of list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListOf {
    /// `new_sessions`.
    New,
    /// `get_sessions` of all types.
    All,
    /// `get_sessions` of one type.
    Single(i64),
}

impl RequestKind {
    pub(crate) fn of(request: &Request<Vec<u8>>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let text = |name: &str| -> Option<&str> {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        let get = |name: &str| -> Option<i64> { text(name)?.parse().ok() };
        let number = |name: &str| get(name).unwrap_or_default();
        let list = |of| {
            Self::List(RequestedList {
                of,
                begin_ts: get("begin_ts"),
                end_ts: get("end_ts"),
                signed: text("w_rid").is_some(),
            })
        };
        let page = |kind| match text("id") {
            None => Self::Feed(kind, Step::Newest),
            Some(_) => Self::Feed(kind, Step::Further),
        };
        match request.uri().path().rsplit('/').next().unwrap_or_default() {
            "unread" => Self::Counters,
            "reply" => page(FeedKind::Replies),
            "at" => page(FeedKind::At),
            "like" => page(FeedKind::Likes),
            "query_user_notify" => Self::Feed(FeedKind::System, Step::Newest),
            "query_unified_notify" | "query_notify_list" => {
                Self::Feed(FeedKind::System, Step::Further)
            }
            "new_sessions" => list(ListOf::New),
            "get_sessions" => list(match number("session_type") {
                4 => ListOf::All,
                single => ListOf::Single(single),
            }),
            "fetch_session_msgs" => Self::Fetch {
                id: ConversationId::new(number("session_type"), number("talker_id")),
                begin: text("begin_seqno")
                    .and_then(|it| it.parse().ok())
                    .unwrap_or_default(),
                open: text("end_seqno").is_none(),
                size: u64::try_from(number("size")).unwrap_or_default(),
                wts: number("wts"),
            },
            "send_msg" => Self::Send,
            _ => Self::Nav,
        }
    }

    /// Returns the requested list.
    pub(crate) const fn list(self) -> Option<RequestedList> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// Returns whether the request carries a signature.
    pub(crate) const fn is_signed(self) -> bool {
        match self {
            Self::Nav | Self::Counters | Self::Feed(..) => false,
            Self::List(list) => list.signed,
            Self::Fetch { .. } | Self::Send => true,
        }
    }

    /// Returns whether the request is for the newest page of all conversations: the baseline.
    pub(crate) fn is_newest_page(self) -> bool {
        self.list()
            .is_some_and(|list| list.of == ListOf::All && list.end_ts.is_none())
    }

    /// Returns whether the request begins a round.
    pub(crate) fn begins_round(self) -> bool {
        self.list().is_some_and(|list| {
            matches!(list.of, ListOf::New | ListOf::All) && list.end_ts.is_none()
        })
    }

    /// Returns whether the request is for notifications.
    pub(crate) const fn is_feed(self) -> bool {
        matches!(self, Self::Counters | Self::Feed(..))
    }

    /// Returns the conversation whose messages are requested.
    pub(crate) const fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Fetch { id, .. } => Some(id),
            _ => None,
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nav => f.write_str("nav"),
            Self::List(list) => list.fmt(f),
            Self::Fetch { id, .. } => write!(f, "messages of {id}"),
            Self::Send => f.write_str("send"),
            Self::Counters => f.write_str("counters"),
            Self::Feed(kind, Step::Newest) => write!(f, "newest page of {kind}"),
            Self::Feed(kind, Step::Further) => write!(f, "further page of {kind}"),
        }
    }
}

impl fmt::Display for RequestedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.signed {
            f.write_str("signed ")?;
        }
        match (self.of, self.end_ts) {
            (ListOf::New, None) => f.write_str("changes"),
            (ListOf::New, Some(_)) => f.write_str("further page of changes"),
            (ListOf::All, None) => f.write_str("newest page"),
            (ListOf::All, Some(_)) => f.write_str("further page"),
            (ListOf::Single(of), None) => write!(f, "page of type {of}"),
            (ListOf::Single(of), Some(_)) => write!(f, "further page of type {of}"),
        }
    }
}
