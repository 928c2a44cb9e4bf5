//! One thing to ask, and the request that asks it.

use bilibili_session::endpoints::SessionFilter;
use bilibili_session::error::{BuildError, DecodeError};
use bilibili_session::{
    ClientConfig, ConversationId, CookieAuth, Endpoint, Error, Host, RequestParts, Seqno,
    UnixMicros, UnixSeconds, WbiKeys, server_date,
};
use http::Response;
use serde_json::Value;

use crate::texts::say;

/// Request of the examination. None of them changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// A list of conversations.
    List {
        kind: ListKind,
        begin: Option<UnixMicros>,
        end: Option<UnixMicros>,
        size: u32,
        /// Set if the request is signed.
        signed: bool,
    },
    /// Messages of a conversation.
    Messages {
        id: ConversationId,
        begin: Option<Seqno>,
        end: Option<Seqno>,
        size: u32,
    },
    /// Number of unread messages.
    Unread,
}

/// Kind of list of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListKind {
    /// `get_sessions` of a type.
    Of(SessionFilter),
    /// `new_sessions`.
    Changes,
}

impl Question {
    /// Describes the question to people, without naming a conversation.
    pub(super) fn in_words(&self) -> String {
        let bounds = |begin: bool, end: bool| match (begin, end) {
            (false, false) => String::new(),
            (true, false) => say!("doctor-after"),
            (false, true) => say!("doctor-before"),
            (true, true) => say!("doctor-between"),
        };
        match self {
            Self::List {
                kind, begin, end, ..
            } => {
                let bounds = bounds(begin.is_some(), end.is_some());
                match kind {
                    ListKind::Of(SessionFilter::All) => say!("doctor-list-of-all", bounds = bounds),
                    ListKind::Of(kind) => {
                        say!(
                            "doctor-list-of-type",
                            number = kind.number(),
                            bounds = bounds
                        )
                    }
                    ListKind::Changes => say!("doctor-list-of-changes", bounds = bounds),
                }
            }
            Self::Messages { begin, end, .. } => {
                let bounds = bounds(begin.is_some(), end.is_some());
                say!("doctor-messages", bounds = bounds)
            }
            Self::Unread => say!("doctor-unread"),
        }
    }
}

/// Answer to a question.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) data: Result<Value, Error>,
    pub(super) date: Option<UnixSeconds>,
}

/// The request of a question: exactly one, and a refusal is an answer as well.
pub(super) struct Probe<'a> {
    pub(super) question: Question,
    pub(super) keys: &'a WbiKeys,
    pub(super) wts: UnixSeconds,
}

impl Probe<'_> {
    fn query(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let mut query: Vec<(&'static str, String)> = Vec::new();
        let mut put = |name, value: Option<String>| query.extend(value.map(|it| (name, it)));
        let (path, signed) = match self.question {
            Question::List {
                kind,
                begin,
                end,
                size,
                signed,
            } => {
                if let ListKind::Of(kind) = kind {
                    put("session_type", Some(kind.number().to_string()));
                    put("group_fold", Some("0".to_owned()));
                    put("unfollow_fold", Some("0".to_owned()));
                    put("sort_rule", Some("2".to_owned()));
                }
                put("begin_ts", begin.map(|ts| ts.0.to_string()));
                put("end_ts", end.map(|ts| ts.0.to_string()));
                put("size", Some(size.to_string()));
                let path = match kind {
                    ListKind::Of(_) => "/session_svr/v1/session_svr/get_sessions",
                    ListKind::Changes => "/session_svr/v1/session_svr/new_sessions",
                };
                (path, signed)
            }
            Question::Messages {
                id,
                begin,
                end,
                size,
            } => {
                put("talker_id", Some(id.talker_id().to_string()));
                put("session_type", Some(id.session_type().to_string()));
                put("size", Some(size.to_string()));
                put("begin_seqno", begin.map(|it| it.to_string()));
                put("end_seqno", end.map(|it| it.to_string()));
                put("sender_device_id", Some("1".to_owned()));
                ("/svr_sync/v1/svr_sync/fetch_session_msgs", true)
            }
            Question::Unread => {
                put("unread_type", Some("0".to_owned()));
                put("show_unfollow_list", Some("1".to_owned()));
                put("show_dustbin", Some("1".to_owned()));
                ("/session_svr/v1/session_svr/single_unread", false)
            }
        };
        put("build", Some("0".to_owned()));
        put("mobi_app", Some("web".to_owned()));
        match signed {
            true => (path, self.keys.sign(query, self.wts)),
            false => (path, query),
        }
    }
}

impl Endpoint for Probe<'_> {
    type Auth = CookieAuth;
    type Output = Reply;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let (path, query) = self.query();
        let parts = RequestParts::get(Host::Vc, path);
        Ok(query
            .into_iter()
            .fold(parts, |parts, (name, value)| parts.query(name, value)))
    }

    fn decode(&self, data: &Value) -> Result<Reply, DecodeError> {
        Ok(Reply {
            data: Ok(data.clone()),
            date: None,
        })
    }

    fn parse(&self, response: &Response<Vec<u8>>) -> Result<Reply, Error> {
        Ok(Reply {
            data: self.decode_raw(response),
            date: server_date(response),
        })
    }
}
