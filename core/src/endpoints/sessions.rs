//! Lists of conversations.

use std::collections::BTreeMap;

use http::Response;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{self, CookieAuth, Endpoint, OptionalWbiAuth, RequestParts, WbiSigner};
use crate::error::{BuildError, DecodeError, Error};
use crate::hosts::Host;
use crate::ids::{ConversationId, Uid};
use crate::json::lenient::{Readable, flag};
use crate::json::{self, Items, Unreadable};
use crate::model::{Conversation, SystemTalkers};
use crate::time::UnixMicros;

const MAX_SIZE: u32 = 100;

/// Size of a page where none is asked for.
const USUAL_SIZE: u32 = 20;

/// Filter of a list: the conversations that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum SessionFilter {
    /// Users and the system (1).
    UserAndSystem,
    /// Users that are not followed (2).
    NotFollowed,
    /// Fan groups (3).
    FanGroup,
    /// All (4).
    #[default]
    All,
    /// Intercepted by the service (5).
    Intercepted,
    /// The system (7).
    System,
    /// Strangers (8).
    Stranger,
    /// Followed users and the system (9).
    FollowedAndSystem,
}

impl SessionFilter {
    /// Reads the number on the wire.
    pub const fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            1 => Self::UserAndSystem,
            2 => Self::NotFollowed,
            3 => Self::FanGroup,
            4 => Self::All,
            5 => Self::Intercepted,
            7 => Self::System,
            8 => Self::Stranger,
            9 => Self::FollowedAndSystem,
            _ => return None,
        })
    }

    /// Returns the number on the wire.
    pub const fn number(self) -> i64 {
        match self {
            Self::UserAndSystem => 1,
            Self::NotFollowed => 2,
            Self::FanGroup => 3,
            Self::All => 4,
            Self::Intercepted => 5,
            Self::System => 7,
            Self::Stranger => 8,
            Self::FollowedAndSystem => 9,
        }
    }
}

/// Asks for one page of the list of conversations, newest first. Signed where the service asks
/// for it.
///
/// `GET https://api.vc.bilibili.com/session_svr/v1/session_svr/get_sessions`
#[derive(Debug, Clone)]
#[must_use]
pub struct GetSessions {
    session_type: SessionFilter,
    group_fold: bool,
    unfollow_fold: bool,
    sort_rule: u32,
    begin_ts: Option<UnixMicros>,
    end_ts: Option<UnixMicros>,
    size: Option<u32>,
}

impl Default for GetSessions {
    fn default() -> Self {
        Self::new()
    }
}

impl GetSessions {
    /// Asks for the newest page of all conversations, groups folded.
    pub const fn new() -> Self {
        Self {
            session_type: SessionFilter::All,
            group_fold: true,
            unfollow_fold: false,
            sort_rule: 2,
            begin_ts: None,
            end_ts: None,
            size: None,
        }
    }

    /// Asks only for these conversations.
    pub const fn session_type(mut self, session_type: SessionFilter) -> Self {
        self.session_type = session_type;
        self
    }

    /// Sets whether groups are folded into one entry.
    pub const fn group_fold(mut self, fold: bool) -> Self {
        self.group_fold = fold;
        self
    }

    /// Sets whether users that are not followed are folded into one entry.
    pub const fn unfollow_fold(mut self, fold: bool) -> Self {
        self.unfollow_fold = fold;
        self
    }

    /// Sets the service's sort rule; 2 is by time.
    pub const fn sort_rule(mut self, rule: u32) -> Self {
        self.sort_rule = rule;
        self
    }

    /// Asks only for conversations that changed after this time.
    pub const fn begin_ts(mut self, begin_ts: UnixMicros) -> Self {
        self.begin_ts = Some(begin_ts);
        self
    }

    /// Asks only for conversations that changed before this time: `session_ts` of the
    /// last entry of a page plus 1 µs asks for the next page.
    pub const fn end_ts(mut self, end_ts: UnixMicros) -> Self {
        self.end_ts = Some(end_ts);
        self
    }

    /// Sets the size of a page, 1 to 100; the service's own is 20.
    pub const fn size(mut self, size: u32) -> Self {
        self.size = Some(size);
        self
    }

    /// Returns the filter of the list.
    pub(crate) const fn lists(&self) -> SessionFilter {
        self.session_type
    }

    /// Returns the size of a full page.
    pub(crate) fn page_size(&self) -> usize {
        usize::try_from(self.size.unwrap_or(USUAL_SIZE)).unwrap_or(usize::MAX)
    }
}

impl Endpoint for GetSessions {
    type Auth = OptionalWbiAuth;
    type Output = SessionPage;

    fn check(&self, _: &ClientConfig) -> Result<(), BuildError> {
        check_size(self.size)
    }

    fn parts(
        &self,
        _: &ClientConfig,
        _: Option<WbiSigner<'_>>,
    ) -> Result<RequestParts, BuildError> {
        Ok(
            RequestParts::get(Host::Vc, "/session_svr/v1/session_svr/get_sessions")
                .query("session_type", self.session_type.number())
                .query("group_fold", u8::from(self.group_fold))
                .query("unfollow_fold", u8::from(self.unfollow_fold))
                .query("sort_rule", self.sort_rule)
                .query_opt("begin_ts", self.begin_ts.map(|ts| ts.0))
                .query_opt("end_ts", self.end_ts.map(|ts| ts.0))
                .query_opt("size", self.size)
                .web(),
        )
    }

