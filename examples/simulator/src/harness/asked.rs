//! What a request asks for.

use std::fmt;

use bilibili_session::ConversationId;
use http::Request;

/// What a request asks for, as far as the harness has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Nav,
    /// The newest page of all conversations: the base line.
    BaseLine,
    /// What changed since then: a round begins.
    Changes,
    /// A further page of a list.
    Further,
    /// Messages.
    Fetch {
        id: ConversationId,
        /// Whether up to the newest.
        open: bool,
        /// When it was signed, by its own account (in seconds).
        wts: i64,
    },
}

impl Asked {
    pub(super) fn of(request: &Request<Vec<u8>>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let get = |name: &str| -> Option<i64> {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)?
                .1
                .parse()
                .ok()
        };
        let number = |name: &str| get(name).unwrap_or_default();
        match request.uri().path().rsplit('/').next().unwrap_or_default() {
            "new_sessions" => Self::Changes,
            "get_sessions" if get("end_ts").is_some() => Self::Further,
            "get_sessions" => Self::BaseLine,
            "fetch_session_msgs" => Self::Fetch {
                id: ConversationId::new(number("session_type"), number("talker_id")),
                open: get("end_seqno").is_none(),
                wts: number("wts"),
            },
            _ => Self::Nav,
        }
    }

    /// Whether a list is asked for.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::BaseLine | Self::Changes | Self::Further)
    }

    /// Whether this begins a round.
    pub(super) const fn begins_round(self) -> bool {
        matches!(self, Self::BaseLine | Self::Changes)
    }

    /// The conversation whose messages are asked for.
    pub(super) const fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Fetch { id, .. } => Some(id),
            _ => None,
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nav => f.write_str("nav"),
            Self::BaseLine => f.write_str("first list"),
            Self::Changes => f.write_str("changes"),
            Self::Further => f.write_str("further page"),
            Self::Fetch { id, .. } => write!(f, "messages of {id}"),
        }
    }
}
