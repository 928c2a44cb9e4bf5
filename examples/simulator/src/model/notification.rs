//! Something that an account is notified of: what happens, and where it then stands.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Kind of a notification, and of the feed that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// Somebody replied.
    Reply,
    /// Somebody mentioned the account.
    At,
    /// Somebody liked something of the account.
    Like,
    /// The system has something to say.
    System,
}

impl FeedKind {
    /// Returns the type under which the push channel tells of this feed; of system notices it tells without one.
    pub(crate) const fn push_type(self) -> i64 {
        match self {
            Self::Reply => 113,
            Self::At => 114,
            Self::Like => 115,
            Self::System => 0,
        }
    }

    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Reply, Self::At, Self::Like, Self::System];

    /// Returns the name that control requests use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::At => "at",
            Self::Like => "like",
            Self::System => "system",
        }
    }

    /// Reads the name that control requests use.
    ///
    /// # Errors
    /// Names the kinds that there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        kind.ok_or_else(|| format!("no kind `{name}`; there are reply, at, like, system"))
    }
}

/// Source that has a system notice among its newest. Older ones come from one list, whatever their source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeSource {
    /// `query_user_notify` alone.
    User,
    /// `query_unified_notify` alone.
    Unified,
    /// Either.
    Both,
}

/// Something that happens, and that an account is notified of.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNotification {
    /// Kind of the notification.
    pub kind: FeedKind,
    /// User who did it; without one somebody new. System notices have none.
    pub user: Option<i64>,
    /// Text of the reply, the mention or the notice, or title of what was liked; without one it is made up.
    pub text: Option<String>,
    /// Number of what was replied to, or liked; without one something new. All likes of one thing are one item.
    pub item: Option<i64>,
    /// Time of the item (seconds); without one it is the moment that it happens.
    pub timestamp: Option<i64>,
    /// Delay (seconds) after which it shows up, with the number that it had from the beginning.
    pub late_s: Option<i64>,
    /// Source of a system notice; without one they take turns, the unified one first.
    pub source: Option<NoticeSource>,
    /// Fields that stand on the wire instead of the right ones; null removes one.
    pub raw: Map<String, Value>,
}

impl NewNotification {
    /// Creates a notification of this kind, of which everything is made up.
    pub fn new(kind: FeedKind) -> Self {
        Self {
            kind,
            user: None,
            text: None,
            item: None,
            timestamp: None,
            late_s: None,
            source: None,
            raw: Map::new(),
        }
    }

    /// Creates a reply of this user.
    pub fn reply(user: i64, text: impl Into<String>) -> Self {
        Self {
            user: Some(user),
            text: Some(text.into()),
            ..Self::new(FeedKind::Reply)
        }
    }

    /// Creates a mention by this user.
    pub fn at(user: i64, text: impl Into<String>) -> Self {
        Self {
            kind: FeedKind::At,
            ..Self::reply(user, text)
        }
    }

    /// Creates a like of this thing by this user.
    pub fn like(user: i64, item: i64) -> Self {
        Self {
            user: Some(user),
            item: Some(item),
            ..Self::new(FeedKind::Like)
        }
    }

    /// Creates a system notice.
    pub fn system(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::new(FeedKind::System)
        }
    }

    /// Sets the time of the item (seconds).
    #[must_use]
    pub fn dated(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Sets the delay (seconds) after which it shows up.
    #[must_use]
    pub fn late_by(mut self, seconds: i64) -> Self {
        self.late_s = Some(seconds);
        self
    }

    /// Sets the source of a system notice.
    #[must_use]
    pub fn from_source(mut self, source: NoticeSource) -> Self {
        self.source = Some(source);
        self
    }

    /// Makes it one that cannot be read: its number is a word.
    #[must_use]
    pub fn unreadable(mut self) -> Self {
        self.raw.insert("id".to_owned(), Value::from("一"));
        self
    }
}

/// Place of an item in its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notified {
    /// Number of the item; of a system notice the `cursor`, which is one over both sources.
    pub id: i64,
    /// Time of the item (seconds).
    pub time: i64,
    /// Number of likes so far; 1 for all else.
    pub counts: i64,
}