    fn decode(&self, data: &Value) -> Result<SessionPage, DecodeError> {
        SessionPage::salvaged(data)
    }

    fn parse(&self, response: &Response<Vec<u8>>) -> Result<SessionPage, Error> {
        endpoint::read(self, response, |page| Some(SessionPage::direct(page)))
    }
}

/// Asks for the conversations that changed after a time, newest first.
///
/// When the answer says `has_more`, go on with [`GetSessions`] from its last entry down.
/// Signed where the service asks for it.
///
/// `GET https://api.vc.bilibili.com/session_svr/v1/session_svr/new_sessions`
#[derive(Debug, Clone)]
#[must_use]
pub struct NewSessions {
    begin_ts: UnixMicros,
    size: Option<u32>,
}

impl NewSessions {
    /// Asks for the conversations that changed after `begin_ts`.
    pub const fn new(begin_ts: UnixMicros) -> Self {
        Self {
            begin_ts,
            size: None,
        }
    }

    /// Sets the most entries of the page, 1 to 100.
    pub const fn size(mut self, size: u32) -> Self {
        self.size = Some(size);
        self
    }

    /// Returns the time after which the listed conversations changed.
    pub(crate) const fn changed_after(&self) -> UnixMicros {
        self.begin_ts
    }
}

impl Endpoint for NewSessions {
    type Auth = OptionalWbiAuth;
    type Output = SessionPage;

    fn check(&self, _: &ClientConfig) -> Result<(), BuildError> {
        check_size(self.size)
    }

    fn parts(
        &self,
        _: &ClientConfig,
        _: Option<WbiSigner<'_>>,
    ) -> Result<RequestParts, BuildError> {
        Ok(
            RequestParts::get(Host::Vc, "/session_svr/v1/session_svr/new_sessions")
                .query("begin_ts", self.begin_ts.0)
                .query_opt("size", self.size)
                .web(),
        )
    }

    fn decode(&self, data: &Value) -> Result<SessionPage, DecodeError> {
        SessionPage::salvaged(data)
    }

    fn parse(&self, response: &Response<Vec<u8>>) -> Result<SessionPage, Error> {
        endpoint::read(self, response, |page| Some(SessionPage::direct(page)))
    }
}

/// Asks for one conversation as the lists show it.
///
/// Fails with 1000004 for one that never was.
///
/// `GET https://api.vc.bilibili.com/session_svr/v1/session_svr/session_detail`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct GetSessionDetail {
    conversation: ConversationId,
}

impl GetSessionDetail {
    /// Asks for the conversation with this user or of this group.
    pub fn new(conversation: impl Into<ConversationId>) -> Self {
        Self {
            conversation: conversation.into(),
        }
    }
}

impl Endpoint for GetSessionDetail {
    type Auth = CookieAuth;
    type Output = Conversation;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(
            RequestParts::get(Host::Vc, "/session_svr/v1/session_svr/session_detail")
                .query("talker_id", self.conversation.talker_id())
                .query("session_type", self.conversation.session_type())
                .web(),
        )
    }

    fn decode(&self, data: &Value) -> Result<Conversation, DecodeError> {
        json::salvage(data).map(|(conversation, _)| conversation)
    }
}

/// Page of the list of conversations.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SessionPage {
    /// Conversations, newest first; pinned ones may stand before.
    pub session_list: Vec<Conversation>,
    /// Entries that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// True if older conversations follow.
    pub has_more: bool,
    /// True while the service clears up muted conversations.
    pub anti_disturb_cleaning: bool,
    /// Conversations of the service itself: system message type to `talker_id`.
    pub system_msg: SystemTalkers,
}

/// `data` of a page, with its entries or apart from them.
#[derive(Deserialize)]
struct Wire<C> {
    #[serde(default)]
    session_list: C,
    #[serde(default, deserialize_with = "flag")]
    has_more: bool,
    #[serde(default, deserialize_with = "flag")]
    anti_disturb_cleaning: bool,
    #[serde(default, deserialize_with = "talkers")]
    system_msg: SystemTalkers,
}

impl SessionPage {
    /// Takes a page that fits.
    fn direct(page: Wire<Items<Conversation>>) -> Self {
        Self {
            session_list: page.session_list.0,
            unreadable: Vec::new(),
            has_more: page.has_more,
            anti_disturb_cleaning: page.anti_disturb_cleaning,
            system_msg: page.system_msg,
        }
    }

    fn salvaged(data: &Value) -> Result<Self, DecodeError> {
        let (session_list, unreadable) = json::items(data.get("session_list"), "session_list")?;
        let (wire, _) = json::salvage::<Wire<IgnoredAny>>(data)?;
        Ok(Self {
            session_list,
            unreadable,
            has_more: wire.has_more,
            anti_disturb_cleaning: wire.anti_disturb_cleaning,
            system_msg: wire.system_msg,
        })
    }
}

/// Null is empty, and entries that name nobody are left out.
fn talkers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTalkers, D::Error> {
    let entries: Option<BTreeMap<String, Readable<Uid>>> = Option::deserialize(deserializer)?;
    let entries = entries.unwrap_or_default().into_iter();
    Ok(entries
        .filter_map(|(kind, Readable(talker))| Some((kind, talker.filter(|uid| *uid != Uid(0))?)))
        .collect())
}

fn check_size(size: Option<u32>) -> Result<(), BuildError> {
    match size {
        None | Some(1..=MAX_SIZE) => Ok(()),
        Some(_) => Err(BuildError::Parameter {
            name: "size",
            rule: "1 to 100",
        }),
    }
}
